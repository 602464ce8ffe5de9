"""The list of metrics is what a running process shows, no more and no less."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from chassis import metrics
from chassis.gauges import look
from chassis.kafka import Partition, SourceRecord
from chassis.lateness import Lateness
from chassis.metrics import METRICS


def families(page: str) -> dict[str, Any]:
    return {each.name: each for each in text_string_to_metric_families(page) if each.name.startswith("crm_")}


def complaints(page: str) -> list[str]:
    """What a /metrics page shows otherwise than the list says."""
    shown = families(page)
    listed = {metric.name.removesuffix("_total"): metric for metric in METRICS}
    found = [f"{name} is not exported" for name in listed.keys() - shown.keys()]
    found += [f"{name} is not listed" for name in shown.keys() - listed.keys()]
    for name, metric in listed.items():
        if name not in shown:
            continue
        if (shown[name].type, shown[name].documentation) != (metric.kind, metric.help):
            found.append(f"{name} is shown as {shown[name].type}: {shown[name].documentation}")
        for sample in shown[name].samples:
            if set(sample.labels) - {"le"} != set(metric.labels):
                found.append(f"{name} has the labels {set(sample.labels)}")
    return found


async def test_the_page_shows_what_is_listed(client: Any) -> None:
    assert complaints((await client.get("/metrics")).text) == []


async def test_another_metric_would_be_seen(client: Any) -> None:
    page = (await client.get("/metrics")).text
    assert complaints(page.replace("crm_outbox_oldest_seconds", "crm_other"))[:1]
    assert len(complaints(page + "# HELP crm_new New.\n# TYPE crm_new gauge\ncrm_new 1\n")) == 1


def test_every_metric_has_one_sentence_and_a_name_of_its_own() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.help[0].isupper() and metric.help.endswith(".") and metric.help.count(". ") == 0
        assert metric.name.startswith("crm_") and metric.name.endswith("_total") == (metric.kind == "counter")


async def test_the_gauges_say_what_the_database_says(db: Any) -> None:
    waiting = """insert into inbox (handler, event_id, topic, key, type, headers, state, created_at)
        select h, gen_random_uuid(), 't', k, 'x', '{}', s, clock_timestamp() - age * interval '1 second'
        from (values ('greet', 'a', 'parked', 90), ('greet', 'a', 'pending', 80), ('greet', 'b', 'pending', 20),
                     ('thank', 'a', 'pending', 5)) as v (h, k, s, age)"""
    strange = """insert into quarantine (topic, partition, "offset", headers, error) values ('t', 0, 1, '[]', 'no')"""
    async with db.transaction() as session:
        for statement in (waiting, strange):
            await session.execute(text(statement))
    async with db.read() as session:
        await look(session)
    page = generate_latest().decode()
    assert 'crm_inbox_parked_keys{handler="greet"} 1.0' in page
    assert 'crm_inbox_waiting_events{handler="greet"} 3.0' in page
    assert 20 <= value_of(page, "crm_inbox_oldest_seconds", "greet") < 80, "a parked key has an alert of its own"
    assert 'crm_quarantine_records{topic="t"} 1.0' in page
    async with db.transaction() as session:
        await session.execute(text("delete from inbox where handler = 'greet'"))
    async with db.read() as session:
        await look(session)
    page = generate_latest().decode()
    assert 'crm_inbox_parked_keys{handler="greet"} 0.0' in page, "an alert on what is gone has to end"
    assert 5 <= value_of(page, "crm_inbox_oldest_seconds", "thank") < 80


def value_of(page: str, name: str, label: str) -> float:
    family = next(each for each in text_string_to_metric_families(page) if each.name == name)
    return next(sample.value for sample in family.samples if label in sample.labels.values())


def test_the_oldest_event_that_waits_is_as_old_as_it_says() -> None:
    now = [1000.0]
    late, at = Lateness(lambda: now[0]), Partition("crm.test.lateness", 3)

    def shown() -> float:
        return value_of(generate_latest().decode(), "crm_consumer_oldest_seconds", at.topic)

    def record(second: int) -> SourceRecord:
        moment = datetime.fromtimestamp(second, UTC).isoformat().encode()
        return SourceRecord(at.topic, 3, 0, b"k", b"", [("ce_time", moment)])

    late.look({at: 0})
    assert shown() == 0
    late.look({at: 5})
    now[0] = 1030.0
    late.look({at: 9})
    assert shown() == 30, "nothing was applied since it fell behind"
    late.applied(at, record(1020))
    late.look({at: 4})
    assert shown() == 10, "what is left is younger than what was applied"
    late.look({at: 0})
    assert shown() == 0


def test_every_metric_is_set_somewhere() -> None:
    sources = Path(metrics.__file__).parent.rglob("*.py")
    text = "".join(path.read_text("utf-8") for path in sources)
    named = {name for name, value in vars(metrics).items() if isinstance(value, Counter | Gauge | Histogram)}
    assert len(named) == len(METRICS)
    assert sorted(name for name in named if f"metrics.{name}" not in text) == []
