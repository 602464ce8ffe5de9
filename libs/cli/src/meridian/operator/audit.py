"""`meridian audit`: what operators have done, and why."""

from typing import Annotated

import typer

from meridian.client.connection import connected
from meridian.client.place import Email, Url, place
from meridian.client.words import out
from meridian.operator.reach import AsJson, ServiceName, everywhere
from meridian.operator.show import as_json, table


def audit(
    service: ServiceName = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of each service.")] = 20,
    json: AsJson = False,
    url: Url = "",
    email: Email = "",
) -> None:
    """Show what operators have done, the newest first."""
    with connected(place(url, email)) as connection:
        answers = everywhere(connection, service, "audit", limit=limit)
        found = [{"service": name, **item} for name, items in answers for item in items]
    found.sort(key=lambda item: item["at"], reverse=True)
    if json:
        as_json(found)
    elif found:
        rows = [{**item, "at": item["at"][:19], "who": item["actor_name"]} for item in found]
        table(("at", "service", "who", "action", "object", "result", "reason"), rows)
    else:
        out.print("No operator has changed anything.")
