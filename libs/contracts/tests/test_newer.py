"""I21, the half of the contracts: what later releases may send is read today, and by the package of yesterday."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.catalogue import event_class, parse
from contracts.envelope import decode
from contracts.examples import examples
from contracts.jsonschema import schemas
from contracts.newer import UNHEARD_OF, newer
from contracts.schemas import CONTRACTS, SUMS, sums

RELEASES = sorted(path.name for path in (CONTRACTS / "released").iterdir())
SCHEMAS = schemas()
EXAMPLES = dict(examples())
# Today's contracts, then all that comes with the next release.
SENT = [
    (type_, what, record)
    for type_, example in EXAMPLES.items()
    for what, record in [("as it is", example), *newer(example, SCHEMAS[type_])]
]
# A program that has the package of a release and nothing of today's: one record per line in, what it understood out.
YESTERDAY = """
import json, sys
sys.path.insert(0, sys.argv[1])
import contracts
assert contracts.__file__.startswith(sys.argv[1]), contracts.__file__
from contracts.catalogue import TOPICS, parse
from contracts.envelope import decode
states = {topic.state_type: topic.state_model for topic in TOPICS if topic.has_state}
for line in sys.stdin:
    record = json.loads(line)
    payload = json.dumps(record["data"]).encode()
    envelope, data = decode([(name, value.encode()) for name, value in record["headers"].items()], payload)
    model = states.get(envelope.type)
    event = model.model_validate_json(data) if model else parse(envelope.type, data)
    print(json.dumps(event.model_dump(mode="json") if event else None))
"""


def read(record: dict[str, Any]) -> Any:
    payload = json.dumps(record["data"]).encode()
    envelope, data = decode([(name, value.encode()) for name, value in record["headers"].items()], payload)
    return parse(envelope.type, data or b"")


@pytest.mark.parametrize("type_", EXAMPLES)
def test_what_a_later_release_may_send_is_read_today(type_: str) -> None:
    for what, record in newer(EXAMPLES[type_], SCHEMAS[type_]):
        if event_class(type_):
            assert read(record) is not None, what
        if what.startswith("new value"):
            assert UNHEARD_OF in json.dumps(record["data"])
            assert not event_class(type_) or UNHEARD_OF in read(record).model_dump_json(), "kept as it came"


def test_there_is_something_new_in_every_type() -> None:
    kinds = [what for _, what, _ in SENT]
    assert kinds.count("more fields") == kinds.count("required fields only") == len(EXAMPLES)
    tried = {type_ for type_, what, _ in SENT if what.startswith("new value")}
    assert {type_ for type_, schema in SCHEMAS.items() if "x-values" in json.dumps(schema)} == tried


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_is_kept_with_its_package(release: str) -> None:
    folder = CONTRACTS / "released" / release
    [wheel] = folder.glob("*.whl")
    assert (folder / SUMS).read_text("utf-8") == sums(folder), "a released file was edited, added or removed"
    assert wheel.name == f"crm_contracts-{release}-py3-none-any.whl"
    assert zipfile.ZipFile(wheel).testzip() is None
    assert {path.stem for path in (folder / "schemas").iterdir()} == {
        path.stem for path in (folder / "examples").iterdir()
    }


@pytest.mark.parametrize("release", RELEASES)
def test_the_package_of_a_release_reads_what_is_sent_today_and_later(release: str) -> None:
    [wheel] = (CONTRACTS / "released" / release).glob("*.whl")
    lines = "\n".join(json.dumps(record) for _, _, record in SENT)
    command = [sys.executable, "-I", "-c", YESTERDAY, str(wheel)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    understood = [json.loads(line) for line in done.stdout.splitlines()]
    released = {path.stem for path in (CONTRACTS / "released" / release / "schemas").iterdir()}
    for (type_, what, record), found in zip(SENT, understood, strict=True):
        assert (found is not None) == (type_ in released), (type_, what)
        if found is not None:
            assert list(differences(found, record["data"])) == [], (type_, what)


def differences(found: Any, sent: Any, where: str = "") -> Iterator[str]:
    """What the reader has otherwise than it was sent; fields that were not sent have their defaults."""
    if isinstance(found, dict) and isinstance(sent, dict):
        for name in found.keys() & sent.keys():
            yield from differences(found[name], sent[name], f"{where}.{name}")
    elif isinstance(found, list) and isinstance(sent, list):
        for index, (one, other) in enumerate(zip(found, sent, strict=True)):
            yield from differences(one, other, f"{where}[{index}]")
    elif found != sent:
        yield f"{where}: {found!r} for {sent!r}"


def test_a_difference_would_be_found() -> None:
    assert list(differences({"a": [{"b": 1}], "c": 2}, {"a": [{"b": 2}]})) == [".a[0].b: 1 for 2"]
