"""A process that joins a group, reports half of what it has read, says so, and waits to be killed.

Arguments: client, bootstrap, topic, group.
"""

import asyncio
import sys
from typing import cast

from chassis.kafka import Bus, Client, Partition


async def main(client: str, bootstrap: str, topic: str, group: str) -> None:
    bus = Bus(bootstrap, "crashing", member_timeout=2, client=cast(Client, client))
    consumer = bus.consumer([topic], group)
    await consumer.start()
    read = 0
    while read < 100:
        for records in (await consumer.fetch(0.5)).values():
            read += len(records)
    await consumer.report({Partition(topic, 0): 50})
    print("reported", flush=True)
    while True:
        await consumer.fetch(0.5)


asyncio.run(main(*sys.argv[1:]))
