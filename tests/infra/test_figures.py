"""docs/metrics.md against what the real applications answer, and the Grafana dashboard against docs/metrics.md."""

import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import redis
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

import services
from infra.layout import Layout
from services.api.app import create_app as create_api
from services.monitor.app import create_app as create_monitor
from services.storage.app import create_app as create_storage
from services.storage.objects import ObjectStore
from services.storage.settings import StorageSettings
from services.storage.stores import Stores
from services.trainer.agent import Agent
from services.trainer.figures import GpuFigures, HostFigures
from services.trainer.host import Host
from services.trainer.settings import AgentSettings
from services.trainer.shipper import Shipper
from serving.database import Database
from shared.api_client import ApiClient
from shared.conversation import SlotReport
from shared.settings import Settings
from shared.storage_client import StorageClient
from tests.conftest import headers

ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "infra/grafana/groundup.json").read_text())
GPU = {"utilization": 35.0, "memory_bytes": 1e9, "memory_total_bytes": 2e9, "temperature_celsius": 60.0, "power_watts": 200.0}
SAMPLE = {"system/cpu.utilization": 3.0, "system/gpu.0.clock_mhz": 1.0} | {f"system/gpu.1.{name}": value for name, value in GPU.items()}

Figure = tuple[str, tuple[str, ...]]
"""type, labels"""


def documented(service: str) -> dict[str, Figure]:
    rows = re.findall(r"^\| `(groundup_\w+)` \| (\w+) \| ([\w, ]*)\| ([\w, ]+) \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE)
    return {name: (kind, words(labels)) for name, kind, labels, services in rows if service in words(services)}


def words(text: str) -> tuple[str, ...]:
    return tuple(sorted(filter(None, (word.strip() for word in text.split(",")))))


def exported(text: str) -> dict[str, Figure]:
    found = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        found[name] = (family.type, tuple(sorted(labels)))
    return found


@contextmanager
def migrated(folder: Path, service: str) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{folder / service}.db")) as database:
        database.migrate(Path(services.__path__[0]) / service / "migrations")
        yield database


@contextmanager
def application(service: str, settings: Settings, folder: Path) -> Iterator[Any]:
    with migrated(folder, service) as database, redis.Redis.from_url(settings.redis_url) as client:
        if service == "api":
            yield create_api(settings, database, StorageClient("http://unused", "unused"), client)
        elif service == "monitor":
            yield create_monitor(settings, database, client)
        else:
            secrets = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "unused")
            here = replace(StorageSettings.read(secrets), data_folder=folder, quota=1 << 30)
            with closing(ObjectStore(here)) as objects:
                yield create_storage(settings, Stores(database, objects, lambda *_: None))


def agent(settings: Settings) -> Agent:
    own = AgentSettings.read({"GROUNDUP_WORKER_NAME": "tester"}, settings.data_dir)
    own.folder.mkdir(parents=True)
    api, storage, shipper = ApiClient("http://unused", "x"), StorageClient("http://unused", "x"), Shipper(redis.Redis())
    host = Host(own, "instance-1", api, storage, httpx.Client(), shipper, {}, 1, lambda *_: [], Event().set)
    return Agent(host, [SlotReport(id="host/cpu0", device="cpu", name="cpu")], Event(), 15)


@pytest.mark.parametrize("service", ["api", "monitor", "storage"])
def test_every_name_of_a_service_is_documented_and_is_there(service: str, settings: Settings, tmp_path: Path) -> None:
    with application(service, settings, tmp_path) as app:
        http = app.test_client()
        assert http.get("/healthz").status_code == 200
        assert exported(http.get("/metrics").text) == documented(service)


def test_every_name_of_the_agent_is_documented_and_is_there(settings: Settings) -> None:
    it = agent(settings)
    it.beats.labels("yes").inc()
    it.registry.register(GpuFigures(lambda: SAMPLE))
    text = generate_latest(it.registry).decode()
    assert exported(text) == documented("agent")
    assert 'groundup_gpu_utilization_ratio{gpu="1"} 0.35' in text
    assert 'gpu="0"' not in text


