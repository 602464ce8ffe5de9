"""Every metric of a Meridian process, in one list with a sentence each: a typo is an AttributeError, not a new series.

docs/metrics.md is made from the list; dashboards, alerts and runbooks may name only what is in it.
"""

from dataclasses import dataclass
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True)
class Metric:
    """One family of series as /metrics shows it; `help` is one sentence."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str

    @property
    def series(self) -> tuple[str, ...]:
        """The names that a query may use."""
        return (
            (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
            if self.kind == "histogram"
            else (self.name,)
        )


METRICS: list[Metric] = []

# A second series per counter and histogram that no query here uses.
disable_created_metrics()  # type: ignore[no-untyped-call]


def _counter(name: str, sentence: str, *labels: str) -> Counter:
    METRICS.append(Metric(name, "counter", labels, sentence))
    return Counter(name, sentence, labels)


def _gauge(name: str, sentence: str, *labels: str) -> Gauge:
    METRICS.append(Metric(name, "gauge", labels, sentence))
    return Gauge(name, sentence, labels)


def _histogram(name: str, sentence: str, *labels: str, buckets: tuple[float, ...] = LATENCY) -> Histogram:
    METRICS.append(Metric(name, "histogram", labels, sentence))
    return Histogram(name, sentence, labels, buckets=buckets)


# HTTP
request_seconds = _histogram(
    "crm_request_seconds",
    "Time to answer, by route template.",
    "method",
    "route",
    "status",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
questions_asked = _counter("crm_questions_total", "Questions to other services by outcome.", "asked", "outcome")

# outbox and relay
outbox_published = _counter("crm_outbox_published_total", "Events that the broker acknowledged.", "topic")
outbox_waiting = _gauge("crm_outbox_waiting_rows", "Events that wait for the broker, counted up to 200,000.")
outbox_oldest_seconds = _gauge("crm_outbox_oldest_seconds", "Age of the oldest event that waits for the broker.")
outbox_parked = _counter("crm_outbox_parked_total", "Events set aside because the broker refuses them.", "topic")
outbox_parked_keys = _gauge("crm_outbox_parked_keys", "Keys whose events wait because the broker refuses one of them.")
relay_failures = _counter("crm_relay_failures_total", "Rounds of the relay that failed and were repeated.", "cause")
relay_shards = _gauge("crm_relay_shards_count", "Shards of the outbox that this process leases.")
states_restated = _counter(
    "crm_relay_restated_total", "States told once more, since the state topic ended with an older one.", "topic"
)
relay_batch = _histogram("crm_relay_batch_rows", "Events sent in one round of the relay.", buckets=ROWS)

# consumers
records_applied = _counter("crm_consumer_records_total", "Records taken over from a topic.", "topic")
records_skipped = _counter("crm_consumer_skipped_total", "Records of types that nobody here handles.", "topic")
records_quarantined = _counter("crm_consumer_quarantined_total", "Records that cannot be decoded.", "topic")
quarantine_records = _gauge("crm_quarantine_records", "Records in quarantine that no operator has dealt with.", "topic")
batches_fenced = _counter("crm_consumer_fenced_total", "Batches dropped because another member had moved on.", "topic")
batch_retries = _counter("crm_consumer_retries_total", "Batches repeated after a transient failure.", "topic")
event_age_seconds = _histogram(
    "crm_consumer_event_age_seconds", "From the moment a fact was recorded until it was applied.", "topic"
)
consumer_lag = _gauge("crm_consumer_lag_records", "Records between the applied position and the end.", "topic")
consumer_oldest_seconds = _gauge(
    "crm_consumer_oldest_seconds", "Age of the oldest event that is not applied yet, to within five seconds.", "topic"
)
rebalances = _counter("crm_consumer_rebalances_total", "Assignments received from the group's coordinator.")
watchdog_restarts = _counter("crm_consumer_watchdog_restarts_total", "Consumers replaced because they stood still.")
topics_recreated = _counter(
    "crm_consumer_recreated_total", "Topics that are shorter than the stored position.", "topic"
)

# reactors
inbox_done = _counter("crm_inbox_done_total", "Events handled by a reactor.", "handler")
inbox_failures = _counter("crm_inbox_failures_total", "Attempts of a reactor that failed.", "handler")
inbox_repeats = _counter(
    "crm_inbox_repeats_total", "Events that came again after they had been handled, and had no effect.", "handler"
)
inbox_parked = _counter("crm_inbox_parked_total", "Keys set aside after the last attempt.", "handler")
inbox_parked_keys = _gauge("crm_inbox_parked_keys", "Keys that wait for an operator.", "handler")
inbox_waiting = _gauge("crm_inbox_waiting_events", "Events that a reactor has not finished.", "handler")
inbox_oldest_seconds = _gauge(
    "crm_inbox_oldest_seconds", "Age of the oldest event that a reactor has not finished, parked keys aside.", "handler"
)

# due queues and background loops
due_fired = _counter("crm_due_fired_total", "Rows of a due queue that were handled.", "queue")
due_lateness_seconds = _histogram("crm_due_lateness_seconds", "From the due moment until a row was handled.", "queue")
worker_restarts = _counter("crm_worker_restarts_total", "Background loops started again after an error.", "worker")

# sagas
saga_finished = _counter("crm_saga_finished_total", "Sagas that came to rest.", "saga", "status")
saga_resends = _counter("crm_saga_resends_total", "Orders of a saga that were sent again.", "saga", "step")
saga_answers = _counter(
    "crm_saga_answers_total", "Orders of other services' sagas that were answered.", "type", "outcome"
)
saga_oldest_seconds = _gauge("crm_saga_oldest_seconds", "Age of the oldest saga that is not at rest.", "saga")

# database
dead_tuples = _gauge("crm_db_dead_tuples", "Dead rows that vacuum has not removed from a table.", "table")
oldest_snapshot_seconds = _gauge(
    "crm_db_oldest_snapshot_seconds", "Age of the oldest transaction of the database, which holds vacuum back."
)

# operators
operator_jobs = _gauge("crm_operator_jobs", "Replays and bootstraps by state.", "state")
