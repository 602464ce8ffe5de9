"""Every metric of the backbone, in one list with a sentence each: a typo is an AttributeError, not a new series."""

from prometheus_client import Counter, Gauge, Histogram

LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

outbox_published = Counter("crm_outbox_published_total", "Events that the broker acknowledged", ["topic"])
outbox_oldest_seconds = Gauge("crm_outbox_oldest_seconds", "Age of the oldest event that waits for the broker")
outbox_waiting = Gauge("crm_outbox_waiting_rows", "Events that wait for the broker, up to one batch")
outbox_parked = Counter("crm_outbox_parked_total", "Events set aside because the broker refuses them", ["topic"])
relay_failures = Counter("crm_relay_failures_total", "Rounds of the relay that failed and were repeated", ["cause"])
relay_shards = Gauge("crm_relay_shards_count", "Shards of the outbox that this process leases")

records_applied = Counter("crm_consumer_records_total", "Records taken over from a topic", ["topic"])
records_skipped = Counter("crm_consumer_skipped_total", "Records of types that nobody here handles", ["topic"])
records_quarantined = Counter("crm_consumer_quarantined_total", "Records that cannot be decoded", ["topic"])
batches_fenced = Counter("crm_consumer_fenced_total", "Batches dropped because another member had moved on", ["topic"])
batch_retries = Counter("crm_consumer_retries_total", "Batches repeated after a transient failure", ["topic"])
event_age_seconds = Histogram(
    "crm_consumer_event_age_seconds",
    "From the moment a fact was recorded until it was applied",
    ["topic"],
    buckets=LATENCY,
)
consumer_lag = Gauge("crm_consumer_lag_records", "Records between the applied position and the end", ["topic"])
rebalances = Counter("crm_consumer_rebalances_total", "Assignments received from the group's coordinator")
watchdog_restarts = Counter("crm_consumer_watchdog_restarts_total", "Consumers replaced because they stood still")
topics_recreated = Counter(
    "crm_consumer_recreated_total", "Topics that are shorter than the stored position", ["topic"]
)

inbox_done = Counter("crm_inbox_done_total", "Events handled by a reactor", ["handler"])
inbox_failures = Counter("crm_inbox_failures_total", "Attempts of a reactor that failed", ["handler"])
inbox_parked = Counter("crm_inbox_parked_total", "Keys set aside after the last attempt", ["handler"])

due_fired = Counter("crm_due_fired_total", "Rows of a due queue that were handled", ["queue"])
due_lateness_seconds = Histogram(
    "crm_due_lateness_seconds", "From the due moment until a row was handled", ["queue"], buckets=LATENCY
)
worker_restarts = Counter("crm_worker_restarts_total", "Background loops started again after an error", ["worker"])
