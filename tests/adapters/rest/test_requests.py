"""What goes over the wire, as the contract has it: parameters, and bodies of every form."""

from __future__ import annotations

import json
from email import message_from_bytes
from pathlib import Path
from textwrap import dedent, indent
from urllib.parse import parse_qsl

import pytest
from lxml import etree

from hub.adapters.check import check_channels
from hub.domain.errors import NotUnderstood
from tests.adapters.rest.support import faults, rest_agency, spoken_to
from tests.adapters.support import MRN, dossier
from tests.adapters.system import Heard, answer, system

DESK = """
openapi: 3.0.3
paths:
  /boxes/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    METHOD:
      parameters:
        - {name: plain, in: query, schema: {type: array, items: {type: string}}}
        - {name: comma, in: query, explode: false, schema: {type: array, items: {type: string}}}
        - {name: pipe, in: query, style: pipeDelimited, explode: false, schema: {type: array}}
        - {name: space, in: query, style: spaceDelimited, explode: false, schema: {type: array}}
        - {name: deep, in: query, style: deepObject, schema: {type: object}}
        - {name: spread, in: query, schema: {type: object}}
        - {name: json, in: query, content: {application/json: {schema: {type: object}}}}
        - {name: open, in: query, allowReserved: true, schema: {type: string}}
        - {name: X-Kinds, in: header, schema: {type: array, items: {type: string}}}
        - {name: X-Key, in: header, required: true, schema: {type: string}}
      requestBody:
        content: BODY
      responses: {200: {description: x}}
"""
KEY = "auth: {api_key: {header: X-Key, value: env:KEY}}\n"
OK = answer(200, "{}")


def desk(body: str = "{application/json: {schema: {type: object}}}", method: str = "post") -> str:
    if body.startswith("\n"):
        body = indent(dedent(body), " " * 12)
    return DESK.replace("METHOD", method).replace("BODY", body)


async def sent(folder: Path, contract: str, request: str) -> Heard:
    """The request that a submission makes, as it arrived."""
    channel = f"{KEY}submit:\n  path: /boxes/{{referral.id}}\n{request}"
    file = rest_agency(folder, contract, channel)
    assert faults(folder, file) == {}
    with system(OK) as running:
        async with spoken_to(folder, running.url, file, {"KEY": "k"}) as gateway:
            await gateway.submit(dossier(file))
    [heard] = running.heard
    return heard


@pytest.mark.parametrize("method", ["get", "put", "post", "patch", "delete"])
async def test_any_method_with_or_without_a_body(tmp_path: Path, method: str) -> None:
    """A value of the path is one segment, whatever is in it."""
    (tmp_path / "with").mkdir()
    bare = await sent(tmp_path, desk(method=method), f"  method: {method.upper()}")
    assert (bare.method, bare.path, bare.body) == (
        method.upper(), f"/boxes/{MRN}%2Fkats-measuring", b""
    )  # fmt: skip
    assert "content-type" not in bare.headers
    full = await sent(
        tmp_path / "with", desk(method=method), f"  method: {method.upper()}\n  request: {{a: 1}}"
    )
    assert (full.body, full.headers["content-type"]) == (b'{"a":1}', "application/json")


async def test_lists_and_objects_stand_in_the_query_as_the_contract_has_them(tmp_path: Path) -> None:
    """RFC 6570 by another name; without a word of the contract, a list is repeated."""
    heard = await sent(
        tmp_path,
        desk(),
        """
  method: POST
  query:
    plain: [a, b]
    comma: ["a,", b]
    pipe: [a, b]
    space: [a, b]
    deep: {from: 1, to: "2 3", of: {ids: [4, 5]}}
    spread: {x: 1, y: true}
    json: {k: [1]}
    open: "a/b:c&d"
    unknown: [1, 2]
    absent: '=""'
  headers: {X-Kinds: [one, two]}
""",
    )
    assert heard.path.partition("?")[2] == (
        "plain=a&plain=b&comma=a%2C,b&pipe=a%7Cb&space=a%20b&deep%5Bfrom%5D=1&deep%5Bto%5D=2+3"
        "&deep%5Bof%5D%5Bids%5D%5B0%5D=4&deep%5Bof%5D%5Bids%5D%5B1%5D=5&x=1&y=true"
        "&json=%7B%22k%22%3A%5B1%5D%7D&open=a/b:c%26d&unknown=1&unknown=2"
    )
    assert heard.headers["x-kinds"] == "one, two"
    assert heard.headers["x-key"] == "k"


