"""What a later release may send: a reader that takes all of these needs no change when it comes.

    for what, record in newer(json.loads(path.read_text()), schema):
        my_reader(record)

`record` is a golden example, `schema` the published JSON Schema of its type.
"""

import copy
from collections.abc import Iterator
from typing import Any

UNHEARD_OF = "unheard_of"
Record = dict[str, Any]
Schema = dict[str, Any]
Path = tuple[str | int, ...]


def newer(record: Record, schema: Schema) -> Iterator[tuple[str, Record]]:
    """(what is new, record): more fields everywhere, a new value in each open set, no field that may be missing."""
    yield "more fields", _with_more(record, schema)
    for path, node in _walk(record["data"], schema, schema):
        if "x-values" in node:
            yield f"new value of {'.'.join(map(str, path))}", _changed(record, path, UNHEARD_OF)
    yield "required fields only", _least(record, schema)


def _with_more(record: Record, schema: Schema) -> Record:
    headers = {"ce_inventedlater": "1", "ce_dataschema": record["headers"]["ce_dataschema"] + "9"}
    return {**record, "headers": record["headers"] | headers, "data": _more(record["data"], schema, schema)}


def _more(data: Any, node: Schema, root: Schema) -> Any:
    """Maps with names of their own (utm, previous) stay as they are: a name there is no field."""
    node = _resolved(data, node, root)
    if isinstance(data, list):
        return [_more(item, node.get("items", {}), root) for item in data]
    if not isinstance(data, dict) or "properties" not in node:
        return data
    known = {name: _more(value, node["properties"].get(name, {}), root) for name, value in data.items()}
    return known | {"invented_later": {"deep": [1, None]}}


def _changed(record: Record, path: Path, value: Any) -> Record:
    made = copy.deepcopy(record)
    place = made["data"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return made


def _walk(data: Any, node: Schema, root: Schema, path: Path = ()) -> Iterator[tuple[Path, Schema]]:
    """Every value of the data that is there, with its part of the schema."""
    node = _resolved(data, node, root)
    if isinstance(data, list):
        items = {**node.get("items", {}), **{name: node[name] for name in ("x-values",) if name in node}}
        for index, item in enumerate(data):
            yield from _walk(item, items, root, (*path, index))
    elif isinstance(data, dict):
        for name, part in node.get("properties", {}).items():
            if data.get(name) is not None:
                yield from _walk(data[name], part, root, (*path, name))
    elif path:
        yield path, node


def _resolved(data: Any, node: Schema, root: Schema) -> Schema:
    """Follows references, and in `anyOf` the branch of what is there; what stands beside them stays."""
    found = dict(node)
    while "$ref" in found or "anyOf" in found:
        if "$ref" in found:
            found |= root["$defs"][found.pop("$ref").rpartition("/")[2]]
        else:
            branches = [branch for branch in found.pop("anyOf") if branch.get("type") != "null"]
            found |= branches[0] if data is not None and branches else {}
    return found


def _least(record: Record, schema: Schema) -> Record:
    made = copy.deepcopy(record)
    made["data"] = _required(made["data"], schema, schema)
    return made


def _required(data: Any, node: Schema, root: Schema) -> Any:
    node = _resolved(data, node, root)
    if isinstance(data, list):
        return [_required(item, node.get("items", {}), root) for item in data]
    if not isinstance(data, dict) or "properties" not in node:
        return data
    kept = [name for name in data if name in node.get("required", ())]
    return {name: _required(data[name], node["properties"][name], root) for name in kept}
