"""One operation of an OpenAPI document, whatever its version: parameters, bodies, answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hub.adapters.openapi.document import Documents, Node

METHODS = ("get", "put", "post", "delete", "patch")


class Form(StrEnum):
    """How a body is written; the first four are the values of the key `format`."""

    JSON = "json"
    XML = "xml"
    URLENCODED = "form"
    MULTIPART = "multipart"
    TEXT = "text"
    BYTES = "bytes"


def form_of(media_type: str) -> Form:
    """The form of a media type: `application/vnd.x+json; charset=utf-8` is JSON, and so is a wildcard."""
    name = media_type.partition(";")[0].strip().lower()
    kind, _, subtype = name.partition("/")
    if subtype == "json" or subtype.endswith("+json") or name in ("*/*", "application/*", "*"):
        return Form.JSON
    if subtype == "xml" or subtype.endswith("+xml"):
        return Form.XML
    if name == "application/x-www-form-urlencoded":
        return Form.URLENCODED
    if kind == "multipart":
        return Form.MULTIPART
    return Form.TEXT if kind == "text" else Form.BYTES


@dataclass(frozen=True)
class Parameter:
    """A parameter in `query`, `header`, `path` or `cookie`, and how lists and objects are written in it."""

    name: str
    where: str
    required: bool
    schema: Node | None
    style: str
    explode: bool
    allow_reserved: bool = False
    json: bool = False
    """It is described by `content`: a value is written as JSON text."""


@dataclass(frozen=True)
class Encoding:
    """How one member of a form or multipart body is written."""

    content_type: str | None = None
    style: str | None = None
    explode: bool = True
    allow_reserved: bool = False


@dataclass(frozen=True)
class Media:
    """A body in one media type."""

    type: str
    form: Form
    schema: Node | None
    encoding: Mapping[str, Encoding] = field(default_factory=dict)


@dataclass(frozen=True)
class RestOperation:
    """What the contract says about one method of one path."""

    method: str
    path: str
    raw: Mapping[str, Any]
    """As it is written in the document, for its words: `summary`, `operationId`, `security`."""
    parameters: tuple[Parameter, ...]
    bodies: tuple[Media, ...]
    """What a request may be written in, in the contract's order."""
    body_required: bool
    answers: Mapping[str, tuple[Media, ...]]
    """By status as it is written: `200`, `2XX`, `default`."""

    def required_parameters(self, where: str) -> list[str]:
        """Names of the required parameters in `query`, `header`, `path` or `cookie`."""
        return [p.name for p in self.parameters if p.where == where and p.required]

    def parameter(self, where: str, name: str) -> Parameter | None:
        """The parameter of that name; header names are compared as HTTP compares them."""
        for one in self.parameters:
            same = one.name.lower() == name.lower() if where == "header" else one.name == name
            if one.where == where and same:
                return one
        return None

    @property
    def good_answers(self) -> tuple[Media, ...]:
        """Bodies of answers that are no errors; `default` counts where nothing else is told."""
        good = [media for status, body in self.answers.items() if status.startswith("2") for media in body]
        if not any(status.startswith("2") for status in self.answers):
            good += self.answers.get("default", ())
        return tuple(good)


def read_operation(documents: Documents, item: Node, method: str, path: str) -> RestOperation:
    """An operation of OpenAPI 3. Raises ContractUnreadable."""
    node = item.child(method)
    body = documents.resolve(node.child("requestBody"))
    return RestOperation(
        method=method.upper(),
        path=path,
        raw=_mapping(node.value),
        parameters=tuple(_parameters(documents, item, node, _parameter)),
        bodies=tuple(_media(documents, body)),
        body_required=body.get("required") is True,
        answers={
            status: tuple(_media(documents, documents.resolve(answer)))
            for status, answer in node.child("responses").children()
        },
    )


def _parameters(documents: Documents, item: Node, operation: Node, read: Any) -> Iterator[Parameter]:
    found: dict[tuple[str, str], Parameter] = {}
    # Those of the operation come last, and replace those of the path (OpenAPI 3.1, 4.8.9.1).
    for holder in (item, operation):
        for element in holder.child("parameters").elements():
            parameter = read(documents, documents.resolve(element))
            if parameter is not None:
                found[parameter.where, parameter.name] = parameter
    yield from found.values()


def _parameter(documents: Documents, node: Node) -> Parameter | None:
    name, where = node.get("name"), node.get("in")
    if not isinstance(name, str) or where not in ("query", "header", "path", "cookie"):
        return None
    style = node.get("style") or ("form" if where in ("query", "cookie") else "simple")
    schema, is_json = node.child("schema"), False
    for media_type, content in node.child("content").children():
        schema, is_json = content.child("schema"), form_of(media_type) is Form.JSON
        break
    return Parameter(
        name=name,
        where=where,
        required=where == "path" or node.get("required") is True,
        schema=None if schema.value is None else schema,
        style=str(style),
        explode=bool(node.get("explode", style in ("form", "cookie"))),
        allow_reserved=node.get("allowReserved") is True,
        json=is_json,
    )