@pytest.mark.parametrize(
    ("content", "form", "sent_as"),
    [
        ("{application/vnd.box+json: {schema: {type: object}}}", "", "application/vnd.box+json"),
        ("{'application/json; charset=utf-8': {}}", "", "application/json; charset=utf-8"),
        ("{'*/*': {schema: {type: object}}}", "", "application/json"),
        ("{application/xml: {}, application/json: {}}", "", "application/json"),
        (
            "{application/json: {}, application/x-www-form-urlencoded: {}}",
            "form",
            "application/x-www-form-urlencoded",
        ),
    ],
)
async def test_the_media_type_is_the_contracts(tmp_path: Path, content: str, form: str, sent_as: str) -> None:
    """Vendor types, parameters, wildcards; JSON where there is a choice, unless the file says otherwise."""
    written = f"  format: {form}\n" if form else ""
    heard = await sent(tmp_path, desk(content), f"  method: POST\n{written}  request: {{a: b}}")
    assert heard.headers["content-type"] == sent_as


async def test_a_body_may_be_in_another_charset(tmp_path: Path) -> None:
    """Where the contract says so."""
    heard = await sent(
        tmp_path,
        desk("{'application/json; charset=euc-kr': {}}"),
        "  method: POST\n  request: {name: '=\"식물\"'}",
    )
    assert json.loads(heard.body.decode("euc-kr")) == {"name": "식물"}


FORM = """
application/x-www-form-urlencoded:
  schema:
    type: object
    required: [serial]
    properties:
      serial: {type: integer, maximum: 9}
      used: {type: boolean}
      tags: {type: array, items: {type: string}}
      deep: {type: object}
      text: {type: object}
  encoding:
    tags: {style: form, explode: false}
    deep: {style: deepObject, explode: true}
    text: {contentType: application/json}
"""


async def test_a_form_is_written_by_the_contracts_encoding(tmp_path: Path) -> None:
    """Nested members too, as far as the contract says how."""
    heard = await sent(
        tmp_path,
        desk(FORM),
        """
  method: POST
  request:
    serial: 7
    used: false
    tags: [a, "b,c"]
    deep: {party: {name: "K & S"}, ids: [1, 2]}
    text: {k: v}
    more: [x, y]
""",
    )
    assert heard.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(heard.body.decode()) == [
        ("serial", "7"),
        ("used", "false"),
        ("tags", "a,b,c"),
        ("deep[party][name]", "K & S"),
        ("deep[ids][0]", "1"),
        ("deep[ids][1]", "2"),
        ("text", '{"k":"v"}'),
        ("more", "x"),
        ("more", "y"),
    ]
    assert b"tags=a,b%2Cc&" in heard.body


MULTIPART = """
multipart/form-data:
  schema:
    type: object
    required: [declaration, scan]
    properties:
      note: {type: string}
      declaration: {type: object, required: [mrn], properties: {mrn: {type: string}}}
      scan: {type: string, format: binary}
      annex: {type: array, items: {type: string, format: binary}}
  encoding: {scan: {contentType: application/pdf}}
"""


