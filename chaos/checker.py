"""Holds the evidence of a run against the promises. Nothing here knows what was injected."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from chaos.evidence import Committed, Done, Evidence, Published

LOST, PHANTOM, WRONG, ORDER = "lost", "phantom", "wrong", "out of order"
KINDS = (LOST, PHANTOM, WRONG, ORDER)


@dataclass(frozen=True)
class Violation:
    """`kind` is one of KINDS; `rule` says which promise was broken, `what` by whom."""

    kind: str
    rule: str
    what: str


def check(evidence: Evidence) -> list[Violation]:
    """Every violation of every promise; empty for a run without fault."""
    return [violation for rule in RULES for violation in rule(evidence)]


def _lost_commits(evidence: Evidence) -> Iterator[Violation]:
    known = {event.event_id for event in evidence.ledger}
    for event_id in evidence.history.acknowledged - known:
        yield Violation(LOST, "an acknowledged commit is in the database", event_id)
    for alarm in evidence.history.alarms - evidence.alarms.keys():
        yield Violation(LOST, "an acknowledged commit is in the database", f"alarm {alarm}")


def _lost_events(evidence: Evidence) -> Iterator[Violation]:
    for ledger, topic in ((evidence.ledger, evidence.teams), (evidence.notice_ledger, evidence.notices)):
        published = {record.event_id for record in topic if not record.poison}
        for event in ledger:
            if event.event_id not in published:
                yield Violation(LOST, "a committed event is on its topic", _said(event))


def _lost_effects(evidence: Evidence) -> Iterator[Violation]:
    done = {effect.event_id for effect in evidence.effects}
    for event in evidence.ledger:
        if event.event_id not in done:
            yield Violation(LOST, "a committed event has its effect", _said(event))


def _lost_alarms(evidence: Evidence) -> Iterator[Violation]:
    for alarm, (fired, was_early) in evidence.alarms.items():
        if fired == 0:
            yield Violation(LOST, "a due row is fired", alarm)
        elif fired > 1 or was_early:
            yield Violation(WRONG, "a due row is fired once and not before its time", f"{alarm}: {fired} times")


def _lost_poison(evidence: Evidence) -> Iterator[Violation]:
    expected = {(each.partition, each.offset) for each in evidence.teams if each.poison == "quarantined"}
    for at in expected - evidence.quarantined:
        yield Violation(LOST, "an undecodable record is in the quarantine", str(at))
    for at in evidence.quarantined - expected:
        yield Violation(WRONG, "only undecodable records are in the quarantine", str(at))


def _phantoms(evidence: Evidence) -> Iterator[Violation]:
    for ledger, topic in ((evidence.ledger, evidence.teams), (evidence.notice_ledger, evidence.notices)):
        committed = {event.event_id for event in ledger} - evidence.history.aborted
        for record in _firsts(topic):
            if record.event_id not in committed:
                yield Violation(PHANTOM, "a published event was committed", record.event_id)


def _phantom_effects(evidence: Evidence) -> Iterator[Violation]:
    committed = {event.event_id for event in evidence.ledger}
    for effect in evidence.effects:
        if effect.event_id not in committed:
            yield Violation(PHANTOM, "an effect has a committed event", effect.event_id)


def _repeated_effects(evidence: Evidence) -> Iterator[Violation]:
    for effect in evidence.effects:
        if effect.times != 1:
            yield Violation(WRONG, "an event has its effect once", f"{_said(effect)}: {effect.times} times")
    notices, effects = len(evidence.notice_ledger), len(evidence.effects)
    if notices != effects:
        yield Violation(WRONG, "an effect publishes one event", f"{effects} effects, {notices} events")


def _changed_bytes(evidence: Evidence) -> Iterator[Violation]:
    for ledger, topic in ((evidence.ledger, evidence.teams), (evidence.notice_ledger, evidence.notices)):
        digests = {event.event_id: event.digest for event in ledger}
        seen: dict[str, str] = {}
        for record in topic:
            if record.poison:
                continue
            if digests.get(record.event_id, record.digest) != record.digest:
                yield Violation(WRONG, "what is published is what was committed", _said(record))
            if seen.setdefault(record.event_id, record.whole) != record.whole:
                yield Violation(WRONG, "duplicates are identical in every byte", _said(record))


def _diverged_replica(evidence: Evidence) -> Iterator[Violation]:
    for key in evidence.owner.keys() | evidence.replica.keys():
        owner, replica = evidence.owner.get(key), evidence.replica.get(key)
        if owner != replica:
            yield Violation(WRONG, "the replica equals the owner", f"{key}: owner {owner}, replica {replica}")
    for key, before, after in evidence.regressions:
        yield Violation(WRONG, "a replica never goes back", f"{key}: from {before} to {after}")


def _stale_states(evidence: Evidence) -> Iterator[Violation]:
    """What compaction keeps is the last record of a key; whoever subscribes later sees nothing else."""
    last = {record.key: record for record in evidence.states}
    for key, (version, _, is_deleted) in evidence.owner.items():
        found = last.get(key)
        if found is None or (found.version, found.is_tombstone) != (version, is_deleted):
            shown = f"{found.version}{' tombstone' if found.is_tombstone else ''}" if found else "nothing"
            yield Violation(WRONG, "the state topic ends with the newest state", f"{key}: {version}, there: {shown}")


def _disordered_topics(evidence: Evidence) -> Iterator[Violation]:
    for topic in (evidence.teams, evidence.notices):
        yield from _gaps(_firsts(topic), "first occurrences of a key are 1, 2, 3, …")
        partitions: dict[str, int] = {}
        for record in _firsts(topic):
            if partitions.setdefault(record.key, record.partition) != record.partition:
                yield Violation(ORDER, "a key stays in one partition", record.key)


def _disordered_effects(evidence: Evidence) -> Iterator[Violation]:
    yield from _gaps(evidence.effects, "effects of a key come in order")


def _gaps(items: Iterable[Published] | Iterable[Done], rule: str) -> Iterator[Violation]:
    """The second of two neighbours that should follow each other and do not, per key."""
    previous: dict[str, int] = {}
    for item in items:
        expected = previous.get(item.key, 0) + 1
        if item.version != expected:
            yield Violation(ORDER, rule, f"{item.key}: {item.version} instead of {expected}")
        previous[item.key] = item.version


def _firsts(records: Sequence[Published]) -> Iterator[Published]:
    seen: set[str] = set()
    for record in records:
        if not record.poison and record.event_id not in seen:
            seen.add(record.event_id)
            yield record


def _said(item: Committed | Published | Done) -> str:
    return f"{item.event_id} (version {item.version} of {item.key})"


RULES: tuple[Callable[[Evidence], Iterator[Violation]], ...] = (
    _lost_commits,
    _lost_events,
    _lost_effects,
    _lost_alarms,
    _lost_poison,
    _phantoms,
    _phantom_effects,
    _repeated_effects,
    _changed_bytes,
    _diverged_replica,
    _stale_states,
    _disordered_topics,
    _disordered_effects,
)
