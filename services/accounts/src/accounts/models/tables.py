"""The service's metadata and the pieces that accounts and contacts share."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Numeric, String
from sqlalchemy.orm import DeclarativeBase

from chassis.db import new_metadata
from contracts.accounts import Address

ADDRESS_PARTS = ("street", "city", "region", "postal_code", "country")


_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


class Base(DeclarativeBase):
    metadata = new_metadata()


# As many digits as the form takes: fifteen before the point, four after it.
MONEY = Numeric(20, 4)

# kB. New entries wait in a list that each search scans and that now and then one insert must work off. Measured with
# 10,000 rows: without a list an insert costs four times as much, with the default of 4 MB one in hundreds takes 260 ms.
SHORT_PENDING_LIST = {"gin_pending_list_limit": "256"}

# Folded text is ASCII: comparing bytes is its order in every database, whatever its locale, and prefixes are ranges.
BYTEWISE = String(collation="C")


def read_address(record: object, prefix: str) -> Address | None:
    """The columns `<prefix>_street` and so on as one value; None when all of them are empty."""
    parts = {part: getattr(record, f"{prefix}_{part}") for part in ADDRESS_PARTS}
    return Address(**parts) if any(parts.values()) else None


def address_columns(prefix: str, address: Mapping[str, Any] | None) -> dict[str, Any]:
    """Column values for the parts given; None clears the whole address."""
    if address is None:
        return {f"{prefix}_{part}": None for part in ADDRESS_PARTS}
    return {f"{prefix}_{part}": value for part, value in address.items()}


def assign(record: object, values: Mapping[str, Any]) -> set[str]:
    """Sets what differs and says which columns that were, so that an edit without effect writes nothing."""
    changed = {name for name, value in values.items() if getattr(record, name) != value}
    for name in changed:
        setattr(record, name, values[name])
    return changed


def public_values(record: object, names: Iterable[str]) -> dict[str, Any]:
    """The named public fields as they stand in JSON; empty ones are left out."""
    values = {name: getattr(record, name) for name in names}
    return {name: _ANYTHING.dump_python(value, mode="json") for name, value in values.items() if value is not None}


def plain_amount(amount: Decimal) -> str:
    """At least two digits after the point and no more than say something."""
    whole, _, fraction = f"{amount:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
