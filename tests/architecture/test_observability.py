"""Dashboard, alert rules, runbooks and scrape configuration agree with the list of metrics and with each other."""

import json
import re
from typing import Any

import promql_parser as promql
import pytest
import yaml
from typer.main import get_command

from chassis.metrics import METRICS
from chassis.observability.__main__ import stale
from meridian.app import app
from tests.architecture.tree import ROOT, SERVICES
from tests.promql import Sample, Vector, evaluate, nodes

FOLDER = ROOT / "deploy" / "observability"
RUNBOOKS = ROOT / "docs" / "runbooks"
OF_EVERY_SERIES = {"service", "job", "instance"}
BY_SERIES = {series: metric for metric in METRICS for series in metric.series}


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))
    return found


def queries() -> list[str]:
    asked = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]
    return [*asked, *(rule["expr"] for rule in rules())]


RULES = {rule["alert"]: rule for rule in rules()}


def grouping(node: Any) -> list[str]:
    return list(node.modifier.labels) if isinstance(node, promql.AggregateExpr) and node.modifier else []


def unknown_names(query: str) -> list[str]:
    """Metrics and labels of a query that no process exports."""
    parsed: list[Any] = list(nodes(promql.parse(query.replace("$__rate_interval", "1m"))))
    selectors = [node for node in parsed if type(node) is promql.VectorSelector]
    found = [str(each.name) for each in selectors if each.name != "up" and each.name not in BY_SERIES]
    labels = OF_EVERY_SERIES | {"le"}
    labels |= {label for each in selectors if each.name in BY_SERIES for label in BY_SERIES[each.name].labels}
    used = {rule.name for each in selectors for rule in each.matchers.matchers}
    used |= {name for node in parsed for name in grouping(node)}
    return found + sorted(used - labels)


@pytest.mark.parametrize("query", queries())
def test_every_query_names_what_is_exported(query: str) -> None:
    assert unknown_names(query) == []


@pytest.mark.parametrize(
    "query",
    ["sum by (service) (crm_nothing_total)", "max by (topic) (crm_outbox_oldest_seconds)", "crm_due_lateness_seconds"],
)
def test_a_wrong_query_would_be_seen(query: str) -> None:
    assert unknown_names(query)


def test_the_dashboard_shows_every_metric() -> None:
    shown = " ".join(queries())
    assert [each.name for each in METRICS if not any(re.search(rf"\b{name}\b", shown) for name in each.series)] == []


def test_no_panel_lies_on_another() -> None:
    seen: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & seen and place["x"] + place["w"] <= 24, panel["title"]
        seen |= cells


def test_the_generated_files_are_fresh() -> None:
    assert stale() == []


@pytest.mark.parametrize("name", RULES)
def test_an_alert_says_how_bad_it_is_what_happened_and_what_to_do(name: str) -> None:
    rule = RULES[name]
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert (
        "{{ $labels.service }}" in rule["annotations"]["summary"] or "$labels.topic" in rule["annotations"]["summary"]
    )
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
    page = (RUNBOOKS / f"{name}.md").read_text("utf-8")
    parts = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert parts == ["What it means", "What users notice", "Check", "Cure", "Verify"]
    assert f"**Severity** {rule['labels']['severity']}" in page


def test_every_runbook_has_its_alert() -> None:
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == set(RULES)
    index = (RUNBOOKS / "README.md").read_text("utf-8")
    assert [name for name in RULES if f"[{name}]({name}.md) | {RULES[name]['labels']['severity']}" not in index] == []


def test_the_commands_of_the_runbooks_exist() -> None:
    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    known: set[tuple[str, ...]] = {(name,) for name in commands}
    known |= {(name, sub) for name, group in commands.items() for sub in getattr(group, "commands", ())}
    text = "".join(page.read_text("utf-8") for page in [*RUNBOOKS.glob("*.md"), ROOT / "docs" / "operations.md"])
    for name, sub in re.findall(r"\bmeridian ([a-z]+)(?: ([a-z]+))?", text):
        is_group = hasattr(commands.get(name), "commands")
        assert ((name, sub) if is_group else (name,)) in known


