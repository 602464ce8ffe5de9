"""What a field is, in one place: its label and help, how it is checked, how screens and documents describe it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Check = Callable[[Any], Any]


SCHEMAS: Mapping[str, dict[str, Any]] = {
    "email": {"format": "email", "examples": ["ann@example.com"]},
    "url": {"format": "uri", "examples": ["https://example.com"]},
    "phone": {"examples": ["+48 22 123 45 67"]},
    "tax_number": {"examples": ["PL 526-025-02-74"]},
    "country": {"examples": ["PL"], "minLength": 2, "maxLength": 2},
    "currency": {"examples": ["EUR"], "minLength": 3, "maxLength": 3},
    "time_zone": {"examples": ["Europe/Warsaw"]},
    "wall_time": {"examples": ["2026-11-23T09:00"]},
}
"""What a JSON schema says about a kind."""


@dataclass(frozen=True)
class Option:
    """One value of a picklist; `value` is stored and sent, `label` is shown."""

    value: str
    label: str


@dataclass(frozen=True)
class Kind:
    """Annotation of a field: `name: Annotated[str, text("Name", help="…")]`.

    `parse` runs on the raw value before pydantic's own conversion, `check` on the converted one; both return the value
    to go on with and refuse by `refuse(code, sentence)`.
    """

    name: str
    label: str
    help: str
    max_length: int | None = None
    min_length: int | None = None
    options: tuple[Option, ...] = ()
    open_set: bool = False
    reference: str | None = None
    parse: Check | None = None
    check: Check | None = None
    schema: tuple[tuple[str, Any], ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source)
        nullable = inner["type"] == "nullable"
        checked = core_schema.no_info_after_validator_function(self._after, inner)
        return core_schema.no_info_before_validator_function(self._before(nullable), checked)

    def _before(self, nullable: bool) -> Check:
        def prepare(value: Any) -> Any:
            if isinstance(value, str):
                value = clean(value)
                if not value and nullable:
                    return None
            if value is None:
                return None
            return self.parse(value) if self.parse else value

        return prepare

    def _after(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, str):
            self._check_length(value)
        if self.options and not self.open_set:
            self._check_options(value)
        return self.check(value) if self.check else value

    def _check_length(self, value: str) -> None:
        if len(value) < (self.min_length or 0):
            refuse(
                "required" if not value else "too_short", f"{self.label} needs at least {self.min_length} characters"
            )
        if self.max_length is not None and len(value) > self.max_length:
            refuse("too_long", f"{self.label} may have {self.max_length} characters, this has {len(value)}")

    def _check_options(self, value: Any) -> None:
        known = {option.value for option in self.options}
        for each in value if isinstance(value, list) else [value]:
            if each not in known:
                refuse("not_an_option", f"{self.label} is one of: {', '.join(sorted(known))}")

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler(schema)
        # Of an optional field the value's own schema stands beside {"type": "null"}.
        value = found["anyOf"][0] if "anyOf" in found else found
        found.update({"title": self.label, "description": self.help})
        value.update({**SCHEMAS.get(self.name, {}), **dict(self.schema), **self._limits(value)})
        return found

    def _limits(self, value: JsonSchemaValue) -> dict[str, Any]:
        known = [option.value for option in self.options]
        if value.get("type") == "array":
            return {"items": {**value["items"], "enum": known}} if known and not self.open_set else {}
        limits = {"maxLength": self.max_length, "minLength": self.min_length, "enum": None if self.open_set else known}
        return {name: limit for name, limit in limits.items() if limit}

    def described(self) -> dict[str, Any]:
        """Its part of /meta that does not depend on where it is used."""
        return {
            "label": self.label,
            "help": self.help,
            "kind": self.name,
            "max_length": self.max_length,
            "options": [{"value": option.value, "label": option.label} for option in self.options],
            "open_set": self.open_set,
            "reference": self.reference,
        }


def refuse(code: str, sentence: str) -> None:
    """Raises the validation error with a stable code; the sentence is for people."""
    raise PydanticCustomError(code, sentence.replace("{", "(").replace("}", ")") + ".")


def clean(value: str) -> str:
    """Without surrounding blanks; NUL and other control characters cannot be typed and are refused."""
    if "\0" in value:
        refuse("control_character", "NUL characters are not text")
    return value.strip()


def options_of(options: Sequence[str | tuple[str, str]] | Mapping[str, str]) -> tuple[Option, ...]:
    """From `["a"]`, `[("a", "Label")]` or `{"a": "Label"}`; a missing label is made from the value."""
    pairs = options.items() if isinstance(options, Mapping) else options
    return tuple(_option(pair) for pair in pairs)


def _option(pair: str | tuple[str, str]) -> Option:
    if isinstance(pair, str):
        return Option(str(pair), str(pair).replace("_", " ").capitalize())
    return Option(*pair)
