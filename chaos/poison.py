"""Records that no consumer can do anything with, written past the outbox. Each carries a header that says so."""

from dataclasses import dataclass
from random import Random
from uuid import UUID

from uuid_utils.compat import uuid7

from chaos.sample import TEAMS
from chassis.kafka import Bus, Record
from contracts.identity import TeamChanged

MARK = "chaos-poison"
LARGE = 900_000


@dataclass(frozen=True)
class Poison:
    bootstrap: str
    random: Random

    async def produce(self, kind: str) -> None:
        """A few records of one kind (`undecodable`, `invalid`, `large`); raises when the broker does not take them."""
        producer = await Bus(self.bootstrap, "chaos-poison").producer()
        try:
            records = [record for _ in range(3) for record in self._records(kind)]
            for error in await producer.send_batch(records, 10):
                if error is not None:
                    raise error
        finally:
            await producer.close()

    def _records(self, kind: str) -> list[Record]:
        noise = self.random.randbytes(200)
        if kind == "undecodable":
            return [self._record(noise, []), self._record(b"", [("ce_id", b"\xff\xfe")])]
        if kind == "invalid":
            return [self._record(b'{"state": {"id":', _envelope(TeamChanged.TYPE)), self._record(None, [])]
        known = self._record(noise * (LARGE // 200), _envelope(TeamChanged.TYPE))
        unknown = self._record(noise * (LARGE // 200), _envelope("crm.identity.team.forgotten.v1"), "skipped")
        return [known, unknown]

    def _record(self, value: bytes | None, headers: list[tuple[str, bytes]], fate: str = "quarantined") -> Record:
        return Record(TEAMS, self.random.randbytes(8), value, [(MARK, fate.encode()), *headers])


def _envelope(event_type: str) -> list[tuple[str, bytes]]:
    values = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid7()),
        "ce_type": event_type,
        "ce_source": "/crm/identity",
        "ce_subject": str(UUID(int=1)),
        "ce_time": "2026-01-01T00:00:00Z",
        "ce_sequence": f"{1:020d}",
    }
    return [(name, value.encode()) for name, value in values.items()]
