"""The checker finds each kind of violation in an otherwise good run, and nothing in a good one."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chaos import checker
from chaos.broken import BUILDS
from chaos.checker import KINDS, LOST, ORDER, PHANTOM, WRONG, check
from chaos.evidence import Committed, Done, Evidence, Published

KEYS, VERSIONS = ("a", "b"), (1, 2, 3)


def good() -> Evidence:
    """Two keys with three versions each; every fact published, one of them twice; the older key is deleted."""
    found = Evidence()
    for partition, key in enumerate(KEYS):
        for version in VERSIONS:
            name = f"{key}{version}"
            committed = Committed(name, key, version, f"digest {name}", 10.0 + version)
            record = Published(partition, len(found.teams), name, key, version, committed.digest, f"whole {name}")
            found.ledger.append(committed)
            found.teams.append(record)
            found.states.append(replace(record, is_tombstone=name == "a3"))
            found.effects.append(Done(name, key, version, 1, 11.0 + version))
            notice = Committed(f"notice {name}", f"notice {name}", 1, "n", 12.0)
            found.notice_ledger.append(notice)
            found.notices.append(Published(0, len(found.notices), notice.event_id, notice.key, 1, "n", "n"))
        found.owner[key] = found.replica[key] = (3, f"name of {key}", key == "a")
    found.teams.append(replace(found.teams[1], offset=99))
    found.teams.append(Published(0, 100, "", "noise", 0, "p", "p", poison="quarantined"))
    found.quarantined = {(0, 100)}
    found.history.acknowledged = {event.event_id for event in found.ledger[:-1]}
    found.history.unknown = {found.ledger[-1].event_id}
    found.history.aborted = {"never"}
    found.history.alarms = {"alarm"}
    found.alarms = {"alarm": (1, False)}
    return found


Damage = Callable[[Evidence], object]
DAMAGES: dict[str, tuple[str, Damage]] = {
    "an acknowledged commit has vanished": (LOST, lambda e: e.history.acknowledged.add("gone")),
    "an acknowledged alarm has vanished": (LOST, lambda e: e.history.alarms.add("gone")),
    "a fact is not on the topic": (LOST, lambda e: e.teams.pop(2)),
    "the reactor's own fact is not on its topic": (LOST, lambda e: e.notices.pop()),
    "a fact has no effect": (LOST, lambda e: (e.effects.pop(), e.notice_ledger.pop(), e.notices.pop())),
    "an alarm never rang": (LOST, lambda e: e.alarms.update(alarm=(0, False))),
    "an undecodable record is nowhere": (LOST, lambda e: e.quarantined.clear()),
    "a fact that nobody committed": (PHANTOM, lambda e: e.teams.append(replace(e.teams[-1], event_id="x", poison=""))),
    "an aborted fact": (PHANTOM, lambda e: e.history.aborted.add("a1")),
    "an effect of nothing": (PHANTOM, lambda e: e.effects.append(Done("x", "c", 1, 1, 0.0))),
    "an effect twice": (WRONG, lambda e: e.effects.append(replace(e.effects.pop(), times=2))),
    "two facts for one effect": (WRONG, lambda e: e.notice_ledger.append(e.notice_ledger[0])),
    "a duplicate with another header": (WRONG, lambda e: e.teams.append(replace(e.teams[0], whole="other"))),
    "other bytes than committed": (WRONG, lambda e: e.notices.append(replace(e.notices.pop(), digest="other"))),
    "a replica that stayed behind": (WRONG, lambda e: e.replica.update(b=(2, "name of b", False))),
    "a replica with another name": (WRONG, lambda e: e.replica.update(b=(3, "other", False))),
    "a replica without a row": (WRONG, lambda e: e.replica.pop("b")),
    "a replica with a row too many": (WRONG, lambda e: e.replica.update(c=(1, "c", False))),
    "a replica that once went back": (WRONG, lambda e: e.regressions.append(("a", 3, 2))),
    "an old state as the last one": (WRONG, lambda e: e.states.append(e.states[4])),
    "a state after its tombstone": (WRONG, lambda e: e.states.append(replace(e.states[2], is_tombstone=False))),
    "an alarm that rang twice": (WRONG, lambda e: e.alarms.update(alarm=(2, False))),
    "an alarm that rang early": (WRONG, lambda e: e.alarms.update(alarm=(1, True))),
    "a good record in the quarantine": (WRONG, lambda e: e.quarantined.add((0, 1))),
    "version 3 before 2": (ORDER, lambda e: e.teams.insert(1, e.teams.pop(2))),
    "effect 3 before 2": (ORDER, lambda e: e.effects.insert(1, e.effects.pop(2))),
    "a key in two partitions": (ORDER, lambda e: e.teams.insert(2, replace(e.teams.pop(2), partition=5))),
}


def test_a_good_run_has_no_violation() -> None:
    assert check(good()) == []


@pytest.mark.parametrize("name", DAMAGES)
def test_each_damage_is_seen_as_what_it_is(name: str) -> None:
    kind, damage = DAMAGES[name]
    evidence = good()
    damage(evidence)
    assert kind in {violation.kind for violation in check(evidence)}, check(evidence)


def test_every_rule_can_be_broken() -> None:
    rules = set()
    for _, damage in DAMAGES.values():
        evidence = good()
        damage(evidence)
        rules |= {violation.rule for violation in check(evidence)}
    written = re.findall(r'(?:Violation\(\w+|_gaps\([^"]+), "(.+?)"', Path(str(checker.__file__)).read_text())
    assert rules == set(written)
    assert {kind for kind, _ in DAMAGES.values()} == set(KINDS)


def test_every_broken_build_says_how_it_must_be_caught() -> None:
    assert {build.caught_as for build in BUILDS.values()} == {LOST, WRONG, ORDER}
