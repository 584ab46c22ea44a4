"""compose.yaml and the Dockerfiles, as far as they can be judged without an engine; `./run compose-test` does the rest."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.compose.health import context_switches
from infra.compose.make_secrets import folders
from infra.supervisor import BEYOND_GRACE_SECONDS
from services.trainer.agent import SHIPPING_SECONDS
from services.trainer.main_replica import Replica
from tests.compose.standins import BASES
from tests.compose.work import flaws
from tests.servers import POSTGRES_IMAGE, REDIS_IMAGE

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
ONCE = {name for name in SERVICES if name == "init" or name.endswith("-migrate")}
DOCKERFILES = sorted(ROOT.glob("services/*/Dockerfile")) + sorted(ROOT.glob("infra/*/Dockerfile"))
FOR_EVERY_IMAGE = {"pyproject.toml", "infra/constraints.txt", "infra/compose/entrypoint.sh", "infra/compose/health.py"}


def instructions(path: Path, name: str) -> list[str]:
    text = re.sub(r"\\\n", " ", path.read_text())
    return [line.split(None, 1)[1] for line in text.splitlines() if line.startswith(f"{name} ")]


def copied(path: Path) -> set[str]:
    """What a Dockerfile takes from the repository."""
    own = [line.split() for line in instructions(path, "COPY") if not line.startswith("--from")]
    return {source.rstrip("/") for words in own for source in words[:-1]}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_restarts_is_checked_and_has_few_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")
    assert bool(service["healthcheck"].get("disable")) == (name in ONCE)
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_service_runs_as_root(name: str) -> None:
    service = SERVICES[name]
    users = instructions(ROOT / service["build"]["dockerfile"], "USER") if "build" in service else [service["user"]]
    assert users
    assert users[-1] not in {"root", "0"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_services_wait_for_what_they_need_and_everything_for_the_secrets(name: str) -> None:
    seen: set[str] = set()
    todo = [name]
    while todo:
        needed = SERVICES[todo.pop()].get("depends_on", {})
        assert all(SERVICES[other] for other in needed)
        assert all((rule["condition"] == "service_completed_successfully") == (other in ONCE) for other, rule in needed.items())
        todo += set(needed) - seen
        seen |= set(needed)
    assert "init" in seen or name == "init"


def test_only_the_gateway_can_be_reached_and_only_from_this_machine() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"gateway"}
    assert SERVICES["gateway"]["ports"] == ["${GROUNDUP_HOST:-127.0.0.1}:${GROUNDUP_PORT:-8080}:8080"]


def test_no_secret_is_in_the_file() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search("SECRET|PASSWORD|TOKEN|ACCESS_KEY", key):
                assert key.endswith("_FILE") or re.fullmatch(r"\$\{\w+:-\}", value), f"{name}: {key}"
    assert not re.search(r"://[^/\s]*:[^/\s]*@|[0-9a-f]{32}", (ROOT / "compose.yaml").read_text())


def test_a_service_sees_no_secrets_but_its_own() -> None:
    for name, service in SERVICES.items():
        mounted = [volume for volume in service["volumes"] if volume.startswith("secrets-")]
        assert name == "init" or len(mounted) == 1, name
        assert name == "init" or mounted[0].endswith(":/run/groundup:ro"), name


def test_every_volume_is_declared_and_used() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert used == set(COMPOSE["volumes"])


def test_training_gets_the_time_to_save_itself() -> None:
    """Whatever the grace is set to, in one place: the agent ends before the replica gives it up, and the replica before the engine does."""
    for name in ("trainer", "trainer-gpu"):
        for grace in (25, 300):
            environ = {} if grace == 25 else {"GROUNDUP_GRACE_SECONDS": str(grace)}
            told = filled_in(SERVICES[name]["environment"]["GROUNDUP_GRACE_SECONDS"], environ)
            replica = Replica("trainer-1", {"GROUNDUP_GRACE_SECONDS": told}).last_seconds
            engine = duration(filled_in(SERVICES[name]["stop_grace_period"], environ))
            assert grace + SHIPPING_SECONDS < replica < engine == grace + BEYOND_GRACE_SECONDS


def filled_in(text: str, environ: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: environ.get(found[1]) or found[2], text)


def duration(text: str) -> float:
    """Seconds, where it is a duration to Compose 1 as to Compose 2: each unit once at most, the larger ones first."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3}
    found = re.fullmatch("".join(rf"(?:([\d.]+){unit})?" for unit in units), text)
    assert found, text
    return sum(factor * float(value or 0) for factor, value in zip(units.values(), found.groups(), strict=True))


