"""`meridian outbox status`: what waits for Kafka in each service, since when, and who is to send it."""

from typing import Any

import typer

from meridian.client.connection import connected
from meridian.client.place import Email, Url, place
from meridian.client.words import out
from meridian.operator.reach import AsJson, ServiceName, everywhere
from meridian.operator.show import as_json, duration, table

app = typer.Typer(no_args_is_help=True, help="Events on their way to Kafka.")


@app.command()
def status(service: ServiceName = "", json: AsJson = False, url: Url = "", email: Email = "") -> None:
    """Show waiting events, the age of the oldest, parked rows and the relays' leases."""
    with connected(place(url, email)) as connection:
        found = [{"service": name, **answer} for name, answer in everywhere(connection, service, "outbox")]
    if json:
        as_json(found)
        return
    columns = ("service", "waiting", "oldest", "parked_rows", "parked_keys", "relays", "leased", "shards_without_relay")
    table(columns, [line(each) for each in found])
    for each in found:
        for topic, count in each["by_topic"].items():
            out.print(f"  {each['service']}: {count} for {topic}")


def line(answer: dict[str, Any]) -> dict[str, Any]:
    held = [lease for lease in answer["leases"] if lease["owner"]]
    free = [shard for lease in answer["leases"] if not lease["owner"] for shard in lease["shards"]]
    return {
        **answer,
        "oldest": duration(answer["oldest_seconds"]) if answer["waiting"] else "",
        "relays": len(held),
        "leased": ", ".join(f"{lease['owner'][:8]}: {len(lease['shards'])}" for lease in held),
        "shards_without_relay": len(free) or "",
    }
