"""The published form of the log, for machines: `python -m services.eventlog.schema --write|--check`.

`schema.json` beside this file is the JSON schema of a page as the code has it now. `--check` fails when it is stale,
and when it breaks a promise made by the published one: every page ever written stays readable, with its old meaning.
A release publishes by copying `schema.json` over the published file.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from services.eventlog.page import Page

CURRENT = Path(__file__).with_name("schema.json")
PUBLISHED = Path(__file__).parents[2] / "tests" / "eventlog" / "golden" / "schema-published.json"
COMPARED_ELSEWHERE = {
    "$ref", "$defs", "title", "description", "default", "discriminator", "required",
    "properties", "anyOf", "enum", "items", "prefixItems", "additionalProperties",
}  # fmt: skip

Schema = dict[str, Any]


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Why pages written under `old` would be unreadable, or mean something else, under `new`. Empty if they are not."""
    return list(_Comparison(old, new).compare(old, new, "page"))


class _Comparison:
    """Walks two schemas together. Types may be renamed: only what is on the wire counts."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old_types = old.get("$defs", {})
        self._new_types = new.get("$defs", {})

    def compare(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        old, new = _resolve(old, self._old_types), _resolve(new, self._new_types)
        if "discriminator" in old:
            yield from self._tags(old, new, path)
        elif "anyOf" in old or "anyOf" in new:
            yield from self._alternatives(old, new, path)
        else:
            yield from self._plain(old, new, path)
            yield from self._fields(old, new, path)
            yield from self._elements(old, new, path)

    def _tags(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old["discriminator"], new.get("discriminator", {})
        if before["propertyName"] != after.get("propertyName"):
            yield f"{path}: events are no longer told apart by {before['propertyName']!r}"
            return
        for tag, reference in before["mapping"].items():
            if tag not in after["mapping"]:
                yield f"{path}: event {tag!r} was removed or renamed"
            else:
                yield from self.compare({"$ref": reference}, {"$ref": after["mapping"][tag]}, tag)

    def _alternatives(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        """Each old alternative must be readable as some new one; if none fits, the nearest says why."""
        for before in old.get("anyOf", [old]):
            fits = [list(self.compare(before, after, path)) for after in new.get("anyOf", [new])]
            yield from min(fits, key=len)

    def _plain(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        keys = (old.keys() | new.keys()) - COMPARED_ELSEWHERE
        if any(old.get(key) != new.get(key) for key in keys):
            yield f"{path}: type changed from {_type(old)} to {_type(new)}"
        for value in old.get("enum", ()):
            if "enum" in new and value not in new["enum"]:
                yield f"{path}: value {value!r} was removed or renamed"

    def _fields(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for field in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
            yield f"{path}.{field}: older pages do not have it, and it is required"
        for field, schema in before.items():
            if field not in after:
                yield f"{path}.{field}: removed or renamed"
                continue
            if "default" in schema and schema["default"] != after[field].get("default"):
                yield f"{path}.{field}: default changed, so older pages that omit it would mean something else"
            yield from self.compare(schema, after[field], f"{path}.{field}")

    def _elements(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        if len(old.get("prefixItems", ())) != len(new.get("prefixItems", ())):
            yield f"{path}: number of elements changed"
            return
        pairs = [*zip(old.get("prefixItems", ()), new.get("prefixItems", ()), strict=True)]
        pairs += [(old[key], new.get(key)) for key in ("items", "additionalProperties") if key in old]
        for before, after in pairs:
            if isinstance(before, dict) and isinstance(after, dict):
                yield from self.compare(before, after, f"{path}[]")
            elif before != after:
                yield f"{path}: elements changed"


def _resolve(schema: Schema, types: Schema) -> Schema:
    while "$ref" in schema:
        schema = types[schema["$ref"].rpartition("/")[2]]
    return schema


def _type(schema: Schema) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(alternative) for alternative in schema["anyOf"])
    return str(schema.get("type") or schema.get("$ref", "").rpartition("/")[2] or schema.get("enum"))


def current() -> Schema:
    """The schema of a page as the code has it, in plain JSON values."""
    schema: Schema = json.loads(json.dumps(msgspec.json.schema(Page)))
    return schema


def text(schema: Schema) -> str:
    """A schema as it is committed."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def problems() -> list[str]:
    """What is wrong with the committed schema: stale, or breaking what is published."""
    found = breaking_changes(json.loads(PUBLISHED.read_text()), current())
    if not CURRENT.exists() or CURRENT.read_text() != text(current()):
        found.append(f"{CURRENT.name} is stale: run `make schema` and commit it")
    return found


def main() -> int:
    """Exit status 1 if `--check` finds a problem."""
    parser = argparse.ArgumentParser(prog="python -m services.eventlog.schema", description="The form of the log.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write schema.json as the code has it")
    action.add_argument("--check", action="store_true", help="fail if schema.json is stale or breaks the published one")
    if parser.parse_args().write:
        CURRENT.write_text(text(current()))
        return 0
    found = problems()
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
