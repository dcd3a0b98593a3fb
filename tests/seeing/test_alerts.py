"""Alert rules and the dashboard are about metrics that there are, and each alert fires when it is to."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import yaml
from prometheus_client import REGISTRY

import api.asgi  # noqa: F401  # what it imports makes the metrics of the workers,
import app.consuming.metrics  # and these those of the other processes
import app.evidence.anchoring
import app.evidence.attester  # noqa: F401
import projections.engine.upkeep  # noqa: F401
from api.querying.staleness import Staleness
from postgres.connections import Pool

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yaml"
RULES_TEST = DEPLOY / "prometheus" / "rules-test.yaml"
DASHBOARD = DEPLOY / "grafana" / "roundbook.json"

_METRIC = re.compile(r"\broundbook_\w+")


def test_the_rules_are_sound_and_each_fires_when_it_is_to() -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: it is in Debian's package prometheus"
    for arguments in (("check", "rules", str(RULES)), ("test", "rules", str(RULES_TEST))):
        ended = subprocess.run(
            [promtool, *arguments], check=False, capture_output=True, text=True, timeout=60
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_each_alert_is_tested_silent_and_firing() -> None:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    tests = {test["name"]: test for test in yaml.safe_load(RULES_TEST.read_text())["tests"]}
    assert list(tests) == [rule["alert"] for rule in group["rules"]]
    for name, test in tests.items():
        silent, firing = test["alert_rule_test"]
        assert silent["alertname"] == firing["alertname"] == name
        assert "exp_alerts" not in silent
        assert len(firing["exp_alerts"]) == 1


def exposed() -> set[str]:
    """The names of the samples that the service shows."""
    of_the_store = Staleness(cast("Pool", None)).collect()
    names = set()
    for metric in [*REGISTRY.collect(), *of_the_store]:
        suffixes = {
            "counter": ("_total",),
            "histogram": ("_bucket", "_sum", "_count"),
        }.get(metric.type, ("",))
        names |= {metric.name + suffix for suffix in suffixes}
    return {name for name in names if name.startswith("roundbook_")}


def panels() -> Iterator[dict[str, Any]]:
    yield from json.loads(DASHBOARD.read_text())["panels"]


def expressions() -> list[str]:
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    shown = [target["expr"] for panel in panels() for target in panel.get("targets", ())]
    return [*(rule["expr"] for rule in rules), *shown]


def test_they_are_about_metrics_that_there_are() -> None:
    named = {name for expression in expressions() for name in _METRIC.findall(expression)}
    assert named <= exposed()
    # And nothing that is shown is forgotten.
    families = {re.sub("_(bucket|sum|count)$", "", name) for name in named}
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in exposed()} == families


def test_labels_are_those_of_the_metrics() -> None:
    of_the_store = Staleness(cast("Pool", None)).collect()
    known = {
        label
        for collector in [*REGISTRY._collector_to_names, *of_the_store]
        for label in getattr(collector, "_labelnames", ())
    } | {"le", "job", "instance"}
    used = {
        label
        for expression in expressions()
        for grouped in re.findall(r"\bby \(([^)]*)\)", expression)
        for label in re.split(r",\s*", grouped)
    } | {label for expression in expressions() for label in re.findall(r'(\w+)="', expression)}
    assert used <= known


def test_panels_stand_beside_each_other_and_say_what_they_show() -> None:
    places: set[tuple[int, int]] = set()
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids))
    for panel in panels():
        assert panel["title"]
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & places
        assert max(x for x, _ in cells) < 24
        places |= cells


def test_every_expression_is_one_for_prometheus(tmp_path: Path) -> None:
    """Those of the dashboard are checked as rules are, with its variables filled in."""
    filled = [
        each.replace("$__rate_interval", "5m").replace("$job", "roundbook")
        for each in expressions()
    ]
    rules = [{"record": f"checked:{number}", "expr": each} for number, each in enumerate(filled)]
    checked = tmp_path / "rules.yaml"
    checked.write_text(yaml.safe_dump({"groups": [{"name": "checked", "rules": rules}]}))
    ended = subprocess.run(
        ["promtool", "check", "rules", str(checked)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
