from pathlib import Path

from shared.failures import REMEDIES, Failure, FailureKind

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def test_every_kind_has_a_remedy_and_stands_in_the_docs() -> None:
    told = OPERATIONS.read_text()
    assert set(REMEDIES) == set(FailureKind)
    for kind, remedy in REMEDIES.items():
        assert f"| `{kind}` | {remedy} |" in told
        assert Failure.of(kind, "seen").remedy == remedy
