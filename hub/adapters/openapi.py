"""The part of an OpenAPI 3 document that the hub reads: paths, methods and the shapes of request bodies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hub.adapters.shape import Part, Shape
from hub.adapters.soap import ContractUnreadable

_PLACE = re.compile(r"\{[^{}]*\}")


class RestContract:
    """One OpenAPI document, JSON or YAML, read once. Only references inside the document are followed."""

    def __init__(self, path: Path) -> None:
        """Raises ContractUnreadable."""
        try:
            document = YAML(typ="safe", pure=False).load(path.read_text(encoding="utf-8"))
        except OSError as wrong:
            raise ContractUnreadable(f"cannot read {path.name}: {wrong.strerror}") from wrong
        except (YAMLError, UnicodeDecodeError) as wrong:
            raise ContractUnreadable(f"{path.name} is neither YAML nor JSON: {wrong}") from wrong
        # A number where the version stands without quotes: `openapi: 3.0`.
        version = str(document.get("openapi")) if isinstance(document, dict) else ""
        if not version.startswith("3."):
            raise ContractUnreadable(
                f"{path.name} is not an OpenAPI 3 document: it does not begin with `openapi: 3...`"
            )
        if not isinstance(document.get("paths"), dict):
            raise ContractUnreadable(f"{path.name} is not an OpenAPI document: it has no paths")
        self._document: dict[str, Any] = document

    def operations(self) -> Iterator[tuple[str, str]]:
        """Method and path of every operation."""
        for path, item in self._document["paths"].items():
            for method in ("get", "put", "post", "delete", "patch"):
                if method in item:
                    yield method.upper(), path

    def find(self, method: str, path: str) -> Mapping[str, Any]:
        """
        The operation behind a method and a path as a mapping writes it: what stands in braces is filled in.

        Raises LookupError, with what there is to choose from.
        """
        wanted = _PLACE.sub("{}", path.split("?")[0])
        for known_method, known_path in self.operations():
            if known_method == method and _PLACE.sub("{}", known_path) == wanted:
                operation: Mapping[str, Any] = self._document["paths"][known_path][method.lower()]
                return operation
        known = ", ".join(f"{m} {p}" for m, p in self.operations())
        raise LookupError(f"the contract has {known or 'no operation'}")

    def request_shape(self, operation: Mapping[str, Any]) -> Shape | None:
        """What the JSON body of a request must look like; None where the contract does not say."""
        body = self._resolve(operation.get("requestBody", {}))
        schema = body.get("content", {}).get("application/json", {}).get("schema")
        return None if schema is None else self.shape(schema)

    def reply_shapes(self, operation: Mapping[str, Any]) -> list[Shape | None]:
        """The shapes of the JSON bodies of good answers, where the contract tells them."""
        shapes = []
        for status, response in operation.get("responses", {}).items():
            if str(status).startswith("2"):
                content = self._resolve(response).get("content", {})
                schema = content.get("application/json", {}).get("schema")
                if schema is not None:
                    shapes.append(self.shape(schema))
        return shapes

    def body_required(self, operation: Mapping[str, Any]) -> bool:
        return bool(self._resolve(operation.get("requestBody", {})).get("required"))

    def required_parameters(self, operation: Mapping[str, Any], where: str) -> list[str]:
        """Names of the required parameters in `query` or `header`."""
        parameters = map(self._resolve, operation.get("parameters", ()))
        return [p["name"] for p in parameters if p.get("in") == where and p.get("required")]

    def shape(self, schema: Any) -> Shape | None:
        """The members of a schema; None for a single value."""
        schema = self._resolve(schema)
        parts: dict[str, Part] = {}
        is_object = schema.get("type") in ("object", ["object", "null"]) or "properties" in schema
        is_open = schema.get("additionalProperties", True) is not False
        for piece in schema.get("allOf", ()):
            inner = self.shape(piece)
            if inner is not None:
                parts.update(inner.parts)
                is_object = True
        if schema.get("type") in ("array", ["array", "null"]):
            return self.shape(schema.get("items", {}))
        if not is_object:
            # Alternatives are for the agency to judge; here anything may stand.
            alternatives = "oneOf" in schema or "anyOf" in schema or not schema.get("type")
            return Shape({}, open=True) if alternatives and "enum" not in schema else None
        required = set(schema.get("required", ()))
        for name, member in schema.get("properties", {}).items():
            parts[name] = self._part(name, member, name in required)
        for name in required & parts.keys():
            parts[name] = _required(parts[name])
        return Shape(parts, is_open)

    def _part(self, name: str, member: Any, required: bool) -> Part:
        member = self._resolve(member)
        kind = member.get("type")
        kinds = kind if isinstance(kind, list) else [kind]
        return Part(
            name=name,
            required=required,
            many="array" in kinds,
            text="string" in kinds and _may_be_empty(member),
            shape=lambda: self.shape(member),
            sample=True if "boolean" in kinds else 1 if "integer" in kinds else "1",
        )

    def _resolve(self, schema: Any) -> Any:
        seen = 0
        while isinstance(schema, dict) and "$ref" in schema:
            reference = schema["$ref"]
            seen += 1
            if not reference.startswith("#/") or seen > 32:
                raise ContractUnreadable(f"reference {reference} is not inside the document")
            target: Any = self._document
            for step in reference[2:].split("/"):
                step = step.replace("~1", "/").replace("~0", "~")
                if not isinstance(target, dict) or step not in target:
                    raise ContractUnreadable(f"reference {reference} leads nowhere")
                target = target[step]
            schema = target
        return schema


def _may_be_empty(member: Mapping[str, Any]) -> bool:
    pattern = member.get("pattern")
    return (
        not member.get("minLength")
        and "enum" not in member
        and (pattern is None or re.search(pattern, "") is not None)
    )


def _required(part: Part) -> Part:
    return replace(part, required=True)