def test_gpus_are_only_for_the_profile() -> None:
    assert [name for name, service in SERVICES.items() if "deploy" in service] == ["trainer-gpu"]
    assert SERVICES["trainer-gpu"]["profiles"] == ["gpu"]
    assert SERVICES["trainer-gpu"]["build"]["args"]["TORCH_INDEX"] != SERVICES["trainer"]["build"]["args"]["TORCH_INDEX"]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_an_image_holds_only_its_own(path: Path) -> None:
    own = str(path.parent.relative_to(ROOT))
    shared = {"shared", "serving"} if own.startswith("services/") else set()
    allowed = FOR_EVERY_IMAGE | shared | ({"frontend"} if own == "infra/gateway" else set())
    strange = {source for source in copied(path) if source not in allowed and not f"{source}/".startswith((f"{own}/", "frontend/"))}
    assert not strange, f"{path}: copies {strange}"
    assert all((ROOT / source).exists() for source in copied(path))


@pytest.mark.parametrize("service", ["api", "monitor", "storage", "trainer"])
def test_an_image_installs_only_its_own_group(service: str) -> None:
    groups = re.findall(r"--group (\w+)", (ROOT / "services" / service / "Dockerfile").read_text())
    assert set(groups) == ({"trainer", "torch"} if service == "trainer" else {service})


def test_base_images_are_those_that_have_stand_ins() -> None:
    stages = [line.split() for path in DOCKERFILES for line in instructions(path, "FROM")]
    assert {words[0] for words in stages} | {SERVICES["redis"]["image"]} == set(BASES)
    assert {REDIS_IMAGE, POSTGRES_IMAGE} <= set(BASES)


def test_secrets_are_all_different_and_stay_with_whom_they_concern() -> None:
    given = folders(lambda name: f"<{name}>", {})
    assert given["api"]["GROUNDUP_API_DATABASE_URL"] == "postgresql+psycopg://api:<postgres-api>@postgres/api"
    assert "<postgres-api>" not in str([given["monitor"], given["storage"], given["trainer"]])
    assert "<gateway>" not in str(given["trainer"])
    assert {name for name, files in given.items() if "AWS_SECRET_ACCESS_KEY" in files} == {"storage"}


def test_keys_of_an_s3_of_your_own_are_taken() -> None:
    given = folders(lambda name: f"<{name}>", {"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "hidden"})
    assert (given["storage"]["AWS_ACCESS_KEY_ID"], given["storage"]["AWS_SECRET_ACCESS_KEY"]) == ("mine", "hidden")


def test_a_thread_that_stands_still_is_told_from_one_that_turns() -> None:
    status = "Name:\tpython\nvoluntary_ctxt_switches:\t{}\nnonvoluntary_ctxt_switches:\t3\n"
    assert context_switches(status.format(7)) == context_switches(status.format(7))
    assert context_switches(status.format(7)) != context_switches(status.format(8))


@pytest.mark.parametrize(
    ("buckets", "last", "expected"),
    [([(1, 3), (4, 2)], 5, 0), ([(1, 3), (5, 1)], 5, 1), ([(1, 3), (3, 3)], 5, 1), ([], 4, 4)],
    ids=["whole", "one missing", "one doubled", "nothing there"],
)
def test_the_rehearsal_sees_missing_and_doubled_steps(buckets: list[tuple[float, int]], last: int, expected: int) -> None:
    assert flaws(buckets, last) == expected


def test_the_gateway_fills_in_every_name_of_its_template() -> None:
    gateway = ROOT / "infra" / "gateway"
    names = set(re.findall(r"\$\{(GROUNDUP_\w+)\}", (gateway / "nginx.conf.template").read_text()))
    exported = re.findall(r"^export (.*)$", (gateway / "entrypoint.sh").read_text(), re.MULTILINE)
    assert names <= set(exported[0].split()) | set(SERVICES["gateway"]["environment"])