def test_all_time_of_a_processor_is_busy_or_idle(tmp_path: Path) -> None:
    modes = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    times = SimpleNamespace(**{mode: float(1 << bit) for bit, mode in enumerate(modes)}, guest=1.0, guest_nice=1.0)
    told = {s.labels["mode"]: s.value for s in next(HostFigures(tmp_path, lambda: times).collect()).samples}
    assert told == {"busy": float(1 + 2 + 4 + 32 + 64 + 128), "idle": float(8 + 16)}
    some = SimpleNamespace(user=1.0, nice=2.0, system=4.0, idle=8.0)
    assert [s.value for s in next(HostFigures(tmp_path, lambda: some).collect()).samples] == [8.0, 7.0], "as on macOS"


def test_labels_are_of_our_own_making(settings: Settings, tmp_path: Path) -> None:
    with application("monitor", settings, tmp_path) as app:
        http = app.test_client()
        http.get("/api/v1/runs/run_secret/metrics", headers=headers("viewer"))
        http.get("/made/up", headers=headers("viewer"))
        http.open("/made/up", method="MADEUP", headers=headers("viewer"))
        text = http.get("/metrics").text
    assert 'route="/api/v1/runs/<run_id>/metrics",service="monitor",status="2xx"} 1.0' in text
    assert 'method="other",route="other",service="monitor"' in text
    assert not re.search("run_secret|made/up|MADEUP", text)


def test_from_elsewhere_it_takes_the_token(settings: Settings, tmp_path: Path) -> None:
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    for token, given, expected in (
        ("", "", 401),
        ("", "Bearer ", 401),
        ("t0k", "Bearer other", 401),
        ("t0k", "", 401),
        ("t0k", "Bearer t0k", 200),
    ):
        with application("monitor", replace(settings, metrics_token=token), tmp_path) as app:
            answer = app.test_client().get("/metrics", environ_base=elsewhere, headers={"Authorization": given})
            assert answer.status_code == expected, (token, given)
            assert app.test_client().get("/metrics").status_code == 200


def expressions(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel.get("targets", [])]


def test_the_dashboard_asks_for_documented_names_only() -> None:
    known = {name: kind for service in ("api", "monitor", "storage", "agent") for name, (kind, _) in documented(service).items()}
    parts = {f"{name}_{part}" for name, kind in known.items() if kind == "histogram" for part in ("bucket", "sum", "count")}
    asked = {name for panel in DASHBOARD["panels"] for text in expressions(panel) for name in re.findall(r"groundup_\w+", text)}
    assert asked <= known.keys() | parts
    assert len(asked) > 30


def test_the_dashboard_asks_for_documented_labels_only() -> None:
    known = {label for service in ("api", "monitor", "storage", "agent") for _, labels in documented(service).values() for label in labels}
    for panel in DASHBOARD["panels"]:
        for text in expressions(panel):
            grouped = [word for group in re.findall(r"by \(([^)]*)\)", text) for word in words(group)]
            matched = re.findall(r'(\w+)=~?"', text)
            assert {*grouped, *matched} <= known | {"le", "instance"}, text
            assert text.count("(") == text.count(")")


def test_what_every_monitor_tells_alike_is_not_added_up() -> None:
    """Several are scraped where there are several, and all read the same database."""
    alike = r"groundup_(events_ingested|ingest_lag|detectors|alerts_open|deliveries)"
    asked = [text for panel in DASHBOARD["panels"] for text in expressions(panel) if re.search(alike, text)]
    assert len(asked) >= 6
    for text in asked:
        assert text.startswith("max"), text


def test_the_dashboard_has_the_shape_that_grafana_imports() -> None:
    assert DASHBOARD["schemaVersion"] >= 41
    assert "id" not in DASHBOARD, "an id is of one Grafana only"
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = set[tuple[int, int]]()
    for panel in panels:
        place = panel["gridPos"]
        own = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not own & cells, f"{panel['title']} lies on another panel"
        assert max(x for x, _ in own) < 24
        cells |= own
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert expressions(panel)


def test_the_scrape_configuration_has_every_port() -> None:
    jobs = yaml.safe_load((ROOT / "infra/grafana/prometheus.yml").read_text())["scrape_configs"]
    asked = {target for job in jobs for one in job["static_configs"] for target in one["targets"]}
    ports = Layout.read({}).ports
    assert asked == {f"127.0.0.1:{ports[name]}" for name in ("api", "monitor", "storage", "agent")}
