import pytest

from infra.supervisor import stop_seconds


@pytest.mark.parametrize(("grace", "seconds"), [("", 45), ("25", 45), ("25.5", 46), ("300", 320), ("soon", 45), ("inf", 45)])
def test_services_get_longer_to_stop_than_training_gets_to_save_itself(monkeypatch: pytest.MonkeyPatch, grace: str, seconds: int) -> None:
    monkeypatch.setenv("GROUNDUP_GRACE_SECONDS", grace)
    assert stop_seconds() == seconds
