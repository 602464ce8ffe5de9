"""What is committed is what the contracts say, and the examples keep to it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contracts.asyncapi import document
from contracts.catalogue import TOPICS, event_class, parse, topic_named
from contracts.envelope import decode
from contracts.examples import examples
from contracts.jsonschema import closed, schemas
from contracts.schemas import generated, main, release, stale, write

SCHEMAS = schemas()
EXAMPLES = dict(examples())


def test_the_committed_files_are_up_to_date() -> None:
    assert stale(generated()) == []


def test_another_process_generates_the_same() -> None:
    # Other hash seeds, other order of sets: nothing of that may show.
    command = [sys.executable, "-m", "contracts.schemas", "check"]
    done = subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": "7"}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stale_a_missing_and_a_left_over_file_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contracts.schemas.CONTRACTS", tmp_path)
    (tmp_path / "schemas").mkdir()
    old, gone, kept = (tmp_path / "schemas" / f"{name}.json" for name in ("old", "gone", "kept"))
    for path in (old, kept):
        path.write_text("before")
    files = {gone: "new", kept: "before"}
    assert stale(files) == [gone, old]
    write(files)
    assert stale(files) == [] and not old.exists() and gone.read_text() == "new"


def test_the_command_says_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "write | check | release" in capsys.readouterr().err


def test_a_release_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contracts.schemas.CONTRACTS", tmp_path)
    folder = release("9.9.9")
    assert {path.stem for path in folder.glob("schemas/*.json")} == set(SCHEMAS)
    with pytest.raises(FileExistsError):
        release("9.9.9")


def test_every_type_has_a_schema_and_an_example() -> None:
    types = {event.TYPE for topic in TOPICS for event in topic.events}
    states = {topic.state_type for topic in TOPICS if topic.has_state}
    assert set(SCHEMAS) == set(EXAMPLES) == types | states


@pytest.mark.parametrize("type_", SCHEMAS)
def test_a_schema_says_whose_it_is(type_: str) -> None:
    schema = SCHEMAS[type_]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].startswith(f"urn:meridian:schema:{type_}.")
    assert schema["title"] == type_ and schema["description"]
    assert schema["x-owner"] and schema["x-topic"] and schema["x-classification"]


def test_the_schemas_are_json_schema() -> None:
    # One of each topic: the others differ from it in their names only, and checking takes long.
    for schema in {schema["x-topic"]: schema for schema in SCHEMAS.values()}.values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("type_", SCHEMAS)
def test_money_is_text_with_a_currency_and_a_moment_is_utc(type_: str) -> None:
    for name, field in fields(SCHEMAS[type_]):
        if name.endswith(".amount"):
            assert field["type"] == "string" and SCHEMAS[type_]["$defs"][name.split(".")[0]]["properties"]["currency"]
        if name.endswith("_at"):
            assert "date-time" in json.dumps(field), name


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in {"": schema, **schema.get("$defs", {})}.items():
        for field, definition in part.get("properties", {}).items():
            yield f"{name}.{field}", definition


@pytest.mark.parametrize("type_", SCHEMAS)
def test_every_field_is_described(type_: str) -> None:
    unnamed = [name for name, field in fields(SCHEMAS[type_]) if not field.get("description") and "$ref" not in field]
    assert unnamed == []


@pytest.mark.parametrize("type_", SCHEMAS)
def test_an_open_set_lists_its_values_but_allows_others(type_: str) -> None:
    closed_sets = [name for name, field in fields(SCHEMAS[type_]) if "enum" in field or "const" in field]
    assert closed_sets == []


@pytest.mark.parametrize("type_", EXAMPLES)
def test_an_example_keeps_to_its_schema_as_readers_and_as_the_producer_see_it(type_: str) -> None:
    data = EXAMPLES[type_]["data"]
    for schema in (SCHEMAS[type_], closed(SCHEMAS[type_])):
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(data)


@pytest.mark.parametrize("type_", EXAMPLES)
def test_the_closed_schema_refuses_an_invented_field(type_: str) -> None:
    data = EXAMPLES[type_]["data"] | {"invented": 1}
    assert Draft202012Validator(SCHEMAS[type_]).is_valid(data)
    assert not Draft202012Validator(closed(SCHEMAS[type_])).is_valid(data)


@pytest.mark.parametrize("type_", EXAMPLES)
def test_an_example_is_a_record_that_consumers_can_read(type_: str) -> None:
    record = EXAMPLES[type_]
    payload = json.dumps(record["data"]).encode()
    envelope, data = decode([(name, value.encode()) for name, value in record["headers"].items()], payload)
    assert (envelope.type, envelope.subject, data) == (type_, record["key"], payload)
    if event_class(type_):
        event = parse(type_, payload)
        assert event is not None and event.model_dump(mode="json") == record["data"]
    else:
        topic = topic_named(record["topic"].removesuffix(".state"))
        assert topic.state_model.model_validate_json(payload).version == envelope.sequence


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    if isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    whole = document("0.1.0")
    for reference in set(references(whole)):
        target: Any = whole
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_the_asyncapi_document_has_every_topic_and_type() -> None:
    whole = document("0.1.0")
    names = {topic.name for topic in TOPICS} | {topic.state_name for topic in TOPICS if topic.has_state}
    assert set(whole["channels"]) == names
    assert set(whole["components"]["messages"]) == set(SCHEMAS)
    assert whole["asyncapi"] == "3.0.0"
    sends = [operation for operation in whole["operations"].values() if operation["action"] == "send"]
    assert len(sends) == len(names)