def test_every_service_is_scraped_under_its_name() -> None:
    document = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    (job,) = document["scrape_configs"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    scraped = {each["labels"]["service"]: each["targets"] for each in job["static_configs"]}
    assert set(scraped) == set(SERVICES)
    assert [target for targets in scraped.values() for target in targets if target.split(":")[0] not in compose] == []


def sample(name: str, value: float, **labels: str) -> Sample:
    return Sample(name, {"service": "leads", "job": "meridian", "instance": "leads:8000", **labels}, value)


def buckets(name: str, slow: float, **labels: str) -> list[Sample]:
    """A histogram of 100 observations of which `slow` took more than ten seconds."""
    bounds = {"1.0": 100 - slow, "10.0": 100 - slow, "30.0": 100.0, "+Inf": 100.0}
    return [sample(name, value, le=bound, **labels) for bound, value in bounds.items()]


def answers(good: float, bad: float) -> list[Sample]:
    return [
        sample("crm_request_seconds_count", count, status=status) for status, count in (("200", good), ("503", bad))
    ]


CALM: dict[str, list[Sample]] = {
    "ServiceDown": [sample("up", 1)],
    "ServerErrors": [
        sample("crm_request_seconds_count", 1000, status="200"),
        sample("crm_request_seconds_count", 3, status="503"),
    ],
    "OutboxDelayed": [sample("crm_outbox_oldest_seconds", 2)],
    "OutboxGrows": [sample("crm_outbox_waiting_rows", 5000)],
    "OutboxKeyParked": [sample("crm_outbox_parked_keys", 0)],
    "RelayFailing": [sample("crm_relay_failures_total", 2, cause="OSError")],
    "ShardsWithoutRelay": [sample("crm_relay_shards_count", 16), sample("crm_outbox_waiting_rows", 10)],
    "ConsumerLag": [sample("crm_consumer_lag_records", 400, topic="t")],
    "EventsWait": [sample("crm_consumer_oldest_seconds", 12, topic="t")],
    "EventsAppliedLate": buckets("crm_consumer_event_age_seconds_bucket", 0, topic="t"),
    "KeyParked": [sample("crm_inbox_parked_keys", 0, handler="h")],
    "InboxStuck": [sample("crm_inbox_oldest_seconds", 10, handler="h")],
    "RecordQuarantined": [sample("crm_quarantine_records", 0, topic="t")],
    "ConsumersFenceEachOther": [sample("crm_consumer_fenced_total", 3, topic="t")],
    "RebalanceStorm": [sample("crm_consumer_rebalances_total", 4)],
    "ConsumerStandsStill": [sample("crm_consumer_watchdog_restarts_total", 1)],
    "TopicRecreated": [sample("crm_consumer_recreated_total", 0, topic="t")],
    "RemindersLate": buckets("crm_due_lateness_seconds_bucket", 0, queue="Reminder"),
    "SagaStuck": [sample("crm_saga_oldest_seconds", 40, saga="s")],
    "LoopsRestart": [sample("crm_worker_restarts_total", 1, worker="w")],
    "DeadRows": [sample("crm_db_dead_tuples", 4000, table="outbox")],
    "OldTransaction": [sample("crm_db_oldest_snapshot_seconds", 3)],
}
TROUBLE: dict[str, list[Sample]] = {
    "ServiceDown": [sample("up", 0)],
    "ServerErrors": [
        sample("crm_request_seconds_count", 900, status="200"),
        sample("crm_request_seconds_count", 60, status="503"),
    ],
    "OutboxDelayed": [sample("crm_outbox_oldest_seconds", 31)],
    "OutboxGrows": [sample("crm_outbox_waiting_rows", 100_001)],
    "OutboxKeyParked": [sample("crm_outbox_parked_keys", 1)],
    "RelayFailing": [sample("crm_relay_failures_total", 30, cause="OSError")],
    "ShardsWithoutRelay": [sample("crm_relay_shards_count", 8), sample("crm_outbox_waiting_rows", 10)],
    "ConsumerLag": [sample("crm_consumer_lag_records", 10_001, topic="t")],
    "EventsWait": [sample("crm_consumer_oldest_seconds", 61, topic="t")],
    "EventsAppliedLate": buckets("crm_consumer_event_age_seconds_bucket", 10, topic="t"),
    "KeyParked": [sample("crm_inbox_parked_keys", 1, handler="h")],
    "InboxStuck": [sample("crm_inbox_oldest_seconds", 301, handler="h")],
    "RecordQuarantined": [sample("crm_quarantine_records", 1, topic="t")],
    "ConsumersFenceEachOther": [sample("crm_consumer_fenced_total", 21, topic="t")],
    "RebalanceStorm": [sample("crm_consumer_rebalances_total", 31)],
    "ConsumerStandsStill": [sample("crm_consumer_watchdog_restarts_total", 2)],
    "TopicRecreated": [sample("crm_consumer_recreated_total", 1, topic="t")],
    "RemindersLate": buckets("crm_due_lateness_seconds_bucket", 10, queue="Reminder"),
    "SagaStuck": [sample("crm_saga_oldest_seconds", 901, saga="s")],
    "LoopsRestart": [sample("crm_worker_restarts_total", 4, worker="w")],
    "DeadRows": [sample("crm_db_dead_tuples", 100_001, table="outbox")],
    "OldTransaction": [sample("crm_db_oldest_snapshot_seconds", 601)],
}


def result(name: str, samples: list[Sample]) -> Vector:
    return evaluate(RULES[name]["expr"], samples)


@pytest.mark.parametrize("name", RULES)
def test_an_alert_is_silent_on_a_calm_system_and_fires_in_its_trouble(name: str) -> None:
    assert result(name, CALM[name]) == {}
    (labels,) = result(name, TROUBLE[name])
    assert ("service", "leads") in labels, "the one who is called must know whose trouble it is"
