"""How much memory Redis may take, in both ways to run it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.layout import Layout
from infra.services import configure, redis_memory
from shared.errors import EnvironmentFault

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("total", "most"), [(8 << 30, 2 << 30), (256 << 30, 4 << 30)])
def test_without_a_setting_a_share_of_the_machine(total: int, most: int) -> None:
    assert redis_memory({}, total) == redis_memory({"GROUNDUP_REDIS_MEMORY": ""}, total) == str(most)


def test_a_setting_is_taken_and_nonsense_is_named() -> None:
    assert redis_memory({"GROUNDUP_REDIS_MEMORY": "512mb"}, 8 << 30) == "512mb"
    for text in ("lots", "0", "1 gb\nrequirepass x", "-1"):
        with pytest.raises(EnvironmentFault, match="GROUNDUP_REDIS_MEMORY"):
            redis_memory({"GROUNDUP_REDIS_MEMORY": text}, 8 << 30)


def test_redis_is_started_with_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDUP_REDIS_MEMORY", "300mb")
    layout = Layout.read({"GROUNDUP_DATA_DIR": str(tmp_path / "data")})
    configure(layout)
    assert "maxmemory 300mb" in (layout.run_dir / "redis.conf").read_text().splitlines()
    compose: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    command = compose["services"]["redis"]["command"]
    assert command[command.index("--maxmemory") + 1] == "${GROUNDUP_REDIS_MEMORY:-2gb}"
