"""OpenAPI documents of every version, in several files, and with the blemishes of published ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.openapi import Form, RestContract
from hub.adapters.soap import ContractUnreadable
from hub.adapters.wire import Misfit

PATHS: dict[str, Any] = {"/a": {"get": {"responses": {"200": {"description": "x"}}}}}


def contract(folder: Path, document: Any, name: str = "c.yaml") -> RestContract:
    text = document if isinstance(document, str) else json.dumps(document)
    (folder / name).write_text(text, encoding="utf-8")
    return RestContract(folder / name)


def posted(schema: Any, version: str = "3.0.3", **components: Any) -> dict[str, Any]:
    """A document in which the body of POST /a has this schema."""
    body = {"content": {"application/json": {"schema": schema}}}
    return {
        "openapi": version,
        "paths": {"/a": {"post": {"requestBody": body, "responses": {"200": {"description": "x"}}}}},
        "components": {"schemas": components},
    }


def misfit(folder: Path, document: Any, value: Any) -> str:
    """What is wrong with a body; "" when nothing is."""
    held = contract(folder, document)
    validation = held.request_validation(held.body(held.find("POST", "/a")))
    assert validation is not None
    try:
        validation.insist(value)
    except Misfit as wrong:
        return str(wrong)
    return ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            "openapi: 3.0\npaths: {/a: {get: {responses: {200: {}}}}}", "without quotes", id="version"
        ),
        pytest.param(
            "\n\nopenapi: '3.0.1'\npaths: {/a: {get: {responses: {200: {}}}}}", "blank line", id="blank"
        ),
        pytest.param(
            "\ufeffopenapi: '3.0.1'\npaths: {/a: {get: {responses: {200: {}}}}}", "byte order mark", id="bom"
        ),
        pytest.param(
            "openapi: '3.0.1'\npaths: {}\npaths: {/a: {get: {responses: {200: {}}}}}",
            "'paths' once more; the last is taken",
            id="twice-in-yaml",
        ),
        pytest.param(
            '{"openapi": "3.0.1", "paths": {}, "paths": {"/a": {"get": {"responses": {"200": {}}}}}}',
            "'paths' twice",
            id="twice-in-json",
        ),
        pytest.param(
            "openapi: '3.0.1'\npaths: {/a: {get: {summary: x}}}", "tells no responses", id="no-responses"
        ),
    ],
)
def test_what_does_no_harm_is_a_warning(tmp_path: Path, text: str, words: str) -> None:
    """Published documents are seldom flawless, and their agencies seldom mend them."""
    held = contract(tmp_path, text)
    held.find("GET", "/a")
    assert [warning for warning in held.warnings if words in warning], held.warnings


def test_tabs_between_the_words_of_json_are_no_fault(tmp_path: Path) -> None:
    """Also where a comma too many makes it no JSON, but YAML."""
    held = contract(tmp_path, '{\n\t"swagger":\t"2.0",\n\t"paths": {"/a": {"get": {}},},\n}')
    assert list(held.operations()) == [("GET", "/a")]


def test_a_saved_web_page_is_told_as_such(tmp_path: Path) -> None:
    """The most frequent wrong file of all."""
    with pytest.raises(ContractUnreadable, match="a page of HTML"):
        contract(tmp_path, "<!DOCTYPE html><html>openapi: 3.0.0</html>")


def test_references_lead_to_files_below_the_folder(tmp_path: Path) -> None:
    """Paths, parameters and schemas, each from where the reference stands; in circles too."""
    (tmp_path / "parts" / "deep").mkdir(parents=True)
    (tmp_path / "parts" / "path.yaml").write_text(
        "post:\n  parameters: [{$ref: 'deep/all.json#/kind'}]\n"
        "  requestBody: {$ref: 'deep/all.json#/body'}\n  responses: {}\n"
    )
    (tmp_path / "parts" / "deep" / "all.json").write_text(
        json.dumps(
            {
                "kind": {"name": "kind", "in": "query", "required": True, "schema": {"type": "string"}},
                "body": {"content": {"application/json": {"schema": {"$ref": "#/tree"}}}},
                "tree": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "name": {"$ref": "../../c.yaml#/components/schemas/Name"},
                        "children": {"type": "array", "items": {"$ref": "#/tree"}},
                    },
                },
            }
        )
    )
    held = contract(
        tmp_path,
        "openapi: 3.1.0\npaths: {/a: {$ref: parts/path.yaml}}\n"
        "components: {schemas: {Name: {type: string, maxLength: 3}}}\n",
    )
    operation = held.find("POST", "/a")
    assert operation.required_parameters("query") == ["kind"]
    assert {file.name for file in held.files} == {"c.yaml", "path.yaml", "all.json"}
    shape = held.request_shape(operation)
    assert shape is not None
    assert shape.parts["children"].inner is shape
    validation = held.request_validation(held.body(operation))
    assert validation is not None
    validation.insist({"name": "a", "children": [{"name": "b"}]})
    with pytest.raises(Misfit, match=r"\$\.children\[0\]\.name has 4 characters; .* at most 3"):
        validation.insist({"name": "a", "children": [{"name": "long"}]})


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("https://example.com/s.yaml#/x", "leads to the network; copy that file"),
        ("../outside.yaml#/x", "outside"),
        ("missing.yaml#/x", "cannot read missing.yaml"),
        ("#/components/schemas/Nobody", "leads nowhere"),
        ("#/components/schemas/Round", "in a circle"),
    ],
)
def test_a_reference_that_cannot_be_followed_is_told_where_it_is_needed(
    tmp_path: Path, reference: str, words: str
) -> None:
    """And nowhere else: what no mapping uses may be broken."""
    below = tmp_path / "below"
    below.mkdir()
    (tmp_path / "outside.yaml").write_text("x: {type: string}")
    document = posted({"$ref": reference}, Round={"$ref": "#/components/schemas/Round"})
    document["paths"]["/b"] = PATHS["/a"]
    held = contract(below, document)
    assert held.request_shape(held.find("GET", "/b")) is None
    with pytest.raises(ContractUnreadable, match=words):
        held.request_shape(held.find("POST", "/a"))


def test_swagger_2_is_read_in_the_same_words(tmp_path: Path) -> None:
    """Body and form parameters, `consumes`, collection formats, and definitions."""
    held = contract(
        tmp_path,
        """
