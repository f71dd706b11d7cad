"""Answers: every shape a schema allows, references, attachments, and what is no answer at all."""

from __future__ import annotations

import base64

import pytest

from hub.adapters.soap import encoded
from tests.adapters.soap_desk import applied, applying, call, enveloped, heard
from tests.adapters.support import NOW

R = "urn:example:registry"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
BINARY = bytes(range(256)) + b"\r\n--x\r\n\n\r"


def test_choices_substitutes_and_recursion_are_read_along_the_schema() -> None:
    """Lists where several may stand, typed where the schema says so."""
    reply = applied(
        "<p:Note>a</p:Note><p:Code> 7 </p:Code><p:Note>b</p:Note>"
        "<p:Invoice><p:Title>t</p:Title><p:Amount>1.50</p:Amount></p:Invoice><p:Letter><p:Title>l</p:Title></p:Letter>"
        "<p:Node><p:Name>1</p:Name><p:Node><p:Name>2</p:Name></p:Node></p:Node><p:When>2026-03-02</p:When>"
    )
    assert (reply["Note"], reply["Code"]) == (["a", "b"], [7])
    assert reply["Invoice"][0]["Amount"] == "1.50"
    assert reply["Letter"][0]["Title"] == "l"
    assert reply["Node"]["Node"][0] == {"Name": "2", "Node": []}
    assert reply["When"] == "2026-03-02"


def test_a_derived_type_is_read_as_what_it_says_it_is() -> None:
    """And says so under `xsi:type`."""
    trader = "<p:Party role='import' xsi:type='p:Trader'><p:Name>n</p:Name><p:Licence>l</p:Licence></p:Party>"
    party = applied(trader)["Party"]
    assert (party["xsi:type"], party["Licence"], party["role"]) == ("Trader", "l", "import")


def test_what_the_schema_leaves_open_is_kept_whole() -> None:
    """Several of a name are a list; what the contract declares is read along its declaration."""
    open_part = (
        "<o:a xmlns:o='urn:o'>1</o:a><o:a xmlns:o='urn:o'>2</o:a><o:b xmlns:o='urn:o'><o:c>3</o:c></o:b>"
    )
    reply = applied(open_part)
    assert (reply["a"], reply["b"]) == (["1", "2"], {"c": "3"})


def test_several_body_parts_are_read_by_name() -> None:
    """The second is a single value."""
    made = call("Both", {"first": {"Number": "AB-1"}, "second": {"Name": "x"}})
    told = heard(
        made, enveloped("<p:ApplyResponse><p:Receipt>R</p:Receipt></p:ApplyResponse><p:Remark>ok</p:Remark>")
    )
    assert (told.reply["one"]["Receipt"], told.reply["other"]) == ("R", "ok")


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_one_way_message_is_answered_by_nothing(status: int) -> None:
    """An empty answer of any good status is success; a page is not."""
    made = call("Notice", "hello")
    told = heard(made, "", status)
    assert (told.unreadable, told.reply) == (None, {})
    assert heard(made, "<html><body>Please log in</body></html>").unreadable is not None


def registered(content: str) -> object:
    made = call("enter", {"entry": {}, "count": 1}, name="registry", port=None)
    told = heard(made, enveloped(content))
    return told.unreadable or told.reply


def test_references_of_the_soap_encoding_are_put_in_their_places() -> None:
    """SOAP 1.1 section 5: an object referred to twice; members of arrays under any names."""
    read = registered(
        f'<r:enterResponse xmlns:r="{R}"><result href="#1"/>'
        f'</r:enterResponse><multiRef id="1" xmlns:r="{R}" xsi:type="r:Entry"><number>7</number>'
        f'<lines enc:arrayType="r:Line[2]" xmlns:enc="{ENCODING}"><any href="#2"/>'
        '<Line href="#2"/></lines><more xsi:type="xsd:int">5</more></multiRef><multiRef id="2"><code>c</code>'
        '<kg xsi:nil="1"/><fragile>0</fragile></multiRef>'
    )
    line = {"code": "c", "kg": None, "fragile": False}
    assert read == {"result": {"number": "7", "lines": {"item": [line, line]}, "more": 5}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('<x><result href="#1"/></x><m id="2"/>', "#1, which is not in the answer"),
        ('<x><result href="#1"/></x><m id="1"><lines href="#1"/></m>', "holds itself"),
    ],
)
def test_references_that_lead_nowhere_are_not_understood(content: str, words: str) -> None:
    """Nor those that never end."""
    assert words in str(registered(content))


