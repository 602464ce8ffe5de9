"""One run: start everything, work under faults, heal, wait until nothing waits any more, collect, check."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import uuid4

from chaos.checker import check
from chaos.evidence import Evidence, read_databases, read_history, read_topics, rows_of, unfinished
from chaos.fleet import Fleet, inherited
from chaos.nemesis import TROUBLE, Nemesis
from chaos.report import Report
from chaos.sample import NOTICES, TEAMS
from chaos.servers import PARTITIONS, Servers
from chassis import failpoints
from chassis.kafka import Bus, Partition
from devstack.readiness import until


@dataclass(frozen=True)
class Plan:
    """Times in seconds. `rate` is transactions per second of one writer, `lease` that of the reactors.

    Sessions of the consumer group and the reactors' leases are shorter than in production, so that processes that hang
    become zombies often.
    """

    seed: int
    seconds: float
    broken: str = ""
    writers: int = 3
    owners: int = 3
    subscribers: int = 2
    rate: float = 8.0
    longest: float = 20.0
    pace: float = 1.2
    at_once: int = 3
    lease: int = 10
    member_timeout: float = 6.0
    stall: float = 9.0
    settle: float = 150.0
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    failpoints: tuple[str, ...] = failpoints.NAMES
    client: str = "aiokafka"
    kept: Path | None = None


async def run(plan: Plan, say: Callable[[str], None] = lambda line: None) -> Report:
    """Raises RuntimeError when the servers or the sample do not start; violations are in the report."""
    started = time.monotonic()

    def tell(what: str) -> None:
        say(f"{time.monotonic() - started:6.1f} s  {what}")

    async with _folder(plan) as folder:
        servers = Servers(folder)
        fleet = _fleet(plan, servers, folder, Random(plan.seed + 1))
        nemesis = Nemesis(servers, fleet, Random(plan.seed), plan.longest, plan.pace, plan.at_once, plan.failpoints)
        try:
            await asyncio.gather(servers.start(), fleet.open())
            tell("PostgreSQL, Kafka and the links are ready")
            watching = asyncio.create_task(_watch(fleet))
            for role, count in (("owner", plan.owners), ("subscriber", plan.subscribers), ("writer", plan.writers)):
                fleet.scale(role, count)
            await _until_effects(servers)
            tell("events flow; faults begin")
            began = time.monotonic()
            await nemesis.run(plan.seconds, plan.only, plan.without)
            evidence = Evidence()
            report = Report(plan.seed, plan.seconds / 60, plan.broken, evidence, [], nemesis.injected, fleet.endings)
            report.client = plan.client
            report.bugged = nemesis.bugged
            report.faults = [(at - began, kind, detail) for at, kind, detail in sorted(nemesis.log)]
            tell(f"{sum(nemesis.injected.values())} faults injected, all healed; writers end, the rest arrives")
            await _settle(plan, servers, fleet, report)
            watching.cancel()
            tell("reading the topics and the databases")
            await _collect(servers, folder, evidence)
            report.violations = check(evidence)
            tell("checked; stopping the servers")
            return report
        finally:
            fleet.close()
            await servers.stop()


@asynccontextmanager
async def _folder(plan: Plan) -> AsyncIterator[Path]:
    """A folder that the servers' account can reach; gone at the end unless it shall be kept."""
    if plan.kept is not None:
        plan.kept.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="meridian-chaos-", dir=plan.kept))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        if plan.kept is None:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _fleet(plan: Plan, servers: Servers, folder: Path, random: Random) -> Fleet:
    run_id, began = uuid4().hex[:8], time.time()

    def environment(role: str, name: str) -> dict[str, str]:
        database = "subscriber" if role == "subscriber" else "owner"
        return inherited() | {
            "MERIDIAN_DATABASE_URL": servers.database_url(database, role),
            "MERIDIAN_KAFKA": servers.bootstrap(role),
            "MERIDIAN_KAFKA_CLIENT": plan.client,
            "MERIDIAN_MEMBER_TIMEOUT": str(plan.member_timeout),
            "MERIDIAN_POOL_SIZE": "6",
            "CHAOS_BROKEN": plan.broken,
            "CHAOS_LEASE": str(plan.lease),
            "CHAOS_STALL": str(plan.stall),
            "CHAOS_HISTORY": str(folder / f"history-{name}.jsonl"),
            "CHAOS_RUN": run_id,
            "CHAOS_BEGAN": str(began),
            "CHAOS_RATE": str(plan.rate),
        }

    return Fleet(environment, folder, pause=lambda: random.uniform(0.1, 1.5))


async def _watch(fleet: Fleet) -> None:
    while True:
        fleet.look()
        await asyncio.sleep(0.05)


async def _until_effects(servers: Servers) -> None:
    async def flowing() -> bool:
        return bool((await rows_of(servers.dsn("subscriber"), "select count(*) from effects"))[0][0])

    if not await until(flowing, 90):
        raise RuntimeError("no event comes through before any fault is injected")


async def _settle(plan: Plan, servers: Servers, fleet: Fleet, report: Report) -> None:
    """Writers end, and all that was committed gets the time to arrive; then everybody ends."""
    report.stubborn += await fleet.end("writer", 30)
    began = time.monotonic()
    deadline = began + plan.settle
    positions = Positions(servers)
    while time.monotonic() < deadline and report.settled is None:
        await asyncio.sleep(0.5)
        with suppress(*TROUBLE):
            if report.replicas_settled is None and await positions.at_end() and not await _owner_waits(servers):
                report.replicas_settled = time.monotonic() - began
            if report.replicas_settled is not None and not await _waiting(servers):
                report.settled = time.monotonic() - began
    await positions.close()
    for role in ("subscriber", "owner"):
        report.stubborn += await fleet.end(role, 20)


async def _waiting(servers: Servers) -> dict[str, int]:
    return await unfinished(servers.dsn("owner"), servers.dsn("subscriber"))


async def _owner_waits(servers: Servers) -> bool:
    return any(name.startswith("owner") for name in await _waiting(servers))


class Positions:
    """Whether the subscriber has taken over everything that is on the topic."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._partitions = [Partition(TEAMS, number) for number in range(PARTITIONS)]
        self._consumer = Bus(servers.kafka.bootstrap, "chaos-ends").consumer([TEAMS, NOTICES], group=None)
        self._is_started = False

    async def at_end(self) -> bool:
        if not self._is_started:
            await self._consumer.start()
            self._is_started = True
        ends = await self._consumer.ends(self._partitions)
        statement = f"select partition, next from consumer_offset where topic = '{TEAMS}'"
        stored = {row[0]: row[1] for row in await rows_of(self._servers.dsn("subscriber"), statement)}
        return all(stored.get(at.number, 0) >= end for at, end in ends.items())

    async def close(self) -> None:
        await self._consumer.close()


async def _collect(servers: Servers, folder: Path, evidence: Evidence) -> None:
    evidence.history = read_history(folder)
    await read_databases(evidence, servers.dsn("owner"), servers.dsn("subscriber"))
    await read_topics(evidence, servers.kafka.bootstrap, PARTITIONS)
