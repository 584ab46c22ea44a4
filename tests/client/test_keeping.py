"""`groundup checkpoint`: show, pin, alias, rm, usage; and generating from an alias."""

import json

import pytest

from tests.client.conftest import Command
from tests.client.platform import Platform


@pytest.fixture(autouse=True)
def checkpoint(platform: Platform) -> None:
    made = {"id": "ckp_1", "run_id": "run_1", "run_name": "novel", "attempt": 1, "step": 9, "metrics": {"val/loss": 2.5}, "bytes": 9}
    kept = {"kept_because": ["newest"], "aliases": ["old"], "state": "committed", "files": []}
    platform.checkpoints = [made | kept]


def sent(platform: Platform, method: str, path: str) -> list[object]:
    return [json.loads(one.body) for one in platform.sent(method, path)]


def test_one_is_shown_with_why_it_is_kept(groundup: Command, platform: Platform) -> None:
    for name in ("ckp_1", "default/production"):
        told = groundup("checkpoint", "show", name).stdout
        assert "ckp_1  step 9 of novel (run_1, attempt 1)" in told
        assert "kept      newest" in told
    platform.checkpoints[0] |= {
        "state": "damaged",
        "damage": "its SHA-256 differs",
        "kept_because": [],
        "expires_at": "2026-01-02T00:00:00",
    }
    told = groundup("checkpoint", "show", "ckp_1").stdout
    assert "damaged: its SHA-256 differs" in told
    assert "by nothing; it goes 2026-01-02 00:00:00" in told
    assert "DAMAGED; nothing, it goes soon" in groundup("checkpoint", "ls").stdout
    assert json.loads(groundup("checkpoint", "show", "ckp_1", "--json").stdout)["damage"] == "its SHA-256 differs"


def test_pins_and_aliases_are_set_by_id(groundup: Command, platform: Platform) -> None:
    assert groundup("checkpoint", "pin", "default/production").exit_code == 0
    assert groundup("checkpoint", "unpin", "ckp_1").exit_code == 0
    named = groundup("checkpoint", "alias", "ckp_1", "production")
    assert "default/old, default/production" in named.stdout
    assert "production was at ckp_0 before." in named.stdout
    assert groundup("checkpoint", "alias", "ckp_1", "old", "--remove").exit_code == 0
    changes = sent(platform, "PATCH", "/api/v1/checkpoints/ckp_1")
    assert changes == [{"pinned": True}, {"pinned": False}, {"aliases": ["old", "production"]}, {"aliases": ["production"]}]


def test_rm_tells_bytes_and_what_stays(groundup: Command, platform: Platform) -> None:
    dry = groundup("checkpoint", "rm", "default/production", "ckp_3", "--dry-run")
    assert (dry.exit_code, "would delete 2, 1.2 kB: ckp_1, ckp_3" in dry.stdout) == (0, True)
    done = groundup("checkpoint", "rm", "ckp_2")
    assert done.exit_code == 1
    assert "ckp_2 stays: pinned by ada; newest" in done.stderr
    assert [body["dry_run"] for body in sent(platform, "POST", "/api/v1/checkpoints/delete")] == [True, False]  # type: ignore[index]


def test_usage_is_told(groundup: Command) -> None:
    told = groundup("checkpoint", "usage").stdout
    assert "warning: checkpoints take 900 bytes, 100 bytes of the quota are left" in told
    assert json.loads(groundup("checkpoint", "usage", "--json").stdout)["quota_bytes"] == 1000


def test_an_alias_generates(groundup: Command, platform: Platform) -> None:
    assert groundup("generate", "default/production", "--prompt", "def ").exit_code == 0
    (body,) = sent(platform, "POST", "/api/v1/generate")
    assert body == {"alias": "default/production", "prompt": "def ", "max_new_tokens": 100, "temperature": 0.8}