async def test_a_multipart_body_holds_texts_json_and_files(tmp_path: Path) -> None:
    """The same request is the same bytes: an agency that signs or compares bodies sees no difference."""
    request = """
  method: POST
  request:
    note: 한글
    declaration: {mrn: =referral.mrn}
    scan: {base64: '="JVBERi0xLjQK/wBh"', filename: "스캔 1.pdf"}
    annex:
      - {content: plain, filename: a.txt, type: text/plain}
      - {content: other, filename: b.txt, type: text/plain}
"""
    heard = await sent(tmp_path, desk(MULTIPART), request)
    again = await sent(tmp_path, desk(MULTIPART), request)
    assert (heard.body, heard.headers["content-type"]) == (again.body, again.headers["content-type"])
    whole = message_from_bytes(
        b"Content-Type: " + heard.headers["content-type"].encode() + b"\r\n\r\n" + heard.body
    )
    parts = [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename() is not None,
            part.get("content-type"),
            part.get_payload(decode=True),
        )
        for part in whole.walk()
        if not part.is_multipart()
    ]
    assert 'filename="스캔 1.pdf"'.encode() in heard.body
    assert parts == [
        ("note", False, None, "한글".encode()),
        ("declaration", False, "application/json", f'{{"mrn":"{MRN}"}}'.encode()),
        ("scan", True, "application/pdf", b"%PDF-1.4\n\xff\x00a"),
        ("annex", True, "text/plain", b"plain"),
        ("annex", True, "text/plain", b"other"),
    ]


XML = """
application/xml:
  schema:
    type: object
    xml: {name: Box, namespace: 'urn:box', prefix: b}
    required: [serial]
    properties:
      kind: {type: string, xml: {attribute: true, name: Kind}}
      serial: {type: integer, xml: {namespace: 'urn:box', prefix: b, name: Serial}}
      tags: {type: array, xml: {name: Tags, wrapped: true}, items: {type: string, xml: {name: Tag}}}
      marks: {type: array, items: {type: string, xml: {name: Mark}}}
      owner:
        type: object
        properties: {name: {type: string}, id: {type: string, xml: {attribute: true}}}
"""


async def test_xml_is_written_by_the_words_of_the_schema(tmp_path: Path) -> None:
    """Names, namespaces, attributes and wrapped lists; in the order of the contract."""
    heard = await sent(
        tmp_path,
        desk(XML),
        """
  method: POST
  request:
    owner: {name: K & S, id: "1"}
    marks: [m, n]
    tags: [t]
    serial: 7
    kind: A
""",
    )
    assert heard.headers["content-type"] == "application/xml"
    root = etree.fromstring(heard.body)
    expected = """<b:Box xmlns:b="urn:box" Kind="A"><b:Serial>7</b:Serial><Tags><Tag>t</Tag></Tags>
      <Mark>m</Mark><Mark>n</Mark><owner id="1"><name>K &amp; S</name></owner></b:Box>"""
    parser = etree.XMLParser(remove_blank_text=True)
    assert etree.tostring(root, method="c14n") == etree.tostring(
        etree.fromstring(expected, parser), method="c14n"
    )


async def test_xml_without_a_schema_has_the_root_and_the_order_of_the_file(tmp_path: Path) -> None:
    """`root` names the outermost element; the namespace holds for what is inside."""
    heard = await sent(
        tmp_path,
        desk("{application/xml: {}}"),
        """
  method: POST
  root: '{urn:customs}Declaration'
  request: {Zulu: =referral.mrn, Alpha: {Code: x}, Line: '=items.map(i, {"No": i.number})'}
""",
    )
    root = etree.fromstring(heard.body)
    assert [element.tag.partition("}")[2] for element in root] == ["Zulu", "Alpha", "Line", "Line"]
    assert {element.tag.partition("}")[0] for element in root.iter()} == {"{urn:customs"}


