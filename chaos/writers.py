"""Changes teams from many transactions at once and writes down what the database has acknowledged."""

import asyncio
import json
import os
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chaos.sample import Alarm, OwnerLedger, Team, enter
from chassis.context import SYSTEM, acting
from chassis.db import Database
from chassis.outbox import emit
from chassis.unit import unit_of
from contracts.identity import TeamChanged, TeamCreated, TeamDeleted

LANES = 4
ABORTED_SHARE, ALARM_SHARE, DELETED_SHARE, HOT_SHARE = 0.2, 0.12, 0.02, 0.35
# Keys come into use and rest again, so that at the end most have a last version that nothing heals any more.
NEW_KEYS, ACTIVE_KEYS, HOT_KEYS, EVERY_SECONDS = 12, 40, 3, 5.0
NAMESPACE = UUID("0190a3c4-6f60-7a35-a0a0-5d0c1a05c4a0")


class Aborted(Exception):
    """Raised on purpose by one transaction in five."""


class History:
    """Appends one JSON line per transaction; a line is written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def append(self, outcome: str, events: list[dict[str, object]], alarms: list[str]) -> None:
        told = [[str(each["event_id"]), str(each["aggregate_id"]), each["version"]] for each in events]
        os.write(self._file, json.dumps({"outcome": outcome, "events": told, "alarms": alarms}).encode() + b"\n")


def team_id(run: str, number: int) -> UUID:
    return uuid5(NAMESPACE, f"{run}/{number}")


class Writer:
    """One process. `began` is the run's start by the machine's clock, `rate` its transactions per second."""

    def __init__(self, database: Database, history: History, run: str, began: float, rate: float) -> None:
        self._database, self._history = database, history
        self._run, self._began, self._rate = run, began, rate
        self._random = Random()

    async def work(self, stopping: asyncio.Event) -> None:
        await asyncio.gather(*(self._lane(stopping) for _ in range(LANES)))

    async def _lane(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            pause = self._random.expovariate(self._rate / LANES)
            if not await self._transaction():
                pause += 0.2
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await stopping.wait()

    async def _transaction(self) -> bool:
        """One transaction and its line; False when the database was not willing."""
        events: list[dict[str, object]] = []
        alarms: list[str] = []
        outcome = "aborted"
        try:
            with acting(SYSTEM):
                async with self._database.transaction() as session:
                    for key in self._some_keys():
                        await self._change(session, key, alarms)
                    events = list(unit_of(session).events)
                    await enter(session, OwnerLedger)
                    if self._random.random() < ABORTED_SHARE:
                        raise Aborted
                    outcome = "unknown"  # from here on the commit may be under way
            outcome = "acknowledged"
        except Aborted:
            pass
        except Exception:
            self._history.append(outcome, events, alarms)
            return False
        self._history.append(outcome, events, alarms)
        return True

    def _some_keys(self) -> list[UUID]:
        numbers = {self._some_number() for _ in range(self._random.choice((1, 1, 1, 2, 3)))}
        # In one order, so that deadlocks stay rare, but not always: they must be survived too.
        keys = [team_id(self._run, number) for number in numbers]
        return keys if self._random.random() < 0.1 else sorted(keys)

    def _some_number(self) -> int:
        first = int((time.time() - self._began) / EVERY_SECONDS) * NEW_KEYS
        hot = self._random.random() < HOT_SHARE
        return first + self._random.randrange(HOT_KEYS if hot else ACTIVE_KEYS)

    async def _change(self, session: AsyncSession, key: UUID, alarms: list[str]) -> None:
        team = await session.get(Team, key, with_for_update=True)
        name = f"{uuid7()} " + "x" * self._random.randrange(300)
        if team is None:
            team = Team(id=key, name=name)
            session.add(team)
            await emit(session, TeamCreated, team)
        elif not team.is_deleted:
            await self._change_existing(session, team, name)
        if self._random.random() < ALARM_SHARE:
            alarm = Alarm(id=uuid7(), team_id=key, due_at=_soon(self._random))
            session.add(alarm)
            alarms.append(str(alarm.id))

    async def _change_existing(self, session: AsyncSession, team: Team, name: str) -> None:
        for _ in range(self._random.choice((1, 1, 1, 2))):
            team.name = name
            team.is_deleted = self._random.random() < DELETED_SHARE
            await emit(session, TeamDeleted if team.is_deleted else TeamChanged, team)
            name += "!"
            if team.is_deleted:
                return


def _soon(random: Random) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=random.uniform(0, 5))
