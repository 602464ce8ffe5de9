"""One measured process: `member.py <role> <options as JSON>`. Its result is a JSON file, written when it ends."""

import asyncio
import gc
import json
import logging
import signal
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import structlog
import uvloop

from chassis.kafka import Bus

ROLES = {
    "write": "writing",
    "relay": "sending",
    "drain": "sending",
    "produce": "sending",
    "round_trip": "sending",
    "follow": "consuming",
    "project": "consuming",
    "upsert": "consuming",
    "react": "consuming",
    "handle": "consuming",
    "arrivals": "arriving",
}
"""Name of the function, and its module: imported by who needs it, since a start costs as much as a part."""


@dataclass
class Member:
    """What a role's function gets: its options, and how it says that it is ready."""

    options: dict[str, Any]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def __getitem__(self, name: str) -> Any:
        return self.options[name]

    @property
    def bus(self) -> Bus:
        return Bus(self["kafka"], "bench")

    def say_ready(self) -> None:
        Path(self["out"]).with_suffix(".ready").touch()


async def main(role: str, options: dict[str, Any]) -> None:
    function = getattr(import_module(f"benchmarks.backbone.{ROLES[role]}"), role)
    as_a_service()
    member = Member(options)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, member.stopping.set)
    result = await function(member)
    Path(options["out"]).write_text(json.dumps(result))


def as_a_service() -> None:
    """As the command of every service does: what is imported by now lives as long as the process."""
    logging.basicConfig(level=logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], json.loads(sys.argv[2])))
