"""Readers of every release can read today's events, and today's readers every event ever released."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsoncompat
import pytest

from contracts.catalogue import event_class, parse
from contracts.jsonschema import closed, schemas
from contracts.schemas import CONTRACTS, VERSION

Schema = dict[str, Any]
RELEASES = sorted((CONTRACTS / "released").iterdir())
SCHEMAS = schemas()
RELEASED = [(path.parts[-3], path) for release in RELEASES for path in sorted((release / "schemas").glob("*.json"))]


def compared(schema: Schema) -> str:
    """The checker takes local references only, so a schema's own name must go."""
    return json.dumps({name: value for name, value in schema.items() if name not in ("$id", "$schema")})


def problems(old: Schema, new: Schema) -> list[str]:
    found = [f"{name} was removed" for name in sorted(set(properties(old)) - set(properties(new)))]
    if not jsoncompat.check_compat(compared(old), compared(closed(new)), "serializer"):
        found.append("readers of the old release refuse new events")
    if not jsoncompat.check_compat(compared(closed(old)), compared(new), "deserializer"):
        found.append("today's readers refuse old events")
    return found


def properties(schema: Schema) -> Iterator[str]:
    for name, part in {"": schema, **schema.get("$defs", {})}.items():
        yield from (f"{name}.{field}" for field in part.get("properties", {}))


def values(schema: Schema) -> dict[str, set[str]]:
    return {
        f"{name}.{field}": set(definition["x-values"])
        for name, part in {"": schema, **schema.get("$defs", {})}.items()
        for field, definition in part.get("properties", {}).items()
        if "x-values" in definition
    }


def without_words(schema: Any) -> Any:
    """The schema without what a reader's program does not see."""
    if isinstance(schema, dict):
        return {
            name: without_words(value)
            for name, value in schema.items()
            if name not in ("description", "title", "$id") and not name.startswith("x-")
        }
    return [without_words(value) for value in schema] if isinstance(schema, list) else schema


def test_something_was_released() -> None:
    assert VERSION in [release.name for release in RELEASES]


@pytest.mark.parametrize(("release", "path"), RELEASED, ids=lambda value: getattr(value, "stem", value))
def test_a_released_type_is_still_compatible(release: str, path: Path) -> None:
    assert path.stem in SCHEMAS, f"{path.stem} was released in {release} and is gone"
    old = json.loads(path.read_text("utf-8"))
    assert problems(old, SCHEMAS[path.stem]) == []
    today = values(SCHEMAS[path.stem])
    assert all(known <= today[field] for field, known in values(old).items()), "a documented value is gone"


@pytest.mark.parametrize(("release", "path"), RELEASED, ids=lambda value: getattr(value, "stem", value))
def test_a_changed_schema_has_a_new_minor_version(release: str, path: Path) -> None:
    old, new = json.loads(path.read_text("utf-8")), SCHEMAS[path.stem]
    if old["$id"] == new["$id"]:
        assert without_words(old) == without_words(new)


@pytest.mark.parametrize(
    "path",
    [path for release in RELEASES for path in sorted((release / "examples").glob("*.json"))],
    ids=lambda path: f"{path.parts[-3]}-{path.stem}",
)
def test_an_event_ever_released_is_read_today(path: Path) -> None:
    record = json.loads(path.read_text("utf-8"))
    if event_class(path.stem):
        assert parse(path.stem, json.dumps(record["data"]).encode()) is not None


OLD: Schema = {
    "type": "object",
    "required": ["id", "kind"],
    "properties": {
        "id": {"type": "string"},
        "kind": {"type": "string"},
        "size": {"type": "integer"},
        "address": {"anyOf": [{"$ref": "#/$defs/Address"}, {"type": "null"}]},
    },
    "$defs": {"Address": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


def changed(change: Callable[[Schema], object]) -> Schema:
    schema = copy.deepcopy(OLD)
    change(schema)
    return schema


@pytest.mark.parametrize(
    ("case", "change", "is_compatible"),
    [
        ("nothing", lambda schema: None, True),
        ("optional field added", lambda schema: schema["properties"].update(note={"type": "string"}), True),
        (
            "optional field added deep inside",
            lambda schema: schema["$defs"]["Address"]["properties"].update(street={"type": "string"}),
            True,
        ),
        ("field removed", lambda schema: schema["properties"].pop("size"), False),
        ("type changed", lambda schema: schema["properties"].update(size={"type": "string"}), False),
        ("optional field made required", lambda schema: schema["required"].append("size"), False),
        ("required field made optional", lambda schema: schema["required"].remove("kind"), False),
        ("open set closed", lambda schema: schema["properties"].update(kind={"enum": ["a", "b"]}), False),
        ("number narrowed", lambda schema: schema["properties"]["size"].update(maximum=10), False),
        ("number widened", lambda schema: schema["properties"].update(size={"type": "number"}), False),
        ("null allowed", lambda schema: schema["properties"].update(size={"type": ["integer", "null"]}), False),
        (
            "renamed deep inside",
            lambda schema: schema["$defs"]["Address"].update(properties={"town": {"type": "string"}}),
            False,
        ),
    ],
)
def test_the_check_gives_the_known_answers(case: str, change: Callable[[Schema], object], is_compatible: bool) -> None:
    assert (problems(OLD, changed(change)) == []) is is_compatible
