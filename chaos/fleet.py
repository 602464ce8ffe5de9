"""The sample's processes: started, started again when they end, scaled, stopped."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chaos.member import STUCK
from chassis import failpoints
from devstack.nursery import Nursery, Process
from devstack.processes import kill_group

ROLES = ("writer", "owner", "subscriber")
IMPORTS = ("chassis.worker", "chaos.sample", "chaos.writers", "chaos.broken")
ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Member:
    """One place in the fleet; its process changes. `wanted` False: it shall end and not come back."""

    name: str
    role: str
    process: Process | None = None
    wanted: bool = True
    is_stopped: bool = False
    starts: int = 0
    return_at: float = 0.0
    killed: bool = False
    failpoint: str = ""
    next_failpoint: str = ""


@dataclass
class Fleet:
    """`environment` gives what a process of a role finds; `endings` counts how processes ended by themselves."""

    environment: Callable[[str, str], dict[str, str]]
    folder: Path
    members: dict[str, Member] = field(default_factory=dict)
    endings: Counter[str] = field(default_factory=Counter)
    pause: Callable[[], float] = lambda: 0.3
    _nursery: Nursery = field(default_factory=lambda: Nursery(IMPORTS))

    async def open(self) -> None:
        self._nursery.open(self.folder / "nursery.log", ROOT)
        await asyncio.to_thread(self._nursery.wait_open)

    def scale(self, role: str, count: int) -> None:
        """So many processes of the role from now on; superfluous ones get SIGTERM."""
        for number in range(count):
            name = f"{role}-{number}"
            member = self.members.setdefault(name, Member(name, role))
            member.wanted = True
        for member in self.of(role)[count:]:
            self.dismiss(member)

    def of(self, role: str) -> list[Member]:
        return [member for member in self.members.values() if member.role == role]

    def running(self, *roles: str) -> list[Member]:
        """Processes that are there and not stopped by a signal."""
        found = [member for member in self.members.values() if member.role in (roles or ROLES)]
        return [member for member in found if member.process is not None and not member.is_stopped and member.wanted]

    def dismiss(self, member: Member) -> None:
        member.wanted = False
        self.signal(member, signal.SIGTERM)

    def signal(self, member: Member, sign: signal.Signals) -> None:
        if member.process is not None and member.process.poll() is None:
            member.killed = member.killed or sign == signal.SIGKILL
            member.process.send_signal(sign)

    def look(self) -> None:
        """Notes who has ended and starts who is due; call it often, from the main thread."""
        for member in self.members.values():
            if member.process is not None and member.process.poll() is not None:
                self._note_end(member)
            if member.process is None and member.wanted and time.monotonic() >= member.return_at:
                self._start(member)

    def _start(self, member: Member) -> None:
        member.failpoint, member.next_failpoint = member.next_failpoint, ""
        environment = self.environment(member.role, member.name) | {failpoints.VARIABLE: member.failpoint}
        log = self.folder / f"{member.name}.log"
        member.process = self._nursery.start("chaos.member", member.role, environment, log, ROOT)
        member.starts += 1
        member.killed = member.is_stopped = False

    def _note_end(self, member: Member) -> None:
        code = member.process.returncode if member.process else 0
        if code and member.wanted and not member.killed:
            self.endings[_ending(code, member.failpoint)] += 1
        member.process, member.is_stopped = None, False
        member.return_at = time.monotonic() + self.pause()

    async def end(self, role: str, grace: float) -> int:
        """Stops all of a role; returns how many had to be killed after `grace` seconds."""
        for member in self.of(role):
            self.dismiss(member)
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline and any(member.process for member in self.of(role)):
            self.look()
            await asyncio.sleep(0.05)
        stubborn = [member for member in self.of(role) if member.process is not None]
        for member in stubborn:
            self.signal(member, signal.SIGKILL)
        return len(stubborn)

    def close(self) -> None:
        for member in self.members.values():
            if member.process is not None:
                kill_group(member.process.pid, signal.SIGKILL)
                member.process.wait(5)
        self._nursery.close()


def _ending(code: int, failpoint: str) -> str:
    if failpoint and code == -signal.SIGKILL:
        return f"failpoint {failpoint.partition('=')[0]}"
    return "replaced by its liveness probe" if code == STUCK else f"unexpected end, code {code}"


def inherited() -> dict[str, str]:
    """The rig's own environment without the product's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MERIDIAN_", "CHAOS_"))}
