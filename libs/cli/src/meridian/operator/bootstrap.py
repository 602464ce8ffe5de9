"""`meridian bootstrap SERVICE`: replicas from the state topics, compared with their owners at the end."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from meridian.client.connection import Connection, connected
from meridian.client.place import Email, Url, place
from meridian.client.words import fail, out
from meridian.operator.jobs import ended
from meridian.operator.reach import AsJson, address, chosen
from meridian.operator.show import as_json

PAGE = 10_000
PATIENCE = 30.0
"""Seconds in which what is under way has to arrive: owners go on writing while we compare."""


def bootstrap(
    service: Annotated[str, typer.Argument(help="The service whose replicas are rebuilt.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the service's audit.")] = "",
    rewrite: Annotated[
        bool, typer.Option(help="Also rows of the same version: somebody changed their content.")
    ] = False,
    check_only: Annotated[bool, typer.Option(help="Compare with the owners and change nothing.")] = False,
    json: AsJson = False,
    url: Url = "",
    email: Email = "",
) -> None:
    """Rebuild a service's replicas from the state topics while writing goes on, and compare them with their owners."""
    if not reason and not check_only:
        fail("Say why with --reason, or only compare with --check-only.", 2)
    with connected(place(url, email)) as connection:
        chosen(service)
        wanted = {"reason": reason, "rewrite": rewrite}
        result = {} if check_only else rebuilt(connection, service, wanted, quiet=json)
        comparison = compared(connection, service)
    if json:
        as_json({**result, "comparison": comparison.as_json()})
    else:
        say(service, result, comparison)
    if comparison.differences():
        fail(f"{service} and the owners disagree.", 3)


def rebuilt(connection: Connection, service: str, wanted: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    job = connection.post(address(service, "bootstraps"), wanted)
    if not quiet:
        out.print(f"Bootstrap {job['id']} of {service}")
    return ended(connection, service, job["id"], quiet=quiet)


Owned = dict[str, tuple[int, bool]]
"""Version and whether it is deleted, by id."""


@dataclass
class Comparison:
    """Ids by what is wrong with them; `rows` and `looks` say how much was compared, and how often."""

    rows: int = 0
    looks: int = 1
    behind: dict[str, int] = field(default_factory=dict)
    """Missing or older here: the version that the owner had."""
    ahead: dict[str, int] = field(default_factory=dict)
    """Newer here, or unknown to the owner: the version that is here."""

    def differences(self) -> int:
        return len(self.behind) + len(self.ahead)

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "differences": self.differences()}

    def look_again(self, kept: dict[str, int], owned: Owned) -> None:
        """What was on its way at the look before has arrived; what has not is a difference."""
        self.looks += 1
        self.behind = {key: version for key, version in self.behind.items() if _is_behind(key, version, kept, owned)}
        self.ahead = {key: version for key, version in self.ahead.items() if owned.get(key, (0, False))[0] < version}


def compare(kept: dict[str, int], owned: Owned) -> Comparison:
    """A deleted record need not be kept; version 0 is a place held for a record that has not been heard of yet."""
    behind = {key: version for key, (version, _) in owned.items() if _is_behind(key, version, kept, owned)}
    ahead = {key: version for key, version in kept.items() if owned.get(key, (0, False))[0] < version}
    return Comparison(len(owned), behind=behind, ahead=ahead)


def _is_behind(key: str, version: int, kept: dict[str, int], owned: Owned) -> bool:
    there = kept.get(key, 0)
    is_deleted = owned.get(key, (0, True))[1]
    return there < version and not (is_deleted and there == 0)


def compared(connection: Connection, service: str) -> Comparison:
    """Looks until nothing differs, or what differs stays so."""
    tables = connection.get(address(service, "replicas"))
    topics = tables[0]["topics"] if tables else []
    deadline = time.monotonic() + PATIENCE
    found = compare(*_looked(connection, service, tables, topics))
    while found.differences() and time.monotonic() < deadline:
        time.sleep(1.0)
        found.look_again(*_looked(connection, service, tables, topics))
    return found


def _looked(
    connection: Connection, service: str, tables: list[dict[str, Any]], topics: list[str]
) -> tuple[dict[str, int], Owned]:
    # The owners first: what they have has the time of our second question to arrive.
    owned = dict(_owned(connection, topics))
    names = [each["table"] for each in tables]
    kept = {item[0]: item[1] for name in names for item in _pages(connection, service, f"replicas/{name}")}
    return kept, owned


def _owned(connection: Connection, topics: list[str]) -> Iterator[tuple[str, tuple[int, bool]]]:
    for topic in topics:
        owner = topic.split(".")[1]
        for identity, version, is_deleted in _pages(connection, owner, "versions", topic=topic):
            yield identity, (version, is_deleted)


def _pages(connection: Connection, service: str, path: str, **query: str) -> Iterator[list[Any]]:
    after = None
    while True:
        page = connection.get(address(service, path), limit=PAGE, **query, **({"after": after} if after else {}))
        yield from page["items"]
        after = page["next_after"]
        if after is None:
            return


def say(service: str, result: dict[str, Any], comparison: Comparison) -> None:
    if result:
        told = f"{result['states']} states and {result['tombstones']} tombstones of {result['topics']} topics"
        out.print(f"{told}, {result['refused']} refused.")
    differing = comparison.differences()
    out.print(f"{comparison.rows} records of the owners compared with {service}: {differing} differences.")
    for name, ids in (("missing or older", comparison.behind), ("newer or unknown to the owner", comparison.ahead)):
        if ids:
            out.print(f"  {name}: {len(ids)}, such as {', '.join(list(ids)[:3])}", soft_wrap=True)
