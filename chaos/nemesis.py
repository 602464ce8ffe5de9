"""Injects faults, drawn from a seed: which, when, whom and for how long."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import asyncpg
import psutil

from chaos import proxy
from chaos.fleet import Fleet, Member
from chaos.poison import Poison
from chaos.sample import TEAMS
from chaos.servers import DATABASES, Servers
from chassis import failpoints
from chassis.kafka import BrokerError
from devstack.readiness import until

WORKERS = ("owner", "subscriber")
FAILPOINTS = {
    "writer": ("unit.",),
    "owner": ("relay.", "due.", "unit."),
    "subscriber": ("intake.", "reactor.", "relay.", "unit."),
}
SCALES = (4, 1, 6, 2)
POSTGRES_TROUBLE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
TROUBLE = (OSError, TimeoutError, BrokerError, *POSTGRES_TROUBLE)
EXPIRE = "update outbox_shard set lease_until = '-infinity'"
TERMINATE = """
select count(pg_terminate_backend(pid)) from (
  select pid from pg_stat_activity where datname in ('owner', 'subscriber') and pid <> pg_backend_pid()
  order by md5(pid::text || $1) limit $2) chosen"""

Fault = Callable[[], Awaitable[str | None]]


@dataclass
class Nemesis:
    """`longest` bounds how many seconds a pause or a cut lasts; `pace` is the mean time between two faults."""

    servers: Servers
    fleet: Fleet
    random: Random
    longest: float = 20.0
    pace: float = 1.2
    at_once: int = 3
    failpoints: tuple[str, ...] = failpoints.NAMES
    injected: Counter[str] = field(default_factory=Counter)
    log: list[tuple[float, str, str]] = field(default_factory=list)
    bugged: set[str] = field(default_factory=set)
    _running: set["asyncio.Task[None]"] = field(default_factory=set)
    _busy: set[str] = field(default_factory=set)
    _scaled: int = 0

    def faults(self) -> dict[str, Fault]:
        return {
            "SIGKILL of a process": self.kill,
            "SIGSTOP of a process": self.pause,
            "death at a failpoint": self.arm,
            "event loop stalled": self.stall,
            "backends terminated": self.terminate_backends,
            "backend SIGKILLed": self.kill_backend,
            "PostgreSQL crash": self.crash_postgres,
            "broker SIGKILL": self.kill_broker,
            "broker SIGSTOP": self.pause_broker,
            **{f"link: {mode}": self._link_fault(mode) for mode in proxy.MODES},
            "consumers scaled": self.scale,
            "leases expired": self.overlap,
            "poison: undecodable": lambda: self._poison("undecodable"),
            "poison: invalid data": lambda: self._poison("invalid"),
            "poison: 900 KB": lambda: self._poison("large"),
            "poison: handler bug": self.handler_bug,
        }

    async def run(self, seconds: float, only: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> None:
        """Every kind once in random order, then again, until the time is over; then all is undone."""
        deadline = time.monotonic() + seconds
        faults = {
            name: fault
            for name, fault in self.faults().items()
            if name in (only or self.faults()) and name not in without
        }
        bag: list[str] = []
        while time.monotonic() < deadline:
            bag = bag or self.random.sample(sorted(faults), len(faults))
            name = bag.pop()
            task = asyncio.create_task(self._inject(name, faults[name]))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            await asyncio.sleep(self.random.uniform(0.3, 1.7) * self.pace)
            while len(self._running) >= self.at_once and time.monotonic() < deadline:
                await asyncio.wait(self._running, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
        await self.heal()

    async def _inject(self, name: str, fault: Fault) -> None:
        began = time.monotonic()
        with suppress(*TROUBLE, psutil.Error):
            if (detail := await fault()) is not None:
                self.injected[name] += 1
                self.log.append((began, name, detail))

    async def heal(self) -> None:
        """Ends what is under way, undoes what is left, and brings the fleet to its usual size."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for link in self.servers.links.values():
            link.heal()
        for member in self.fleet.members.values():
            self._continue(member)
            member.next_failpoint = ""
        os.kill(self.servers.kafka.process.pid, signal.SIGCONT)
        self.fleet.scale("subscriber", 2)
        await self.servers.revive()
        await self._fix_bugs()

    # --- processes

    def _victim(self, *roles: str) -> Member | None:
        found = self.fleet.running(*roles)
        return self.random.choice(found) if found else None

    async def kill(self) -> str | None:
        victim = self._victim()
        if victim is None:
            return None
        self.fleet.signal(victim, signal.SIGKILL)
        return victim.name

    async def pause(self) -> str | None:
        victim = self._victim()
        if victim is None:
            return None
        seconds = self._seconds(1)
        victim.is_stopped = True
        self.fleet.signal(victim, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._continue(victim)
        return f"{victim.name} for {seconds:.1f} s"

    def _continue(self, member: Member) -> None:
        if member.is_stopped:
            self.fleet.signal(member, signal.SIGCONT)
            member.is_stopped = False

    async def arm(self) -> str | None:
        """The victim's successor dies where it hurts; the fleet counts when it does."""
        victim = self._victim(*(role for role in FAILPOINTS if self._failpoints_of(role)))
        if victim is None:
            return None
        name = self.random.choice(self._failpoints_of(victim.role))
        victim.next_failpoint = f"{name}={self.random.randint(1, 12)}"
        self.fleet.signal(victim, signal.SIGKILL)
        return f"{victim.name}: {victim.next_failpoint}"

    def _failpoints_of(self, role: str) -> list[str]:
        return [name for name in self.failpoints if name.startswith(FAILPOINTS[role])]

    async def stall(self) -> str | None:
        victim = self._victim(*WORKERS)
        if victim is None:
            return None
        self.fleet.signal(victim, signal.SIGUSR1)
        return victim.name

    async def scale(self) -> str | None:
        count = SCALES[self._scaled % len(SCALES)]
        self._scaled += 1
        self.fleet.scale("subscriber", count)
        return f"to {count}"

    # --- servers

    async def terminate_backends(self) -> str | None:
        count = self.random.choice((1, 2, 5, 100))
        ended = await self._execute("postgres", TERMINATE, str(self.random.random()), count)
        return f"{ended} of at most {count}"

    async def kill_backend(self) -> str | None:
        """PostgreSQL then ends all sessions and recovers as after a crash."""
        backend = self.servers.backend(self.random.random())
        if backend is None or "postgres" in self._busy:
            return None
        backend.kill()
        return f"pid {backend.pid}"

    async def crash_postgres(self) -> str | None:
        return await self._alone("postgres", self.servers.crash_postgres(), "immediate stop and start")

    async def kill_broker(self) -> str | None:
        away = self.random.uniform(0, self.longest / 4)
        return await self._alone("kafka", self.servers.kill_kafka(away), f"away for {away:.1f} s and the start")

    async def pause_broker(self) -> str | None:
        seconds = self._seconds(1)
        return await self._alone("kafka", self._stopped(self.servers.kafka.process.pid, seconds), f"{seconds:.1f} s")

    async def _stopped(self, pid: int, seconds: float) -> None:
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    async def _alone(self, what: str, work: Awaitable[None], detail: str) -> str | None:
        """One fault at a time per server or link."""
        if what in self._busy:
            asyncio.ensure_future(work).cancel()
            return None
        self._busy.add(what)
        try:
            await work
        finally:
            self._busy.discard(what)
        return detail

    # --- links

    def _link_fault(self, mode: str) -> Fault:
        async def fault() -> str | None:
            name = self.random.choice(sorted(self.servers.links))
            seconds = self._seconds(1)
            return await self._alone(name, self._cut(name, mode, seconds), f"{name} for {seconds:.1f} s")

        return fault

    async def _cut(self, name: str, mode: str, seconds: float) -> None:
        link, by_reset = self.servers.links[name], self.random.random() < 0.5
        link.break_(mode, self.random.uniform(0.02, 0.4))
        try:
            await asyncio.sleep(seconds)
        finally:
            link.heal(by_reset=by_reset)

    # --- the backbone's own mechanisms

    async def overlap(self) -> str | None:
        """For a few seconds nobody's lease holds: shards wander, and old and new owners send at the same time."""
        for _ in range(15):
            for database in DATABASES:
                await self._execute(database, EXPIRE)
            await asyncio.sleep(0.3)
        return "15 times in both databases"

    async def _poison(self, kind: str) -> str | None:
        async with asyncio.timeout(15):
            await Poison(self.servers.kafka.bootstrap, self.random).produce(kind)
        return TEAMS

    async def handler_bug(self) -> str | None:
        """The consumer functions fail for some keys, until a fix comes and an operator retries them."""
        find = "select id from zz_teams where not is_deleted order by updated_at desc limit 4"
        keys = [row["id"] for row in await self._fetch("owner", find)]
        self.bugged.update(map(str, keys))
        for key in keys:
            await self._execute("subscriber", "insert into poisoned values ($1) on conflict do nothing", key)
        try:
            await asyncio.sleep(self._seconds(2))
        finally:
            await asyncio.shield(self._fix_bugs(keys))
        return f"{len(keys)} keys"

    async def _fix_bugs(self, keys: list[UUID] | None = None) -> None:
        """A new release without the bug, and an operator's retry; tried again while the database is away."""

        async def fixed() -> bool:
            with suppress(*TROUBLE):
                fix = "delete from poisoned where $1::uuid[] is null or key = any($1)"
                await self._execute("subscriber", fix, keys)
                await self._execute("subscriber", RETRY)
                return True
            return False

        await until(fixed, 30, every=0.5)

    def _seconds(self, least: float) -> float:
        return self.random.uniform(least, self.longest)

    async def _execute(self, database: str, statement: str, *values: object) -> object:
        rows = await self._fetch(database, statement, *values)
        return rows[0][0] if rows else None

    async def _fetch(self, database: str, statement: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.servers.dsn(database), timeout=5, command_timeout=10)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close(timeout=5)


RETRY = """
update inbox set state = 'pending', next_at = clock_timestamp()
where state in ('pending', 'parked') and attempts > 0"""
