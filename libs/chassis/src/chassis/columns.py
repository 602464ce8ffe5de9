"""Columns that several of the chassis' tables have."""

from sqlalchemy import Column, DateTime, text

NOW = text("clock_timestamp()")


def moment(name: str, **options: object) -> Column[object]:
    """A point in time, stored in UTC; `options` are those of Column."""
    return Column(name, DateTime(timezone=True), **options)  # type: ignore[arg-type]
