"""Wall time in an IANA zone to the instant it means, the same on every machine: zone data come from PyPI's tzdata."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources
from importlib.metadata import version
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

TZDATA_VERSION = version("tzdata")
"""Pending moments are computed anew when this changes."""


class UnknownZone(ValueError):
    """Not a name of the IANA time zone database."""


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone called `name`; raises UnknownZone. The operating system's data are never used."""
    try:
        place = resources.files("tzdata.zoneinfo").joinpath(*name.split("/"))
        if not name or ".." in name or not place.is_file():
            raise UnknownZone(name)
        with place.open("rb") as data:
            return ZoneInfo.from_file(data, key=name)
    except (ZoneInfoNotFoundError, ValueError, OSError, ModuleNotFoundError) as error:
        raise UnknownZone(name) from error


def is_gap(wall: datetime, name: str) -> bool:
    """Whether clocks in the zone jump over this naive wall time."""
    local = wall.replace(tzinfo=zone(name), fold=0)
    return local.astimezone(UTC).astimezone(zone(name)).replace(tzinfo=None) != wall


def resolve(wall: datetime, name: str) -> datetime:
    """The UTC instant of a naive wall time in a zone.

    A time that does not exist becomes the first valid instant after it; one that exists twice is the first.
    Raises UnknownZone, and ValueError when `wall` carries a zone of its own.
    """
    if wall.tzinfo is not None:
        raise ValueError("a wall time carries no zone")
    if is_gap(wall, name):
        return _after_gap(wall, name)
    return wall.replace(tzinfo=zone(name), fold=0).astimezone(UTC)


def _after_gap(wall: datetime, name: str) -> datetime:
    # fold=1 reads the wall time with the offset before the jump read as after, fold=0 the other way round:
    # the two instants lie on both sides of the transition, which is found by halving.
    early = wall.replace(tzinfo=zone(name), fold=1).astimezone(UTC)
    late = wall.replace(tzinfo=zone(name), fold=0).astimezone(UTC)
    before = early.astimezone(zone(name)).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(zone(name)).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)