def _media(documents: Documents, holder: Node) -> Iterator[Media]:
    for media_type, content in holder.child("content").children():
        content = documents.resolve(content)
        schema = content.child("schema")
        encoding = {name: _encoding(one) for name, one in content.child("encoding").children()}
        yield Media(media_type, form_of(media_type), None if schema.value is None else schema, encoding)


def _encoding(node: Node) -> Encoding:
    style = node.get("style")
    content_type = node.get("contentType")
    return Encoding(
        content_type=content_type.split(",")[0].strip() if isinstance(content_type, str) else None,
        style=style if isinstance(style, str) else None,
        explode=bool(node.get("explode", style in (None, "form", "deepObject"))),
        allow_reserved=node.get("allowReserved") is True,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


# --- Swagger 2.0 ----------------------------------------------------------------------------------------

# collectionFormat of Swagger 2.0, as style and explode of OpenAPI 3.
_COLLECTIONS = {
    "csv": ("form", False),
    "ssv": ("spaceDelimited", False),
    "tsv": ("tabDelimited", False),
    "pipes": ("pipeDelimited", False),
    "multi": ("form", True),
}


def read_swagger_operation(
    documents: Documents, root: Node, item: Node, method: str, path: str
) -> RestOperation:
    """An operation of Swagger 2.0, in the same words. Raises ContractUnreadable."""
    node = item.child(method)
    consumes = node.get("consumes") or root.get("consumes") or []
    produces = node.get("produces") or root.get("produces") or ["application/json"]
    fields: list[Node] = []
    body: Node | None = None
    for holder in (item, node):
        for element in holder.child("parameters").elements():
            one = documents.resolve(element)
            if one.get("in") == "body":
                body = one
            elif one.get("in") == "formData":
                fields = [other for other in fields if other.get("name") != one.get("name")] + [one]
    if body is not None:
        bodies = [
            Media(str(kind), form_of(str(kind)), body.child("schema"))
            for kind in (consumes or ["application/json"])
        ]
        required = body.get("required") is True
    else:
        bodies = _form_bodies(node, fields, consumes)
        required = any(one.get("required") is True for one in fields)
    return RestOperation(
        method=method.upper(),
        path=path,
        raw=_mapping(node.value),
        parameters=tuple(_parameters(documents, item, node, _swagger_parameter)),
        bodies=tuple(bodies),
        body_required=required,
        answers={
            status: tuple(_swagger_answer(documents.resolve(answer), produces))
            for status, answer in node.child("responses").children()
        },
    )


def _swagger_answer(answer: Node, produces: list[Any]) -> Iterator[Media]:
    schema = answer.child("schema")
    if schema.value is not None:
        for kind in produces:
            yield Media(str(kind), form_of(str(kind)), schema)


def _swagger_parameter(documents: Documents, node: Node) -> Parameter | None:
    name, where = node.get("name"), node.get("in")
    if not isinstance(name, str) or where not in ("query", "header", "path"):
        return None
    style, explode = _COLLECTIONS.get(str(node.get("collectionFormat", "csv")), ("form", False))
    return Parameter(
        name=name,
        where=where,
        required=where == "path" or node.get("required") is True,
        schema=node,
        style=style if where == "query" else "simple",
        explode=explode,
    )


def _form_bodies(operation: Node, fields: list[Node], consumes: list[Any]) -> list[Media]:
    if not fields:
        return []
    # The fields, which stand as parameters, as the one schema that they are.
    schema = Node(
        operation.document,
        {
            "type": "object",
            "properties": {str(one.get("name")): one.value for one in fields},
            "required": [str(one.get("name")) for one in fields if one.get("required") is True],
        },
        f"{operation.pointer}/formData",
    )
    encoding = {}
    for one in fields:
        style, explode = _COLLECTIONS.get(str(one.get("collectionFormat", "csv")), ("form", False))
        encoding[str(one.get("name"))] = Encoding(style=style, explode=explode)
    has_file = any(one.get("type") == "file" for one in fields)
    kinds = [str(kind) for kind in consumes if form_of(str(kind)) in (Form.URLENCODED, Form.MULTIPART)]
    fallback = "multipart/form-data" if has_file else "application/x-www-form-urlencoded"
    return [Media(kind, form_of(kind), schema, encoding) for kind in kinds or [fallback]]
