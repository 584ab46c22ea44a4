"""The gateway's routes against what the services really serve: a path that is forgotten there would go to api, which does not know it."""

import re
from pathlib import Path

import redis

from services.monitor.app import create_app
from serving.database import Database
from shared.settings import Settings

TEMPLATE = (Path(__file__).parents[2] / "infra/gateway/nginx.conf.template").read_text()


def test_whatever_the_monitor_serves_is_routed_to_it(settings: Settings) -> None:
    (pattern,) = re.findall(r"location ~ (\S+) \{ proxy_pass \$monitor; \}", TEMPLATE)
    app = create_app(settings, Database("sqlite://"), redis.Redis())
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")]
    assert len(rules) > 12
    for rule in rules:
        assert re.fullmatch(pattern.removeprefix("^").removesuffix("$"), re.sub(r"<[^>]*>", "x1", rule)), rule
