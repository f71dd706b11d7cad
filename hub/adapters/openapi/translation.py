"""
Schemas of a contract as JSON Schema 2020-12, so that one library can validate by all of them.

OpenAPI 3.1 uses that dialect as it stands; 3.0 and Swagger 2.0 have words of their own (`nullable`, a boolean
`exclusiveMinimum`, `discriminator`). What is translated stands for itself: every schema it refers to is
copied into its `$defs`.

Where published contracts mean something else than they say, the meaning is taken:

- a member that is read-only is not required of a request;
- `oneOf` is taken as `anyOf`: alternatives that overlap are an oversight of the contract, and no reason for
  an agency to turn a request down; with a `discriminator` only the alternative that it names counts;
- a closed schema (`additionalProperties: false`) inside or beside `allOf` closes the whole, since taken by
  the word it would let nothing through;
- a pattern that is not one of Python's is not checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub.adapters.openapi.document import Documents, Node
from hub.adapters.openapi.schema import is_read_only
from hub.adapters.soap import ContractUnreadable

# Keywords taken over as they stand.
_PLAIN = (
    "maximum",
    "minimum",
    "multipleOf",
    "maxLength",
    "minLength",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "format",
    "dependentRequired",
    "minContains",
    "maxContains",
)
_ONE = ("not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems")
_MANY = ("allOf", "anyOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas")


class Translation:
    """The translation of one schema and of all it refers to."""

    def __init__(self, documents: Documents, warn: Callable[[str], None]) -> None:
        self._documents = documents
        self._warn = warn
        self._names: dict[tuple[Path, str, bool], str] = {}
        self._waiting: list[tuple[Node, bool, str]] = []

    def translate(self, schema: Node) -> dict[str, Any]:
        """JSON Schema that stands for itself. Raises ContractUnreadable."""
        whole = self._schema(schema, False)
        root: dict[str, Any] = whole if isinstance(whole, dict) else {"not": {}} if whole is False else {}
        defs: dict[str, Any] = {}
        while self._waiting:
            node, opened, name = self._waiting.pop()
            defs[name] = self._schema(node, opened)
        return {**root, "$defs": defs}

    def _schema(self, node: Node, opened: bool) -> Any:
        value = node.value
        if not isinstance(value, dict):
            return value if isinstance(value, bool) else {}
        if isinstance(value.get("$ref"), str):
            target = self._reference(node, opened)
            beside = Node(node.document, {k: v for k, v in value.items() if k != "$ref"}, node.pointer)
            extra = self._keywords(beside, opened)
            if _nullable(value):
                return {"anyOf": [{"$ref": target}, {"type": "null"}]}
            return {"allOf": [{"$ref": target}, extra]} if extra else {"$ref": target}
        return self._keywords(node, opened)

    def _reference(self, node: Node, opened: bool) -> str:
        target = self._documents.follow(node.document, node.value["$ref"])
        key = (*target.key, opened)
        if key not in self._names:
            self._names[key] = f"{len(self._names)}"
            self._waiting.append((target, opened, self._names[key]))
        return f"#/$defs/{self._names[key]}"

    def _keywords(self, node: Node, opened: bool) -> dict[str, Any]:
        value = node.value
        made: dict[str, Any] = {name: value[name] for name in _PLAIN if value.get(name) is not None}
        for name in _ONE:
            if name in value:
                made[name] = self._schema(node.child(name), False)
        for name in _NAMED:
            if isinstance(value.get(name), dict):
                made[name] = {key: self._schema(one, False) for key, one in node.child(name).children()}
        made |= self._list(node) | self._limits(node) | self._pattern(node)
        made |= self._pieces(node, opened)
        if isinstance(value.get("required"), list):
            required = [
                name
                for name in value["required"]
                if isinstance(name, str) and not self._is_read_only(node, name)
            ]
            if required:
                made["required"] = required
        return self._typed(value, made)

    def _is_read_only(self, node: Node, name: str) -> bool:
        member = node.child("properties", name)
        return member.value is not None and is_read_only(self._documents, member)

    def _list(self, node: Node) -> dict[str, Any]:
        items = node.child("items")
        if isinstance(items.value, list):  # a tuple, before JSON Schema 2020-12
            return {"prefixItems": [self._schema(one, False) for one in items.elements()]}
        return {} if items.value is None else {"items": self._schema(items, False)}

    @staticmethod
    def _limits(node: Node) -> dict[str, Any]:
        limits: dict[str, Any] = {}
        for name, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            held = node.get(name)
            if held is True:
                limits[name] = node.get(inclusive)
            elif isinstance(held, int | float) and not isinstance(held, bool):
                limits[name] = held
        return {name: held for name, held in limits.items() if held is not None}

    def _pattern(self, node: Node) -> dict[str, Any]:
        pattern = node.get("pattern")
        if not isinstance(pattern, str):
            return {}
        try:
            re.compile(pattern)
        except re.error as wrong:
            self._warn(f"the pattern {pattern} of {node.pointer} is not checked: {wrong}")
            return {}
        return {"pattern": pattern}

    def _pieces(self, node: Node, opened: bool) -> dict[str, Any]:
        """allOf, anyOf, oneOf, and whether further members may stand beside."""
        made: dict[str, Any] = {}
        closed = node.get("additionalProperties") is False or node.get("unevaluatedProperties") is False
        combined = isinstance(node.get("allOf"), list)
        if combined and not closed:
            closed = any(self._is_closed(piece, 0) for piece in node.child("allOf").elements())
        for name in _MANY:
            pieces = [
                self._schema(one, opened or (combined and closed)) for one in node.child(name).elements()
            ]
            if pieces:
                made[name] = pieces
        alternatives = self._alternatives(node, opened or (combined and closed))
        if alternatives:
            made.setdefault("allOf", []).append(alternatives)
        if closed:
            if not opened:
                whole = combined or bool({"anyOf", "oneOf", "if", "$ref"} & node.value.keys())
                made["unevaluatedProperties" if whole else "additionalProperties"] = False
        elif "additionalProperties" in node.value:
            made["additionalProperties"] = self._schema(node.child("additionalProperties"), False)
        return made

    def _is_closed(self, node: Node, depth: int) -> bool:
        node = self._documents.resolve(node)
        if node.get("additionalProperties") is False:
            return True
        return depth < 8 and any(
            self._is_closed(piece, depth + 1) for piece in node.child("allOf").elements()
        )

    def _alternatives(self, node: Node, opened: bool) -> dict[str, Any]:
        branches = list(node.child("oneOf").elements())
        word = node.child("discriminator")
        name = word.get("propertyName") if isinstance(word.value, dict) else None
        if isinstance(name, str):
            named = self._named(word, branches or list(node.child("anyOf").elements()))
            if named is not None:
                return {
                    "required": [name],
                    "properties": {name: {"enum": list(named)}},
                    "allOf": [
                        {
                            "if": {"properties": {name: {"const": one}}, "required": [name]},
                            "then": self._schema(branch, opened),
                        }
                        for one, branch in named.items()
                    ],
                }
        return {"anyOf": [self._schema(one, opened) for one in branches]} if branches else {}

    def _named(self, word: Node, branches: list[Node]) -> dict[str, Node] | None:
        """Alternatives by the words of a discriminator; None where one has no name."""
        mapping = word.get("mapping")
        told = {}
        for key, target in mapping.items() if isinstance(mapping, dict) else ():
            reference = str(target)
            if "/" not in reference and "#" not in reference:
                reference = f"#/components/schemas/{reference}"
            try:
                told[key] = self._documents.follow(word.document, reference).key
            except ContractUnreadable:
                continue
        named: dict[str, Node] = {}
        for branch in branches:
            reference = branch.get("$ref")
            if not isinstance(reference, str):
                return None
            target = self._documents.follow(branch.document, reference)
            words = [key for key, place in told.items() if place == target.key]
            for one in words or [reference.rpartition("/")[2]]:
                named[one] = branch
        return named or None

    @staticmethod
    def _typed(value: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
        kind, values = value.get("type"), value.get("enum")
        if kind == "file":  # Swagger 2.0
            kind = None
        if kind is not None:
            made["type"] = [one for one in kind if one != "file"] if isinstance(kind, list) else kind
        if isinstance(values, list):
            made["enum"] = values
        if "const" in value:
            made["const"] = value["const"]
        if not _nullable(value):
            return made
        if "type" in made and isinstance(made["type"], str):
            made["type"] = [made["type"], "null"]
        if "enum" in made and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
        structured = {"allOf", "anyOf"} & made.keys()
        return {"anyOf": [made, {"type": "null"}]} if structured else made


def _nullable(value: dict[str, Any]) -> bool:
    return value.get("nullable") is True or value.get("x-nullable") is True
