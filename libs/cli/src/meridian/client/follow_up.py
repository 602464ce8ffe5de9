"""`meridian follow-up`: a call on an account with a reminder."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from meridian.client.connection import Connection, connected
from meridian.client.duplicates import SETS
from meridian.client.place import Email, Url, place
from meridian.client.words import fail, out

ACCOUNTS = "/api/accounts/v1/accounts"
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def follow_up(
    account_id: Annotated[str, typer.Argument(help="The account; one of the surest duplicates if left out.")] = "",
    in_: Annotated[str, typer.Option("--in", help="How far ahead: 1m, 2h, 3d, 1w.")] = "1d",
    subject: Annotated[str, typer.Option(help="What the call is about.")] = "Follow up",
    remind: Annotated[int, typer.Option(min=0, help="Minutes before the call to remind.")] = 0,
    url: Url = "",
    email: Email = "",
) -> None:
    """Plan a call with a reminder in the application and by mail."""
    ahead = duration(in_)
    with connected(place(url, email)) as connection:
        account = connection.get(f"{ACCOUNTS}/{account_id or some_account(connection)}")
        zone = connection.get("/api/identity/v1/me")["time_zone"]
        call = plan(zone, datetime.now(UTC) + ahead, subject, account["id"], remind)
        planned = connection.post("/api/activities/v1/activities", call)
    out.print(
        f"Planned for {call['wall_time'].replace('T', ' ')} {zone}: {escape(planned['subject'])}"
        f" with {escape(account['name'])}  [dim]{planned['id']}[/]",
        soft_wrap=True,
    )


def duration(text: str) -> timedelta:
    """90m, 2h, 3d or 1w; ends the command when it is none of these."""
    found = re.fullmatch(r"(\d{1,5})\s*([mhdw])", text.strip().lower())
    if not found:
        fail(f"--in {text} is not a duration like 1m, 2h, 3d or 1w.", 2)
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def some_account(connection: Connection) -> str:
    """An account out of the surest open set, or else the newest one."""
    for found in connection.get(SETS, sort="-score", limit=20, filter="status:eq:open")["items"]:
        for member in found["members"]:
            if member["object"] == "account" and not member.get("is_deleted"):
                return str(member["id"])
    newest = connection.get(ACCOUNTS, limit=1)["items"]
    if not newest:
        fail("There is no account yet.")
    return str(newest[0]["id"])


def plan(zone: str, moment: datetime, subject: str, account_id: str, remind: int) -> dict[str, Any]:
    """The call, at the next full minute of the person's own clock: never earlier than asked for."""
    wall = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if wall.second or wall.microsecond:
        wall = wall.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return {
        "kind": "call",
        "subject": subject,
        "wall_time": wall.isoformat(timespec="minutes"),
        "time_zone": zone,
        "links": [{"object": "account", "id": account_id}],
        "reminders": [{"minutes_before": remind}],
    }