swagger: 2.0
basePath: /v1/
consumes: [application/vnd.box+json]
parameters:
  page: {name: page, in: query, type: integer}
paths:
  /boxes/{id}:
    parameters: [{name: id, in: path, required: true, type: string}]
    put:
      parameters:
        - $ref: '#/parameters/page'
        - {name: box, in: body, required: true, schema: {$ref: '#/definitions/Box'}}
      responses: {200: {schema: {type: array, items: {$ref: '#/definitions/Box'}}}}
    post:
      consumes: [application/x-www-form-urlencoded, multipart/form-data]
      parameters:
        - {name: tags, in: formData, type: array, items: {type: string}, collectionFormat: pipes}
        - {name: scan, in: formData, type: file, required: true}
      responses: {default: {description: x}}
definitions:
  Box:
    type: object
    required: [kind, serial]
    properties:
      kind: {type: string, enum: [A, B], x-nullable: true}
      serial: {type: string, readOnly: true}
      size: {type: number, minimum: 0, exclusiveMinimum: true}
""",
    )
    assert held.base_path == "/v1"
    put, post = held.find("PUT", "/boxes/{}"), held.find("POST", "/boxes/{}")
    assert [(one.where, one.name, one.required) for one in put.parameters] == [
        ("path", "id", True),
        ("query", "page", False),
    ]
    media = held.body(put)
    assert media is not None
    assert (media.type, media.form, put.body_required) == ("application/vnd.box+json", Form.JSON, True)
    validation = held.request_validation(media)
    assert validation is not None
    validation.insist({"kind": None, "size": 0.5})
    with pytest.raises(Misfit, match=r"\$\.size is 0; the contract wants more than 0; \$\.kind is required"):
        validation.insist({"size": 0})
    assert [body.form for body in post.bodies] == [Form.URLENCODED, Form.MULTIPART]
    form = held.body(post, "multipart")
    assert form is not None
    assert form.encoding["tags"].style == "pipeDelimited"
    shape = held.request_shape(post, "multipart")
    assert shape is not None
    assert {part.name: part.required for part in shape.parts.values()} == {"tags": False, "scan": True}
    [reply] = held.reply_shapes(put)
    assert reply is not None
    assert reply.many


@pytest.mark.parametrize(
    ("version", "schema", "good", "bad", "words"),
    [
        ("3.0.3", {"type": "string", "nullable": True}, None, 5, "is 5; the contract wants a text or null"),
        ("3.1.0", {"type": ["string", "null"]}, None, 5, "is 5; the contract wants a text or null"),
        ("3.0.3", {"type": "integer", "minimum": 3, "exclusiveMinimum": True}, 4, 3, "wants more than 3"),
        ("3.1.0", {"type": "integer", "exclusiveMinimum": 3}, 4, 3, "wants more than 3"),
        ("3.0.3", {"type": "number", "multipleOf": 0.01}, 890.1, 0.005, "a multiple of 0.01"),
        ("3.0.3", {"type": "string", "format": "date"}, "2026-03-01", "1 March", "which is no date"),
        (
            "3.0.3",
            {"type": "string", "format": "uuid"},
            "6f4922f4-5568-4f4e-8d4f-1b2f3c4d5e6f",
            "x",
            "no uuid",
        ),
        ("3.0.3", {"type": "integer", "format": "int32"}, 5, 2**31, "which is no int32"),
        ("3.0.3", {"type": "string", "format": "byte"}, "YWJj", "*", "which is no byte"),
        ("3.0.3", {"type": "string", "pattern": r"^\p{L}+$"}, "5", 5, "wants a text"),
        ("3.1.0", {"const": "A"}, "A", "B", "allows 'A'"),
        ("3.1.0", {"prefixItems": [{"type": "string"}], "minItems": 1}, ["a"], [1], r"$[0] is 1"),
        ("3.0.3", {"oneOf": [{"type": "integer"}, {"type": "number"}]}, 1, "1", "none of 2 alternatives"),
        (
            "3.0.3",
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"any": "x"},
            {"any": 1},
            "$.any is 1; the contract wants a text",
        ),
        (
            "3.0.3",
            {
                "type": "object",
                "properties": {"id": {"type": "string", "readOnly": True}},
                "required": ["id"],
            },
            {},
            {"id": 1},
            "$.id is 1",
        ),
    ],
)
def test_each_dialect_means_what_it_says(
    tmp_path: Path, version: str, schema: Any, good: Any, bad: Any, words: str
) -> None:
    """OpenAPI 3.0 has words of its own; 3.1 is JSON Schema."""
    assert misfit(tmp_path, posted(schema, version), good) == ""
    assert words in misfit(tmp_path, posted(schema, version), bad)


CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}


@pytest.mark.parametrize("beside", [False, True])
def test_a_closed_schema_in_a_combination_closes_the_whole(tmp_path: Path, beside: bool) -> None:
    """Taken by the word, nothing at all could be sent; and that is never what was meant."""
    more = {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}
    schema = {**CLOSED, "allOf": [more]} if beside else {"allOf": [{"$ref": "#/components/schemas/C"}, more]}
    document = posted(schema, C=CLOSED)
    assert misfit(tmp_path, document, {"a": "1", "b": "2"}) == ""
    assert "$.c is not in the contract" in misfit(tmp_path, document, {"a": "1", "b": "2", "c": "3"})
    assert "$.b is required" in misfit(tmp_path, document, {"a": "1"})
    held = contract(tmp_path, document)
    shape = held.request_shape(held.find("POST", "/a"))
    assert shape is not None
    assert (set(shape.parts), shape.open, shape.parts["b"].required) == ({"a", "b"}, False, True)


def test_a_discriminator_chooses_the_alternative(tmp_path: Path) -> None:
    """Then only the chosen one is held against, and its fault is told in its own words."""
    kinds = {
        name: {
            "type": "object",
            "required": ["kind", name.lower()],
            "properties": {"kind": {"type": "string"}, name.lower(): {"type": "string"}},
        }
        for name in ("Plant", "Meat")
    }
    schema = {
        "oneOf": [{"$ref": "#/components/schemas/Plant"}, {"$ref": "#/components/schemas/Meat"}],
        "discriminator": {"propertyName": "kind", "mapping": {"M": "Meat"}},
    }
    document = posted(schema, **kinds)
    assert misfit(tmp_path, document, {"kind": "Plant", "plant": "x"}) == ""
    assert (
        misfit(tmp_path, document, {"kind": "M", "plant": "x"})
        == "$.meat is required by the contract and missing"
    )
    assert "$.kind is 'Fish'; the contract allows 'Plant', 'M'" in misfit(
        tmp_path, document, {"kind": "Fish"}
    )


def test_a_member_that_two_pieces_describe_has_what_both_say(tmp_path: Path) -> None:
    """A wrapper says that there is a list, and what it wraps says of what."""
    held = contract(
        tmp_path,
        posted(
            {
                "allOf": [
                    {"properties": {"data": {"type": "array", "items": {"type": "object"}}}},
                    {"properties": {"data": {"items": {"properties": {"id": {"type": "string"}}}}}},
                ]
            }
        ),
    )
    shape = held.request_shape(held.find("POST", "/a"))
    assert shape is not None
    inner = shape.parts["data"].inner
    assert inner is not None
    assert "id" in inner.parts


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/boxes/{}", "/boxes/{id}"),
        ("/boxes/mine", "/boxes/mine"),
        ("/boxes/17", "/boxes/{id}"),
        ("/boxes/{}.pdf", "/boxes/{id}.pdf"),
        ("/boxes?action=open", "/boxes?action=open"),
        ("/boxes?action=close", "/boxes"),
    ],
)
def test_the_operation_is_the_nearest(tmp_path: Path, path: str, found: str) -> None:
    """A path that is written out counts before one with places; a place may be filled by a fixed word."""
    names = ["/boxes", "/boxes/{id}", "/boxes/mine", "/boxes/{id}.pdf", "/boxes?action=open"]
    held = contract(tmp_path, {"openapi": "3.0.0", "paths": dict.fromkeys(names, PATHS["/a"])})
    assert held.find("GET", path).path == found


def test_of_a_large_contract_the_nearest_operations_are_named(tmp_path: Path) -> None:
    """Hundreds of paths in one message are read by nobody."""
    names = [f"/things/{number}" for number in range(100)] + ["/applications/{id}"]
    held = contract(tmp_path, {"openapi": "3.0.0", "paths": dict.fromkeys(names, PATHS["/a"])})
    with pytest.raises(LookupError) as told:
        held.find("GET", "/application/{}")
    assert "101 operations; the most like it are GET /applications/{id}" in str(told.value)
    assert len(str(told.value)) < 300