def test_references_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stands for ten of the next: a few kilobytes would be gigabytes."""
    monkeypatch.setattr(encoded, "_MOST_ELEMENTS", 2_000)
    chain = "".join(f'<m id="{n}">' + f'<a href="#{n + 1}"/>' * 10 + "</m>" for n in range(12))
    assert "more than" in str(registered(f'<x><result href="#0"/></x>{chain}<m id="12">1</m>'))


# --- attachments ------------------------------------------------------------------------------------------


def multipart(*parts: tuple[str, str, bytes], end: bytes = b"\r\n--edge--\r\n") -> bytes:
    pieces = [
        f"--edge\r\nContent-Type: {kind}\r\nContent-ID: <{name}>\r\n\r\n".encode() + c
        for name, kind, c in parts
    ]
    return b"preamble\r\n" + b"\r\n".join(pieces) + end


def scanned(content: str) -> bytes:
    return enveloped(f"<p:ApplyResponse><p:Receipt>R</p:Receipt>{content}</p:ApplyResponse>").encode()


KIND = (
    'multipart/related; boundary="edge"; type="application/xop+xml"; start="<root@x>"; start-info="text/xml"'
)
INCLUDE = (
    '<p:Scan><i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:scan%2B1@x"/></p:Scan>'
)


def test_mtom_is_read_as_if_it_were_inline() -> None:
    """XOP: what the reference means stands there in base64, byte for byte; the root need not be first."""
    whole = multipart(
        ("scan+1@x", "application/pdf", BINARY), ("root@x", "application/xop+xml", scanned(INCLUDE))
    )
    told = heard(applying(), whole, kind=KIND)
    assert base64.b64decode(told.reply["Scan"]) == BINARY
    assert "%PDF" not in told.text


def test_attachments_that_the_envelope_does_not_name_are_kept_beside_it() -> None:
    """SOAP with attachments: id, type and content."""
    whole = multipart(("root@x", "text/xml", scanned("")), ("a@x", "image/png", BINARY))
    [kept] = heard(applying(), whole, kind=KIND).reply["attachments"]
    assert (kept["id"], kept["type"]) == ("a@x", "image/png")
    assert base64.b64decode(kept["content"]) == BINARY


def test_an_answer_that_may_be_binary_is_asked_for_as_such() -> None:
    """Many stacks answer with MTOM only then; and nobody else is asked."""
    assert "application/xop+xml" in applying().write({}, NOW).headers["Accept"]
    made = call("ask", {"number": "1"}, name="registry", port=None)
    assert "application/xop+xml" not in call("Notice", "x").write({}, NOW).headers.get("Accept", "")
    assert made.write({}, NOW).body


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        (KIND, multipart(("root@x", "text/xml", scanned("")), end=b""), "ends before its last boundary"),
        (KIND, b"nothing of the kind", "its boundary is not in it"),
        ("multipart/related", multipart(("r", "text/xml", b"<a/>")), "names no boundary"),
        (KIND, multipart(("other@x", "text/xml", scanned(""))), "root@x is not in it"),
        (KIND, multipart(("root@x", "text/xml", scanned(INCLUDE))), "cid:scan%2B1@x, which is not there"),
    ],
)
def test_a_broken_multipart_answer_is_not_understood(kind: str, body: bytes, words: str) -> None:
    """With the reason."""
    assert words in (heard(applying(), body, kind=kind).unreadable or "")


# --- faults -----------------------------------------------------------------------------------------------


def test_the_whole_text_of_a_fault_is_told() -> None:
    """However deep it is nested in the detail, in an envelope of a draft, or in none."""
    detail = "<detail><a><b>deep</b><c><d>deeper</d></c></a></detail>"
    words = f"<Fault><faultcode>x:Client</faultcode><faultstring>no</faultstring>{detail}</Fault>"
    for answer in (enveloped(words), words, f'<Envelope xmlns="urn:draft"><Body>{words}</Body></Envelope>'):
        fault = heard(applying(), answer, 401).fault
        assert fault is not None
        assert (fault.text, fault.blames_sender) == ("Client: no: deep deeper", True)


def test_a_page_is_told_in_its_words() -> None:
    """A proxy's page says what is wrong between its tags."""
    head = "<head><title>502</title><style>p{}</style></head>"
    page = f"<!DOCTYPE html><html>{head}<body><p>Bad gateway</body></html>"
    told = heard(applying(), page, 502)
    assert told.text == "502 Bad gateway"
    assert told.unreadable is not None
