"""Lists: filters and sorts from the object's catalogue, pages by key, cursors bound to their list."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Numeric,
    Select,
    SmallInteger,
    String,
    and_,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import CursorInvalid, FieldProblem, Invalid
from chassis.fields.model import ObjectCatalogue

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_FILTERS = 20
MAX_VALUE = 1000
MAX_IN = 200
COUNT_LIMIT = 100_000
"""Rows up to which a list is counted when the caller asks; beyond it the total is null."""

T = TypeVar("T")
V = TypeVar("V")


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    items: Sequence[T]
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page; null on the last one")
    total: int | None = Field(None, description=f"With `count=true`: how many there are, null beyond {COUNT_LIMIT}")

    def map(self, view: Callable[[T], V]) -> "Page[V]":
        """The same page with every item turned into something else."""
        items: Any = [view(item) for item in self.items]
        return Page[Any].model_construct(items=items, next_cursor=self.next_cursor, total=self.total)

    def as_response(self) -> Response:
        """Straight to bytes, for hot lists whose items are plain dicts; keep `response_model` for the documents."""
        document = {"items": self.items, "next_cursor": self.next_cursor, "total": self.total}
        return Response(orjson.dumps(document, default=str, option=orjson.OPT_UTC_Z), media_type="application/json")


@dataclass(frozen=True)
class Condition:
    field: str
    operator: str
    value: Any


@dataclass(frozen=True)
class Listing:
    """What the caller wants to see of a list."""

    catalogue: ObjectCatalogue
    limit: int
    sort: str
    is_descending: bool
    conditions: tuple[Condition, ...]
    q: str | None
    is_counted: bool
    cursor: str | None
    secret: bytes

    @property
    def fingerprint(self) -> bytes:
        """Binds a cursor to this list, its order and its filters."""
        told = (self.catalogue.name, self.sort, self.is_descending, [vars(each) for each in self.conditions], self.q)
        return hashlib.blake2b(orjson.dumps(told, default=str), key=self.secret, digest_size=12).digest()

    def where(self) -> list[ColumnElement[bool]]:
        found = [_compared(self.catalogue.filters[each.field], each) for each in self.conditions]
        if self.q and self.catalogue.search is not None:
            found.append(self.catalogue.search(self.q))
        return found


TEXT_OPERATORS = ("eq", "ne", "in", "contains", "starts", "gt", "gte", "lt", "lte", "empty")
ORDERED_OPERATORS = ("eq", "ne", "in", "gt", "gte", "lt", "lte", "empty")
PLAIN_OPERATORS = ("eq", "ne", "in", "empty")


def operators_of(column: Any) -> tuple[str, ...]:
    """The filter operators that make sense for a column's type."""
    kind = _python_type(column)
    if isinstance(column.type, ARRAY):
        return ("contains", "empty")
    if kind is str:
        return TEXT_OPERATORS
    if kind in (bool, UUID):
        return PLAIN_OPERATORS
    return ORDERED_OPERATORS if kind is not None else ("empty",)


def _python_type(column: Any) -> type | None:
    try:
        found: type = column.type.python_type
    except NotImplementedError:
        return None
    return found if found in (str, int, bool, float, UUID, Decimal, date, datetime) else None


