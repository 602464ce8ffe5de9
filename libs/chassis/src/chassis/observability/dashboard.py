"""The Grafana dashboard: rows of panels, each a title and the queries behind it."""

import json
from dataclasses import dataclass
from typing import Any

from chassis.metrics import METRICS

WIDTH, HEIGHT = 8, 7
OF = 'service=~"$service"'


@dataclass(frozen=True)
class Panel:
    """`queries` maps a legend to PromQL; `limit` draws the line at which an alert fires."""

    title: str
    queries: dict[str, str]
    unit: str = "short"
    limit: float | None = None


def _max(metric: str, *labels: str) -> str:
    return f"max by ({', '.join(('service', *labels))}) ({metric}{{{OF}}})"


def _sum(metric: str, *labels: str) -> str:
    return f"sum by ({', '.join(('service', *labels))}) ({metric}{{{OF}}})"


def _rate(metric: str, *labels: str) -> str:
    return f"sum by ({', '.join(('service', *labels))}) (rate({metric}{{{OF}}}[$__rate_interval]))"


def _quantile(share: float, metric: str, *labels: str) -> str:
    return f"histogram_quantile({share}, {_rate(metric + '_bucket', *labels, 'le')})"


ROWS: dict[str, tuple[Panel, ...]] = {
    "Is anything stuck?": (
        Panel("Parked keys", {"{{service}} {{handler}}": _max("crm_inbox_parked_keys", "handler")}, limit=1),
        Panel("Records in quarantine", {"{{service}} {{topic}}": _max("crm_quarantine_records", "topic")}, limit=1),
        Panel("Keys that Kafka refuses", {"{{service}}": _max("crm_outbox_parked_keys")}, limit=1),
    ),
    "Outbox and relay": (
        Panel("Events waiting for Kafka", {"{{service}}": _max("crm_outbox_waiting_rows")}, limit=100_000),
        Panel("Age of the oldest", {"{{service}}": _max("crm_outbox_oldest_seconds")}, "s", 30),
        Panel("Published", {"{{service}} {{topic}}": _rate("crm_outbox_published_total", "topic")}, "ops"),
        Panel("Events per round, median", {"{{service}}": _quantile(0.5, "crm_relay_batch_rows")}),
        Panel("Leased shards (16 when all is well)", {"{{service}}": _sum("crm_relay_shards_count")}),
        Panel("Failed rounds", {"{{service}} {{cause}}": _rate("crm_relay_failures_total", "cause")}, "ops"),
        Panel("States told once more", {"{{service}} {{topic}}": _rate("crm_relay_restated_total", "topic")}, "ops"),
        Panel("Set aside", {"{{service}} {{topic}}": _rate("crm_outbox_parked_total", "topic")}, "ops"),
    ),
    "Consumers": (
        Panel("Lag", {"{{service}} {{topic}}": _sum("crm_consumer_lag_records", "topic")}, limit=10_000),
        Panel(
            "From fact to effect",
            {
                "{{service}} p50": _quantile(0.5, "crm_consumer_event_age_seconds"),
                "{{service}} p99": _quantile(0.99, "crm_consumer_event_age_seconds"),
            },
            "s",
            5,
        ),
        Panel("Age of the oldest", {"{{service}} {{topic}}": _max("crm_consumer_oldest_seconds", "topic")}, "s", 60),
        Panel("Records applied", {"{{service}} {{topic}}": _rate("crm_consumer_records_total", "topic")}, "ops"),
        Panel("Skipped, unknown type", {"{{service}} {{topic}}": _rate("crm_consumer_skipped_total", "topic")}, "ops"),
        Panel("Not decodable", {"{{service}} {{topic}}": _rate("crm_consumer_quarantined_total", "topic")}, "ops"),
        Panel(
            "Batches fenced and repeated",
            {
                "{{service}} fenced": _rate("crm_consumer_fenced_total"),
                "{{service}} repeated": _rate("crm_consumer_retries_total"),
            },
            "ops",
        ),
        Panel(
            "Group",
            {
                "{{service}} assignments": _rate("crm_consumer_rebalances_total"),
                "{{service}} replaced by the watchdog": _rate("crm_consumer_watchdog_restarts_total"),
                "{{service}} recreated topics": _rate("crm_consumer_recreated_total"),
            },
            "ops",
        ),
    ),
    "Reactors": (
        Panel("Handled", {"{{service}} {{handler}}": _rate("crm_inbox_done_total", "handler")}, "ops"),
        Panel("Failed attempts", {"{{service}} {{handler}}": _rate("crm_inbox_failures_total", "handler")}, "ops"),
        Panel("Repeats dropped", {"{{service}} {{handler}}": _rate("crm_inbox_repeats_total", "handler")}, "ops"),
        Panel("Newly parked", {"{{service}} {{handler}}": _rate("crm_inbox_parked_total", "handler")}, "ops"),
        Panel("Waiting", {"{{service}} {{handler}}": _max("crm_inbox_waiting_events", "handler")}),
        Panel("Age of the oldest", {"{{service}} {{handler}}": _max("crm_inbox_oldest_seconds", "handler")}, "s", 300),
    ),
    "Reminders, loops, jobs": (
        Panel("Fired", {"{{service}} {{queue}}": _rate("crm_due_fired_total", "queue")}, "ops"),
        Panel("Lateness p99", {"{{queue}}": _quantile(0.99, "crm_due_lateness_seconds", "queue")}, "s", 5),
        Panel("Restarted loops", {"{{service}} {{worker}}": _rate("crm_worker_restarts_total", "worker")}, "ops"),
        Panel("Replays and bootstraps", {"{{service}} {{state}}": _max("crm_operator_jobs", "state")}),
    ),
    "Sagas": (
        Panel("Age of the oldest", {"{{service}} {{saga}}": _max("crm_saga_oldest_seconds", "saga")}, "s", 900),
        Panel("Came to rest", {"{{saga}} {{status}}": _rate("crm_saga_finished_total", "saga", "status")}, "ops"),
        Panel("Sent again", {"{{saga}} {{step}}": _rate("crm_saga_resends_total", "saga", "step")}, "ops"),
        Panel("Answers", {"{{type}} {{outcome}}": _rate("crm_saga_answers_total", "type", "outcome")}, "ops"),
    ),
    "HTTP": (
        Panel("Requests", {"{{service}} {{status}}": _rate("crm_request_seconds_count", "status")}, "reqps"),
        Panel("Time to answer p99", {"{{service}}": _quantile(0.99, "crm_request_seconds")}, "s"),
        Panel("Questions to others", {"{{service}} {{outcome}}": _rate("crm_questions_total", "outcome")}, "ops"),
    ),
    "Database": (
        Panel("Dead rows", {"{{service}} {{table}}": _max("crm_db_dead_tuples", "table")}, limit=100_000),
        Panel("Oldest transaction", {"{{service}}": _max("crm_db_oldest_snapshot_seconds")}, "s", 600),
    ),
}


