"""`meridian duplicates`: the surest sets with their reasons."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from meridian.client.connection import connected
from meridian.client.place import Email, Url, place
from meridian.client.words import out

SETS = "/api/dedup/v1/duplicate-sets"
SIGNS = {"decisive": "[green]=[/]", "supports": "[green]+[/]", "contradicts": "[red]-[/]"}


def duplicates(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many sets.")] = 20, url: Url = "", email: Email = ""
) -> None:
    """Show the records that are most probably the same, and why."""
    with connected(place(url, email)) as connection:
        page = connection.get(SETS, sort="-score", limit=limit, filter="status:eq:open")
    for number, found in enumerate(page["items"], start=1):
        out.print(f"\n[bold]{number}. {found['score']:.2f}[/]  {found['object']}  [dim]{found['id']}[/]")
        for member in found["members"]:
            out.print(
                f"   {escape(member['label'])}  [dim]{member['id']}  {escape(owner_of(member))}[/]", soft_wrap=True
            )
        for reason in reasons_of(found):
            out.print(f"     {reason}", soft_wrap=True)
    out.print(summary(page))


def owner_of(member: dict[str, Any]) -> str:
    return member.get("owner_name") or ""


def reasons_of(found: dict[str, Any]) -> list[str]:
    """Each reason of the set once, the decisive ones first."""
    given = {
        (reason["verdict"], reason["field"], reason.get("detail") or "")
        for member in found["members"]
        for reason in member["reasons"]
    }
    order = list(SIGNS)
    ranked = sorted(given, key=lambda each: (order.index(each[0]) if each[0] in order else 9, each[1:]))
    return [
        f"{SIGNS.get(verdict, ' ')} {escape(f'{field}: {detail}'.rstrip(': '))}" for verdict, field, detail in ranked
    ]


def summary(page: dict[str, Any]) -> str:
    shown = len(page["items"])
    if not shown:
        return "No duplicates are suspected."
    total = page.get("total")
    return f"\n{shown} of {total} sets" if total is not None else f"\n{shown} sets"