def listing_of(catalogue: ObjectCatalogue, *, default_sort: str = "-created_at") -> Any:
    """For `Annotated[Listing, listing_of(ACCOUNTS)]`: reads cursor, limit, sort, filter, q and count from the query."""
    names = ", ".join(f"`{name}`" for name in catalogue.sorts)
    filters = "; ".join(f"`{name}`: {' '.join(operators_of(column))}" for name, column in catalogue.filters.items())

    async def read_listing(
        request: Request,
        cursor: Annotated[str | None, Query(max_length=4096)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
        sort: Annotated[
            str, Query(max_length=100, description=f"A field, or -field for descending: {names}")
        ] = default_sort,
        filter: Annotated[list[str] | None, Query(description=f"`field:operator:value`, repeatable. {filters}")] = None,
        q: Annotated[str | None, Query(max_length=200, description="Words to search for")] = None,
        count: Annotated[bool, Query(description="Count the whole list")] = False,
    ) -> Listing:
        field, descending = _sort(catalogue, sort)
        conditions = tuple(_condition(catalogue, text) for text in _few(filter or []))
        wanted = (q or "").strip() or None
        return Listing(catalogue, limit, field, descending, conditions, wanted, count, cursor, _secret(request))

    return Depends(read_listing)


def _secret(request: Request) -> bytes:
    return hashlib.sha256(request.app.state.runtime.settings.client_secret.get_secret_value().encode()).digest()


def _few(texts: list[str]) -> list[str]:
    if len(texts) > MAX_FILTERS:
        raise _wrong("?filter", "too_many", f"A list takes {MAX_FILTERS} filters.")
    return texts


def _wrong(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(errors=[FieldProblem(pointer, code, detail)])


def _sort(catalogue: ObjectCatalogue, text: str) -> tuple[str, bool]:
    field = text.removeprefix("-")
    if field not in catalogue.sorts:
        raise _wrong("?sort", "unknown_field", f"Sort by one of: {', '.join(catalogue.sorts)}.")
    return field, text.startswith("-")


def _condition(catalogue: ObjectCatalogue, text: str) -> Condition:
    field, _, rest = text.partition(":")
    operator, _, value = rest.partition(":")
    column = catalogue.filters.get(field)
    if column is None:
        raise _wrong("?filter", "unknown_field", f"Filter by one of: {', '.join(catalogue.filters)}.")
    allowed = operators_of(column)
    if operator not in allowed:
        raise _wrong("?filter", "unknown_operator", f"{field} takes: {', '.join(allowed)}.")
    if len(value) > MAX_VALUE * (MAX_IN if operator == "in" else 1):
        raise _wrong("?filter", "too_long", f"A value has at most {MAX_VALUE} characters.")
    return Condition(field, operator, _value(field, column, operator, value))


def _value(field: str, column: Any, operator: str, text: str) -> Any:
    adapter = TypeAdapter(bool) if operator == "empty" else _adapter(column)
    texts = text.split(",") if operator == "in" else [text or ("true" if operator == "empty" else "")]
    if len(texts) > MAX_IN:
        raise _wrong("?filter", "too_many", f"{field} takes {MAX_IN} values at once.")
    try:
        values = [adapter.validate_strings(each) for each in texts]
    except ValidationError as error:
        problem = f"{field}: {error.errors(include_url=False)[0]['msg']}."
        raise _wrong("?filter", "value_invalid", problem) from error
    return values if operator == "in" else values[0]


INTEGER_BITS = ((SmallInteger, 15), (BigInteger, 63), (Integer, 31))


def _adapter(column: Any) -> TypeAdapter[Any]:
    if isinstance(column.type, ARRAY):
        return TypeAdapter(column.type.item_type.python_type)
    kind = _python_type(column)
    if kind is int:
        bits = next((size for type_, size in INTEGER_BITS if isinstance(column.type, type_)), 63)
        return TypeAdapter(Annotated[int, Field(ge=-(2**bits), lt=2**bits)])
    if kind is datetime:
        return TypeAdapter(Annotated[datetime, AfterValidator(_in_utc)])
    return TypeAdapter(kind or str)


def _in_utc(value: datetime) -> datetime:
    """A moment without an offset is meant in UTC."""
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("a year from 1 to 9999") from None


def _compared(column: Any, condition: Condition) -> ColumnElement[bool]:
    operator, value = condition.operator, condition.value
    if operator == "empty":
        return _is_empty(column, value)
    if operator == "in":
        return column.in_(value)  # type: ignore[no-any-return]
    if operator == "contains" and isinstance(column.type, ARRAY):
        return column.contains([value])  # type: ignore[no-any-return]
    if operator == "contains":
        return column.icontains(value, autoescape=True)  # type: ignore[no-any-return]
    if operator == "starts":
        return column.istartswith(value, autoescape=True)  # type: ignore[no-any-return]
    if operator == "ne":
        return column.is_distinct_from(value)  # type: ignore[no-any-return]
    return COMPARISONS[operator](column, value)  # type: ignore[no-any-return]


COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": lambda column, value: column == value,
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
}


def _is_empty(column: Any, wanted: bool) -> ColumnElement[bool]:
    empty = column.is_(None)
    if isinstance(column.type, ARRAY):
        empty = or_(empty, func.cardinality(column) == 0)
    elif isinstance(column.type, String):
        empty = or_(empty, column == "")
    return empty if wanted else ~empty  # type: ignore[no-any-return]


async def paginate(session: AsyncSession, statement: Select[Any], model: type[Any], listing: Listing) -> Page[Any]:
    """One page of `statement`, filtered, sorted and cut as the caller asked.

    The items are what the statement selects: instances of one mapped class, or dicts for several columns. `model` has
    the column `id`, which breaks ties. Raises CursorInvalid (400).
    """
    narrowed = statement.where(*listing.where())
    key = listing.catalogue.sorts[listing.sort]
    ordered = narrowed.order_by(None).order_by(*_order(key, model.id, listing.is_descending))
    if listing.cursor is not None:
        ordered = ordered.where(_after(key, model.id, listing))
    asked = ordered.limit(listing.limit + 1).add_columns(key.label("_sort"), model.id.label("_id"))
    rows = (await session.execute(asked)).all()
    shown = rows[: listing.limit]
    more = len(rows) > listing.limit
    return Page[Any].model_construct(
        items=_items(shown),
        next_cursor=_cursor(listing, shown[-1][-2], shown[-1][-1]) if more else None,
        total=await _total(session, narrowed, listing, shown, more),
    )


def _items(rows: Sequence[Any]) -> list[Any]:
    if rows and len(rows[0]) == 3:
        return [row[0] for row in rows]
    names = rows[0]._fields[:-2] if rows else ()
    return [dict(zip(names, row, strict=False)) for row in rows]


async def _total(
    session: AsyncSession, narrowed: Select[Any], listing: Listing, shown: Sequence[Any], more: bool
) -> int | None:
    if listing.cursor is None and not more:
        return len(shown)
    if not listing.is_counted:
        return None
    bounded = narrowed.order_by(None).limit(COUNT_LIMIT + 1).subquery()
    found = (await session.execute(select(func.count()).select_from(bounded))).scalar_one()
    return found if found <= COUNT_LIMIT else None


def _order(key: Any, identity: Any, descending: bool) -> tuple[Any, ...]:
    """Rows without a value come last in both directions; written so that an index on (key, id) serves it."""
    if descending:
        first = key.desc().nulls_last() if _may_be_null(key) else key.desc()
        return first, identity.desc()
    return key.asc(), identity.asc()


def _may_be_null(key: Any) -> bool:
    return bool(getattr(key, "nullable", True)) and not getattr(key, "primary_key", False)


def _after(key: Any, identity: Any, listing: Listing) -> ColumnElement[bool]:
    value, last = _read_cursor(listing, key)
    down = listing.is_descending
    if not _may_be_null(key):
        pair, mark = tuple_(key, identity), tuple_(value, last)
        return pair < mark if down else pair > mark
    beyond = identity < last if down else identity > last
    if value is None:
        return and_(key.is_(None), beyond)
    further = key < value if down else key > value
    return or_(further, and_(key == value, beyond), key.is_(None))


def _cursor(listing: Listing, value: Any, identity: UUID) -> str:
    payload = orjson.dumps([None if value is None else _text(value), str(identity)])
    return base64.urlsafe_b64encode(_sealed(listing, payload) + payload).decode().rstrip("=")


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _sealed(listing: Listing, payload: bytes) -> bytes:
    return hashlib.blake2b(payload, key=listing.secret, digest_size=12, salt=listing.fingerprint).digest()


def _read_cursor(listing: Listing, key: Any) -> tuple[Any, UUID]:
    try:
        given = (listing.cursor or "").encode("ascii")
        raw = base64.b64decode(given + b"=" * (-len(given) % 4), altchars=b"-_", validate=True)
        seal, payload = raw[:12], raw[12:]
        if seal != _sealed(listing, payload):
            raise ValueError("foreign cursor")
        value, identity = orjson.loads(payload)
        parsed = None if value is None else TypeAdapter(_cursor_type(key)).validate_strings(value)
        return parsed, UUID(identity)
    except ValueError as error:
        raise CursorInvalid(
            errors=[FieldProblem("?cursor", "cursor_invalid", "Start again without a cursor.")]
        ) from error


def _cursor_type(key: Any) -> Any:
    return Decimal if isinstance(key.type, Numeric) else _python_type(key) or str