async def test_a_text_is_sent_as_it_is(tmp_path: Path) -> None:
    """Where the contract takes nothing else."""
    heard = await sent(
        tmp_path,
        desk("{text/csv: {schema: {type: string}}}"),
        '  method: POST\n  request: =referral.mrn + ";1"',
    )
    assert (heard.body, heard.headers["content-type"]) == (f"{MRN};1".encode(), "text/csv")


async def test_a_file_may_be_the_whole_body(tmp_path: Path) -> None:
    """Bytes are given in base64."""
    heard = await sent(
        tmp_path,
        desk("{application/pdf: {schema: {type: string, format: binary}}}"),
        "  method: POST\n  request: {base64: JVBERi0xLjQK/wBh}",
    )
    assert (heard.body, heard.headers["content-type"]) == (b"%PDF-1.4\n\xff\x00a", "application/pdf")


STRICT = """
openapi: 3.1.0
paths:
  /boxes:
    post:
      parameters:
        - {name: kind, in: query, required: true, schema: {enum: [A, B]}}
        - {name: X-Trace, in: header, required: true, schema: {type: string, maxLength: 50}}
        - {name: crumb, in: cookie, required: COOKIE, schema: {type: string}}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              additionalProperties: false
              required: [serial, owner]
              properties:
                serial: {type: string, pattern: "^[0-9]{4}$"}
                count: {type: integer}
                mode: {enum: [AIR, SEA]}
                owner: {type: object, required: [id], properties: {id: {type: string}}}
      responses: {200: {description: x}}
"""
GOOD = {
    "query": "{kind: A}",
    "headers": "{X-Trace: =referral.id}",
    "request": "{serial: =declaration.lrn, owner: {id: =declaration.importer.id}, mode: SEA}",
}


def strict(**change: str | None) -> str:
    lines = {**GOOD, **change}
    written = "".join(f"  {name}: {value}\n" for name, value in lines.items() if value is not None)
    return "submit:\n  method: POST\n  path: /boxes\n" + written


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        ({"query": None}, "submit.query", "kind is required by the contract"),
        ({"query": "{kind: C}"}, "submit.query.kind", "is 'C'; the contract allows 'A', 'B'"),
        ({"headers": None}, "submit.headers", "X-Trace is required"),
        ({"request": None}, "submit.request", "the contract requires a body"),
        ({"request": "{serial: x}"}, "submit.request.owner", "owner is required"),
        (
            {"request": "{serial: '12', owner: {id: =declaration.importer.id}}"},
            "submit.request.serial",
            "serial is '12', which does not match",
        ),
        (
            {"request": "{serial: =declaration.lrn, owner: {id: '1'}, mode: ROAD}"},
            "submit.request.mode",
            "allows 'AIR', 'SEA'",
        ),
        (
            {"request": "{serial: =declaration.lrn, owner: {id: '1'}, count: =referral.mrn}"},
            "submit.request.count",
            "the contract wants a whole number",
        ),
        (
            {"request": "{serial: =declaration.lrn, owner: {id: '1'}, colour: red}"},
            "submit.request.colour",
            "is not in the contract",
        ),
        ({"format": "form"}, "submit.format", "takes application/json, which is not form"),
        ({}, "", ""),
    ],
)
def test_what_can_be_known_is_told_at_load(
    tmp_path: Path, change: dict[str, str | None], key: str, words: str
) -> None:
    """And what depends on the values of a declaration is not: the lrn of the sample has no four digits."""
    file = rest_agency(tmp_path, STRICT.replace("COOKIE", "false"), strict(**change))
    found = faults(tmp_path, file)
    if not key:
        assert found == {}
    else:
        assert words in found.get(key, ""), found


