"""How late a consumer is: from fact to effect for what it applies, and the age of what it has not applied yet."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from chassis import metrics
from chassis.kafka import Partition, SourceRecord


@dataclass
class Lateness:
    """`clock` gives seconds since 1970; all moments here are such."""

    clock: Callable[[], float] = time.time
    _made: dict[Partition, float] = field(default_factory=dict)
    _behind_since: dict[Partition, float] = field(default_factory=dict)

    def applied(self, at: Partition, record: SourceRecord) -> None:
        """The last record of a batch has taken effect."""
        made = _moment(record)
        if made is not None:
            self._made[at] = made
            metrics.event_age_seconds.labels(at.topic).observe(max(self.clock() - made, 0.0))

    def look(self, behind: Mapping[Partition, int]) -> None:
        """With the records left per partition. What is left was recorded after what was applied last, and after the
        partition was last seen with nothing left: the later of the two is the age, to within one look."""
        now = self.clock()
        late: dict[str, float] = {at.topic: 0.0 for at in behind}
        for at, left in behind.items():
            if left <= 0:
                self._behind_since.pop(at, None)
                continue
            since = max(self._behind_since.setdefault(at, now), self._made.get(at, 0.0))
            late[at.topic] = max(late[at.topic], now - since)
        for topic, seconds in late.items():
            metrics.consumer_oldest_seconds.labels(topic).set(seconds)


def _moment(record: SourceRecord) -> float | None:
    for name, value in record.headers:
        if name == "ce_time":
            with suppress(ValueError):
                return datetime.fromisoformat(value.decode()).timestamp()
    return None
