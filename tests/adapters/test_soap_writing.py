"""Requests: every shape a schema can ask for, and nothing sent that breaks the contract."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from hub.adapters.wire import Misfit
from tests.adapters.soap_desk import APPLICATION, SENDER, P, applying, body, call, sent
from tests.adapters.support import NOW

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"


def names(element: etree._Element) -> list[str]:
    return [etree.QName(child).localname for child in element]


def test_a_choice_may_be_nought() -> None:
    """0 and false are values."""
    made = body(applying(Pieces=0))
    assert made.find(f"{{{P}}}Pieces").text == "0"
    assert made.find(f"{{{P}}}Deadline").get(f"{XSI}nil") == "true"


def test_a_repeated_group_takes_its_lists_in_turn() -> None:
    """The first key with the first value, the second with the second."""
    made = body(applying(Key=["a", "b", "c"], Value=[1, 2]))
    assert names(made)[3:8] == ["Key", "Value", "Key", "Value", "Key"]


def test_a_derived_type_and_a_substitute_are_told_by_name() -> None:
    """`xsi:type` names a derived type; a member of a substitution group goes by its own name."""
    invoice = {"Title": "t", "Amount": 1.5}
    party = {"xsi:type": "Trader", "Name": "N", "Licence": "L", "role": "export"}
    made = body(applying(Party=[party, {"Name": "M", "role": "import"}], Invoice=invoice))
    first, second = made.findall(f"{{{P}}}Party")
    assert first.get(f"{XSI}type").partition(":")[2] == "Trader"
    assert names(first) == ["Name", "Licence"]
    assert names(second) == ["Name"]
    assert made.find(f"{{{P}}}Invoice/{{{P}}}Amount").text == "1.5"


def test_what_the_contract_leaves_open_is_written_by_name() -> None:
    """Elements the contract declares by their own type; others as `{namespace}name`."""
    extra = {"Remark": ["a", "b"], "{urn:x}note": {"line": ["1", "2"]}}
    made = body(applying(Extra=extra, Anything={"deep": {"er": True}}))
    assert [child.text for child in made.findall(f"{{{P}}}Extra/{{{P}}}Remark")] == ["a", "b"]
    assert len(made.findall(f"{{{P}}}Extra/{{urn:x}}note/{{urn:x}}line")) == 2
    assert made.find(f"{{{P}}}Anything/{{{P}}}deep/{{{P}}}er").text == "true"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Number": "ab"}, "Number: .*pattern"),
        ({"Kind": "imprt"}, "Kind: .*'import', 'export'"),
        ({"Pieces": 2**40}, "Pieces: "),
        ({"Pieces": "many"}, "Pieces is 'many'"),
        ({"Weight": 1}, "Weight has no place there|Pieces has no place there"),
        ({"Pieces": None}, r"Expected is one of \( Weight, Pieces \)"),
        ({"Party": {"Name": "x" * 36, "role": "import"}}, r"Party\.Name: .*maximum length of '35'"),
        ({"Party": {"Name": "x", "role": "both"}}, r"Party\.role: "),
        ({"Party": {"Name": "x"}}, r"Party\.role is required"),
        ({"Party": {"Name": "x", "role": "import", "Licence": "y"}}, "Licence has no place"),
        ({"Party": {"xsi:type": "Node", "Name": "x", "role": "import"}}, "cannot be a Node"),
        ({"Serials": [1, 2, 3, 4]}, "Serials: .*maximum length of '3'"),
        ({"Deadline": "tomorrow"}, "Deadline is 'tomorrow'"),
        ({"Numbr": "x"}, "Numbr is not in the contract"),
        ({"Extra": {"Unknown": {"a": "\x01"}}}, "cannot be written"),
        ({"Value": [1]}, "Key is required"),
    ],
)
def test_what_breaks_the_contract_is_not_sent(change: dict[str, Any], words: str) -> None:
    """Facets too, and in words that name the element."""
    with pytest.raises(Misfit, match=words):
        applying(**change).write({}, NOW)


def test_several_parts_stand_beside_each_other_in_the_body() -> None:
    """`parts` of soap:body; each by the name of its part."""
    made = sent(call("Both", {"first": {"Number": "AB-1"}, "second": {"Name": "x"}}))
    assert [child.tag for child in made[-1]] == [f"{{{P}}}FindByNumber", f"{{{P}}}FindByName"]
    with pytest.raises(Misfit, match=r"second\.Name: "):
        call("Both", {"first": {"Number": "AB-1"}, "second": {"Name": "x" * 40}}).write({}, NOW)


def test_header_parts_are_written_and_held_against_the_contract() -> None:
    """By the name of the part, with an element of its own or a type; one that is required must be there."""
    made = sent(call("Apply", APPLICATION, header={"sender": {"Id": "ABCD", "test": False}, "trace": "t-1"}))
    sender, trace = made[0]
    assert (sender.tag, sender.get("test")) == (f"{{{P}}}Sender", "false")
    assert (trace.tag, trace.text) == ("trace", "t-1")
    for header, words in (
        (None, "sender is required"),
        ({"sender": {"Id": "ABCDE"}}, r"sender\.Id: .*length"),
        ({**SENDER, "treace": "x"}, "treace is not in the contract"),
    ):
        with pytest.raises(Misfit, match=words):
            call("Apply", APPLICATION, header=header).write({}, NOW)


def test_an_action_of_the_file_takes_the_place_of_the_contracts() -> None:
    """Where the contract's own is wrong."""
    assert applying().write({}, NOW).headers["SOAPAction"] == '"urn:apply"'
    made = call("Apply", APPLICATION, header=SENDER, action="urn:other").write({}, NOW)
    assert made.headers["SOAPAction"] == '"urn:other"'


def test_the_soap_encoding_names_types_and_counts_arrays() -> None:
    """SOAP 1.1 section 5: every prefix that stands in a value is declared where it stands."""
    lines = [{"code": "a<", "kg": 1.5, "fragile": False}, {"code": "b", "fragile": True}]
    entry = {"number": "7", "lines": {"item": lines}, "more": "x"}
    wrapper = body(call("enter", {"entry": entry, "count": 1}, name="registry", port=None))
    assert wrapper.tag == "{urn:example:registry:calls}enter"
    assert wrapper.get("{http://schemas.xmlsoap.org/soap/envelope/}encodingStyle") == ENCODING
    array = wrapper.find("entry/lines")
    prefix, _, rest = array.get(f"{{{ENCODING}}}arrayType").partition(":")
    assert (array.nsmap[prefix], rest) == ("urn:example:registry", "Line[2]")
    prefix, _, kind = array[1].get(f"{XSI}type").partition(":")
    assert (array.nsmap[prefix], kind) == ("urn:example:registry", "Line")
    assert array[1].find("kg").get(f"{XSI}nil") == "true"
    assert wrapper.find("count").get(f"{XSI}type") == "xsd:int"


def test_an_rpc_part_with_a_type_is_held_against_it() -> None:
    """It has no element in the schemas, and its facets count all the same."""
    assert body(call("ask", {"number": "12"}, name="registry", port=None)).find("number").text == "12"
    with pytest.raises(Misfit, match=r"number: .*pattern"):
        call("ask", {"number": "x"}, name="registry", port=None).write({}, NOW)