async def test_units_are_looked_up_in_the_files_own_table(tmp_path: Path) -> None:
    """What the table does not have gets what the mapping says."""
    channel = (
        f"{KEY}submit:\n  method: POST\n  path: /boxes/1\n  request:\n"
        '    units: \'=["KG", "NAR"].map(u, lookup(table.units, u, "C62"))\'\n'
        "    factor: =table.factors.KG\n"
    )
    tables = {"units": {"KG": "KGM", "L": "LTR"}, "factors": {"KG": 1000}}
    file = rest_agency(tmp_path, desk(), channel, tables=tables)
    with system(OK) as running:
        async with spoken_to(tmp_path, running.url, file, {"KEY": "k"}) as gateway:
            await gateway.submit(dossier(file))
    assert json.loads(running.heard[0].body) == {"units": ["KGM", "C62"], "factor": 1000}


@pytest.mark.parametrize(
    ("endpoint", "warned"), [("https://there.example", True), ("https://t.example/v1", False)]
)
def test_an_endpoint_that_lacks_the_contracts_path_is_warned_of(
    tmp_path: Path, endpoint: str, warned: bool
) -> None:
    """The contract's own address is never used; its path is the part that is forgotten."""
    contract = desk() + "servers: [{url: 'https://{host}/{stage}', variables: {stage: {default: v1}}}]\n"
    file = rest_agency(
        tmp_path, contract, f"{KEY}submit: {{method: POST, path: /boxes/1, request: {{a: 1}}}}"
    )
    found = check_channels({"kats": file}, tmp_path, {"THERE": endpoint, "KEY": "k"})
    told = [one.what for one in found if one.warning and one.key == ("channel", "endpoint")]
    assert [("has the path /v1" in what) for what in told] == ([True] if warned else [])


def test_a_cookie_that_is_required_is_told_at_load(tmp_path: Path) -> None:
    """The hub sends none."""
    file = rest_agency(tmp_path, STRICT.replace("COOKIE", "true"), strict())
    assert "requires the cookie crumb" in faults(tmp_path, file)["submit.path"]


async def test_a_request_that_misses_the_contract_is_not_sent(tmp_path: Path) -> None:
    """Each place is named, in the words of the contract."""
    file = rest_agency(
        tmp_path,
        STRICT.replace("COOKIE", "false"),
        strict(
            query="{kind: =declaration.lrn}",
            request="{serial: =declaration.lrn, owner: {id: '1'}, mode: =declaration.lrn}",
        ),
    )
    with system(OK) as running:
        async with spoken_to(tmp_path, running.url, file) as gateway:
            with pytest.raises(NotUnderstood, match="the request cannot be written: ") as told:
                await gateway.submit(dossier(file, facts={"lrn": "L-1"}))
            assert r"$.serial is 'L-1', which does not match ^[0-9]{4}$" in str(told.value)
            assert "$.mode is 'L-1'; the contract allows 'AIR', 'SEA'" in str(told.value)
            with pytest.raises(NotUnderstood, match=r"\$\.mode is '1234'"):
                await gateway.submit(dossier(file, facts={"lrn": "1234"}))
    assert running.heard == []


@pytest.mark.parametrize(
    ("content", "request_tree", "key", "words"),
    [
        (
            "{application/xml: {schema: {type: object}}}",
            "{a: 1}",
            "submit.root",
            "does not name the outermost",
        ),
        ("{multipart/mixed: {}}", "{a: 1}", "submit.format", "multipart/form-data, and not multipart/mixed"),
        (
            "{application/x-www-form-urlencoded: {}}",
            "{a: {b: 1}}",
            "submit",
            "does not say how a form holds them; as JSON text it is json",
        ),
        (
            "{multipart/form-data: {}}",
            "{a: {base64: '*'}}",
            "submit",
            "the file a is not base64",
        ),
    ],
)
def test_a_body_that_cannot_be_written_is_told_at_load(
    tmp_path: Path, content: str, request_tree: str, key: str, words: str
) -> None:
    """With the key to be corrected."""
    channel = f"{KEY}submit:\n  method: POST\n  path: /boxes/x\n  request: {request_tree}"
    found = faults(tmp_path, rest_agency(tmp_path, desk(content), channel))
    assert words in found.get(key, ""), found