def document() -> str:
    """The dashboard as Grafana imports it."""
    made = {
        "title": "Meridian",
        "uid": "meridian",
        "tags": ["meridian"],
        "timezone": "browser",
        "schemaVersion": 41,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_datasource(), _service()]},
        "panels": _panels(),
    }
    return json.dumps(made, indent=1) + "\n"


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Source"}


def _service() -> dict[str, Any]:
    query = "label_values(crm_request_seconds_count, service)"
    more = {
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "refresh": 2,
        "current": {"text": "All", "value": "$__all"},
    }
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {"name": "service", "type": "query", "label": "Service", "datasource": source, "query": query, **more}


def _panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    top = 0
    for title, members in ROWS.items():
        place = {"x": 0, "y": top, "w": 24, "h": 1}
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "gridPos": place, "panels": []})
        top += 1
        for number, panel in enumerate(members):
            column, line = number % 3, number // 3
            place = {"x": column * WIDTH, "y": top + line * HEIGHT, "w": WIDTH, "h": HEIGHT}
            panels.append({"id": len(panels) + 1, **_panel(panel), "gridPos": place})
        top += -(-len(members) // 3) * HEIGHT
    return panels


def _panel(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": "\n".join(_sentences(panel)),
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "targets": [
            {"refId": chr(ord("A") + number), "expr": query, "legendFormat": legend}
            for number, (legend, query) in enumerate(panel.queries.items())
        ],
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
    }


def _sentences(panel: Panel) -> list[str]:
    """What the metrics' own list says about them."""
    asked = " ".join(panel.queries.values())
    return [metric.help for metric in METRICS if any(f"({name}{{" in asked for name in metric.series)]
