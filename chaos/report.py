"""What a run says: a table for the terminal, JSON and Markdown for the record."""

import json
import os
import platform
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any

from chaos.checker import KINDS, Violation
from chaos.evidence import Evidence, Published

SHOWN = 12


@dataclass
class Report:
    """Times in seconds. `settled` is how long it took after the last fault until nothing waited any more."""

    seed: int
    minutes: float
    broken: str
    evidence: Evidence
    violations: list[Violation]
    injected: Counter[str]
    endings: Counter[str]
    faults: list[tuple[float, str, str]] = field(default_factory=list)
    replicas_settled: float | None = None
    settled: float | None = None
    stubborn: int = 0
    bugged: set[str] = field(default_factory=set)
    client: str = "aiokafka"

    @property
    def name(self) -> str:
        """Of the record's files; the default client and the whole build go without saying."""
        client = "" if self.client == "aiokafka" else self.client
        return "-".join(part for part in ("chaos", str(self.seed), client, self.broken) if part)

    @property
    def by_kind(self) -> dict[str, int]:
        counted = Counter(violation.kind for violation in self.violations)
        return {kind: counted[kind] for kind in KINDS}

    def facts(self) -> dict[str, Any]:
        """The figures by name, in the order in which they are shown."""
        found = self.evidence
        delays = sorted(delays_of(found, self.bugged)) or [0.0]
        held = sorted(delays_of(found, {event.key for event in found.ledger} - self.bugged)) or [0.0]
        cuts = quantiles(delays, n=100, method="inclusive") if len(delays) > 1 else [0.0] * 99
        teams = [record for record in found.teams if not record.poison]
        return {
            **{f"transactions {outcome}": count for outcome, count in found.history.transactions.items()},
            "events committed": len(found.ledger) + len(found.notice_ledger),
            "records on the topics": len(teams) + len(found.notices) + len(found.states),
            "duplicates among the facts": f"{duplicates(teams + found.notices):.2%}",
            "effects": len(found.effects),
            "due rows fired": sum(fired for fired, _ in found.alarms.values()),
            "records quarantined": len(found.quarantined),
            "commit to effect, median": f"{cuts[49]:.2f} s",
            "commit to effect, p99": f"{cuts[98]:.1f} s",
            "commit to effect, longest": f"{delays[-1]:.1f} s",
            "the same, keys whose handler had a bug": f"{held[-1]:.1f} s",
            "longest silence between effects": f"{longest_silence(found):.1f} s",
            "replicas equal after the last fault": _seconds(self.replicas_settled),
            "nothing waits any more after": _seconds(self.settled),
            "processes killed at the end": self.stubborn,
        }


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def delays_of(evidence: Evidence, without: set[str]) -> list[float]:
    """From the moment in which an event was entered into its transaction to its effect; without some keys."""
    done = {effect.event_id: effect.at for effect in evidence.effects}
    return [
        done[event.event_id] - event.at
        for event in evidence.ledger
        if event.event_id in done and event.key not in without
    ]


def longest_silence(evidence: Evidence) -> float:
    moments = sorted(effect.at for effect in evidence.effects)
    return max((after - before for before, after in pairwise(moments)), default=0.0)


def duplicates(records: list[Published]) -> float:
    """Share of records that repeat an earlier one."""
    return 1 - len({record.event_id for record in records}) / len(records) if records else 0.0


def text(report: Report) -> str:
    """The table for the terminal."""
    build = f", broken build {report.broken}" if report.broken else ""
    lines = [f"seed {report.seed}, {report.client}, {report.minutes:g} minutes of faults{build}", ""]
    lines += [f"  {name:<44}{value!s:>12}" for name, value in report.facts().items()]
    lines += ["", f"  faults injected: {sum(report.injected.values())}"]
    lines += [f"  {name:<44}{count:>12}" for name, count in sorted(report.injected.items())]
    lines += ["", "  processes that ended by themselves"]
    lines += [f"  {name:<44}{count:>12}" for name, count in sorted(report.endings.items())] or ["  none"]
    lines += ["", *[f"  {kind:<44}{count:>12}" for kind, count in report.by_kind.items()]]
    lines += [f"  ! {each.kind}: {each.rule}: {each.what}" for each in report.violations[:SHOWN]]
    if report.evidence.unfinished:
        lines.append(f"  still waiting: {report.evidence.unfinished}")
    return "\n".join(lines)


def markdown(report: Report) -> str:
    """The same as a page."""
    build = f", broken build `{report.broken}`" if report.broken else ""
    day = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [f"# Chaos run, seed {report.seed}{build}", ""]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
    lines += [f"{day}; {report.minutes:g} minutes of faults; client {report.client}; {machine}."]
    for title, rows in _sections(report):
        lines += ["", f"| {title} | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows.items())]
    if report.violations:
        lines += ["", "First violations:", ""]
        lines += [f"- {each.kind}: {each.rule}: {each.what}" for each in report.violations[:SHOWN]]
    return "\n".join(lines) + "\n"


def _sections(report: Report) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("violations", report.by_kind),
        ("figures", report.facts()),
        ("faults injected", dict(sorted(report.injected.items()))),
        ("processes that ended by themselves", dict(sorted(report.endings.items()))),
    ]


def save(report: Report, folder: Path) -> Path:
    """Writes `chaos-<seed>[-<client>][-<build>].json` and `.md`; returns the latter's path."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "seed": report.seed,
        "client": report.client,
        "minutes": report.minutes,
        "broken": report.broken,
        "violations": report.by_kind,
        "first_violations": [vars(each) for each in report.violations[:100]],
        "figures": report.facts(),
        "injected": dict(report.injected),
        "endings": dict(report.endings),
        "faults": [{"second": round(at, 1), "kind": kind, "detail": detail} for at, kind, detail in report.faults],
    }
    (folder / f"{report.name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    page = folder / f"{report.name}.md"
    page.write_text(markdown(report), encoding="utf-8")
    return page
