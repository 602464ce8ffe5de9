"""docs/metrics.md, from the list of metrics."""

from chassis.metrics import METRICS, Metric

PARTS = {
    "crm_request": "HTTP",
    "crm_questions": "HTTP",
    "crm_outbox": "Outbox and relay",
    "crm_relay": "Outbox and relay",
    "crm_consumer": "Consumers",
    "crm_quarantine": "Consumers",
    "crm_inbox": "Reactors",
    "crm_due": "Due queues and background loops",
    "crm_worker": "Due queues and background loops",
    "crm_saga": "Sagas",
    "crm_db": "Database",
    "crm_operator": "Operators",
}
HEAD = """# Metrics

Every process shows all of them at `/metrics`, in Prometheus' text format. This page is generated from the list in
[metrics.py](../libs/chassis/src/chassis/metrics.py) by `make schemas`. Gauges about the database (waiting, parked, dead
rows) are looked up by each worker every five seconds and say the same in every replica: take their `max`, not their
`sum`. A histogram has `_bucket`, `_sum` and `_count`.

Dashboards and alert rules: [deploy/observability](../deploy/observability/README.md). What to do when an alert fires:
[runbooks](runbooks/README.md).
"""


def page() -> str:
    """The page, one table per part."""
    parts: dict[str, list[Metric]] = {}
    for metric in METRICS:
        parts.setdefault(_part(metric), []).append(metric)
    return HEAD + "".join(f"\n## {part}\n\n{_table(members)}" for part, members in parts.items())


def _part(metric: Metric) -> str:
    return next(part for prefix, part in PARTS.items() if metric.name.startswith(prefix))


def _table(members: list[Metric]) -> str:
    rows = (f"| `{each.name}` | {each.kind} | {', '.join(each.labels)} | {each.help} |\n" for each in members)
    return "| name | kind | labels | meaning |\n|---|---|---|---|\n" + "".join(rows)
