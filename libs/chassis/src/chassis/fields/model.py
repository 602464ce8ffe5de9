"""Models made of fields, and the catalogue that publishes them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo
from sqlalchemy import ARRAY, JSON, ColumnElement, inspect
from sqlalchemy.orm import QueryableAttribute

from chassis.fields import factories
from chassis.fields.kind import Kind


class FieldModel(BaseModel):
    """What a caller may send: unknown names are refused, texts are stripped, an empty optional text is None."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, allow_inf_nan=False, ser_json_inf_nan="null")


class Money(FieldModel):
    """An amount with its currency; the amount travels as text so that no digit is lost."""

    amount: Annotated[Decimal, factories.number("Amount", "Up to four digits after the point", places=4)]
    currency: Annotated[str, factories.currency()]


class AddressFields(FieldModel):
    """A postal address in parts."""

    street: Annotated[str | None, factories.text("Street", "Street and number, floor, flat")] = None
    city: Annotated[str | None, factories.text("City", max_length=100)] = None
    region: Annotated[str | None, factories.text("Region", "State, province, voivodeship", max_length=100)] = None
    postal_code: Annotated[str | None, factories.text("Postal code", max_length=20)] = None
    country: Annotated[str | None, factories.country()] = None


ModelT = TypeVar("ModelT", bound=FieldModel)


def partial(model: type[ModelT]) -> type[ModelT]:
    """The same model with every field optional, for PATCH: read it with `model_dump(exclude_unset=True)`."""
    changed: dict[str, Any] = {
        name: (_annotation(info), None) for name, info in model.model_fields.items() if info.is_required()
    }
    return create_model(f"{model.__name__}Change", __base__=model, __doc__=model.__doc__, **changed)


def _annotation(info: FieldInfo) -> Any:
    annotation: Any = info.annotation
    for mark in info.metadata:
        annotation = Annotated[annotation, mark]
    return annotation


def kind_of(info: FieldInfo) -> Kind | None:
    """The field's kind, or None for a field that was declared without one."""
    return next((mark for mark in info.metadata if isinstance(mark, Kind)), None)


ALWAYS = ("id", "created_at", "updated_at")
"""Columns of every record by which lists can be filtered and sorted."""


@dataclass(frozen=True, eq=False)
class ObjectCatalogue:
    """One kind of record: its fields for /meta, and what its lists may be filtered and sorted by.

    `columns` is the mapped class. By default every field of `model` that is a column can be filtered and sorted;
    `filterable` and `sortable` add names of further columns. `expressions` replaces the column behind a name (a folded
    copy for sorting). `search` turns `q` into a condition.
    """

    name: str
    label: str
    plural: str
    help: str
    model: type[BaseModel]
    view: type[BaseModel]
    columns: type[Any]
    filterable: tuple[str, ...] = ()
    sortable: tuple[str, ...] = ()
    expressions: Mapping[str, Any] = field(default_factory=dict)
    search: Callable[[str], ColumnElement[bool]] | None = None

    @cached_property
    def mapped(self) -> dict[str, QueryableAttribute[Any]]:
        return {attribute.key: getattr(self.columns, attribute.key) for attribute in inspect(self.columns).column_attrs}

    @cached_property
    def filters(self) -> dict[str, QueryableAttribute[Any]]:
        return {name: self.mapped[name] for name in self._names(self.filterable)}

    @cached_property
    def sorts(self) -> dict[str, Any]:
        found = {name: self.expressions.get(name, self.mapped.get(name)) for name in self._names(self.sortable)}
        # A list has no place in an order, and a cursor could not say where it stopped.
        return {name: column for name, column in found.items() if not isinstance(column.type, ARRAY | JSON)}

    def _names(self, further: tuple[str, ...]) -> list[str]:
        wanted = dict.fromkeys((*self.model.model_fields, *ALWAYS, *further))
        return [name for name in wanted if name in self.mapped]

    def described(self) -> dict[str, Any]:
        """Its part of /meta."""
        return {
            "name": self.name,
            "label": self.label,
            "plural": self.plural,
            "help": self.help,
            "fields": list(self._described_fields()),
        }

    def _described_fields(self) -> Iterator[dict[str, Any]]:
        from chassis.listing import operators_of

        for name, info in self.model.model_fields.items():
            column = self.filters.get(name)
            yield {
                **described_field(name, info),
                "filterable": column is not None,
                "sortable": name in self.sorts,
                "ops": list(operators_of(column)) if column is not None else [],
            }


def described_field(name: str, info: FieldInfo) -> dict[str, Any]:
    """One field of /meta; an address or an amount carries its parts."""
    kind = kind_of(info)
    known = kind.described() if kind else {"label": name.replace("_", " ").capitalize(), "help": "", "kind": "other"}
    parts = _nested(info.annotation)
    nested = [described_field(part, inner) for part, inner in parts.model_fields.items()] if parts else []
    return {"name": name, **known, "required": info.is_required(), "fields": nested}


def _nested(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
