"""Contracts as they are published: in several files, with several ports, and with the usual blemishes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hub.adapters.soap import ContractUnreadable, SoapContract
from tests.adapters.soap_desk import DATA, call, contract, sent

WSDL = (DATA / "registry.wsdl").read_text()


def written(folder: Path, text: str | bytes) -> SoapContract:
    path = folder / "x.wsdl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return SoapContract(path, folder)


def test_one_file_may_hold_several_services_ports_and_versions() -> None:
    """HTTP GET beside SOAP is left out, templated and empty addresses do not matter, schemas are found."""
    names = [f"{s}/{p}/{o}" for s, p, o in contract("permits").operations()]
    assert "DeskService/Desk12/Apply" in names
    assert "ArchiveService/Archive/Apply" in names
    assert not any("DeskGet" in name for name in names)


def test_blemishes_are_accepted_with_a_warning() -> None:
    """What was put right is told; nothing is put right in silence that could matter."""
    told = "\n".join(contract("permits").warnings)
    for words in (
        "white space before the XML declaration",
        "policies",
        "DeskGet",
        "imported twice",
        "header nothing of Apply is in no message",
    ):
        assert words in told
    assert "not held against the schemas" not in told
    assert contract("registry").warnings == ()


def test_an_ambiguous_operation_is_told_with_the_choice() -> None:
    """The same name in two services that mean different things; and an overloaded one."""
    with pytest.raises(LookupError, match=r"several: name service and port .*ArchiveService/Archive"):
        contract("permits").find("Apply", None, None)
    with pytest.raises(LookupError, match="write one of Find/ByNumber, Find/ByName"):
        contract("permits").find("Find", None, None)
    for which, parts in (("Find/ByNumber", {"Number"}), ("Find/ByName", {"Name"})):
        shape = contract("permits").request_shape(contract("permits").find(which, None, None))
        assert shape is not None
        assert shape.parts.keys() == parts


def test_a_port_of_soap_12_sends_soap_12() -> None:
    """Envelope and content type are the version's; the action travels with the content type."""
    made = call("Apply", {"Number": "AB-1", "Kind": "import", "Pieces": 1}, port="Desk12")
    assert sent(made).tag == "{http://www.w3.org/2003/05/soap-envelope}Envelope"


def test_a_contract_without_a_service_is_used_by_its_bindings() -> None:
    """Where it lives is the agency's file's to say."""
    assert ("RegistrySoap", "RegistrySoap", "ask") in contract("registry").operations()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: b"\xef\xbb\xbf\r\n " + text.encode(), "white space"),
        (lambda text: text.replace("Invented.", "Erfundène.").encode("cp1252"), "windows-1252"),
        (lambda text: text.replace("utf-8", "utf-16").encode(), "read as utf-8"),
        (lambda text: text.replace("2001/XMLSchema", "1999/XMLSchema").encode(), "draft"),
        (lambda text: text.replace("<types>", '<types wsu:Id="x">').encode(), "not declared: wsu"),
        (lambda text: text.replace("<types>", "<types><other:note xmlns:other='urn:o'/>").encode(), ""),
    ],
)
def test_a_published_file_is_read_as_it_was_meant(tmp_path: Path, change: object, words: str) -> None:
    """Bytes before the declaration, a wrong encoding, a draft's namespace, a prefix nobody declared."""
    assert callable(change)
    read = written(tmp_path, change(WSDL))
    assert len(list(read.operations())) == 2
    assert any(words in each for each in read.warnings) or not words


def test_every_missing_file_is_told_at_once(tmp_path: Path) -> None:
    """With the name under which to save it; nothing is fetched."""
    shutil.copytree(DATA, tmp_path, dirs_exist_ok=True)
    (tmp_path / "types" / "codes.xsd").unlink()
    (tmp_path / "types" / "common.xsd").unlink()
    with pytest.raises(ContractUnreadable) as told:
        SoapContract(tmp_path / "permits.wsdl", tmp_path)
    assert "save it beside the contract as codes.xsd" in str(told.value)
    assert "common.xsd" in str(told.value)


def test_a_file_that_moved_is_found_beside_the_contract(tmp_path: Path) -> None:
    """Published contracts are flattened into one folder; the folder is never left."""
    shutil.copytree(DATA, tmp_path / "a" / "b", dirs_exist_ok=True)
    path = tmp_path / "a" / "b" / "permits.wsdl"
    path.write_text(path.read_text().replace("types/permits.xsd", "../../../types/permits.xsd"))
    for file in (tmp_path / "a" / "b" / "types").glob("*.xsd"):
        shutil.copy(file, path.parent)
    shutil.copytree(DATA / "types" / "deep", path.parent / "deep")
    read = SoapContract(path, tmp_path / "a" / "b")
    assert any("permits.xsd in its folder is taken" in each for each in read.warnings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a WSDL"),
        ("<html/>", "begins with <html>"),
        ('<description xmlns="http://www.w3.org/ns/wsdl"/>', "WSDL 2.0"),
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + WSDL.partition("?>")[2], "DTD"),
        (WSDL.replace("tns:Line[]", "tns:Lost[]"), "Lost"),
    ],
)
def test_what_is_no_contract_is_told(tmp_path: Path, text: str, words: str) -> None:
    """Never anything but a fault of the file."""
    with pytest.raises(ContractUnreadable, match=words):
        written(tmp_path, text)


def test_schemas_that_cannot_be_compiled_are_a_warning(tmp_path: Path) -> None:
    """The contract is used all the same, and people know that values are not held against it."""
    broken = WSDL.replace('<xsd:pattern value="[0-9]+"/>', '<xsd:pattern value="[0-9"/>')
    read = written(tmp_path, broken)
    assert any("not held against the schemas" in each for each in read.warnings)


def test_people_are_told_what_the_contract_says_of_a_part() -> None:
    """Documentation, code list, length and pattern reach whoever fills the request in."""
    shape = contract("permits").request_shape(contract("permits").find("Apply", "DeskService", "Desk"))
    assert shape is not None
    kind, number, weight = (shape.parts[name] for name in ("Kind", "Number", "Weight"))
    assert (kind.documentation, kind.values) == ("What is asked for.", ("import", "export"))
    assert (number.pattern, number.base) == ("[A-Z]{2}-[0-9]+", "string")
    assert weight.choice == shape.parts["Pieces"].choice != ""
