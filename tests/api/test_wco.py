from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from hub.api.body import MediaType
from hub.api.problems import ApiProblem
from hub.api.reading import read_declaration
from hub.domain.declaration import Procedure
from tests.api.support import DATA, faults, read, read_xml_file, rulebook


def _edited(name: str, *edits: tuple[str, str]) -> bytes:
    text = (DATA / name).read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def test_an_import_is_read_whole() -> None:
    declaration = read_xml_file("import_beef_and_looms.xml")
    assert declaration.model_dump(mode="json", exclude_defaults=True) == {
        "lrn": "HG-2026-0099",
        "procedure": "import",
        "declarant": {"id": "KR1148615523", "name": "Namsan Foods"},
        "importer": {"id": "KR1148615523"},
        "exporter": {
            "name": "Murray Valley Meats & Sons",
            "address": "4 Paddle Steamer Way, Echuca, 3564",
            "country": "AU",
        },
        "office": "KRINC030",
        "consignment": {
            "ucr": "6AU88123456789-BEEF-0099",
            "transport_mode": "1",
            "transport_id": "9436355",
            "containers": ["TEMU8123456", "TEMU8123461"],
            "country_of_dispatch": "AU",
            "country_of_destination": "KR",
            "location": "KRPUS-CY-04",
            "arrives_at": "2026-11-23T21:30:00Z",
        },
        "items": [
            {
                "number": 1,
                "hs_code": "0202300000",
                "description": "Frozen beef & offal, boneless",
                "origin": "AU",
                "quantity": {"value": "1240", "unit": "NAR"},
                "net_mass_kg": "24960.000",
                "gross_mass_kg": "26100.5000",
                "value": {"amount": "148200.00", "currency": "USD"},
                "packages": 1240,
                "attributes": {"use": "food", "species": ["Bos taurus", "Bos indicus"]},
                "lpcos": [
                    {
                        "type": "N853",
                        "id": "AU-MEAT-77120",
                        "issuer": "DAFF",
                        "issued_at": "2026-10-31T15:00:00Z",
                        "quantity": {"value": "24960", "unit": "KGM"},
                        "status": "AE",
                    }
                ],
                "exemptions": [{"code": "22B03", "document": "DOC-1"}],
            },
            {
                "number": 2,
                "hs_code": "844630",
                "description": "Weaving looms",
                "origin": "JP",
                "net_mass_kg": "7250.500",
                "packages": 2,
                "attributes": {"used": True, "power_w": 7500.5},
            },
        ],
    }


def test_an_export_in_another_version_of_the_namespaces_is_read() -> None:
    """The UCR is the declaration UCR of a previous document; an indirect representative declares."""
    declaration = read_xml_file("export_without_ucr.xml")
    assert declaration.procedure is Procedure.EXPORT
    assert declaration.declarant.id == "KR5550001112"
    assert declaration.importer is not None
    assert declaration.importer.name == "Aegean Ceramics"
    assert declaration.consignment.ucr == "6KR1018112345-EXP7"
    assert declaration.consignment.transport_id == "KE0917"
    assert declaration.consignment.country_of_dispatch == "KR"
    [item] = declaration.items
    assert item.hs_code == "2507001000"
    assert item.quantity is not None
    assert (item.quantity.value, item.quantity.unit) == (Decimal(40), "ZZ")
    assert item.value is not None
    assert (item.value.amount, item.value.currency) == (Decimal("5200.10"), "USD")


def test_every_fault_is_told_at_once_with_element_and_line() -> None:
    declaration = "/MetaData/Declaration"
    first = f"{declaration}/GoodsShipment/GovernmentAgencyGoodsItem[1]"
    second = f"{declaration}/GoodsShipment/GovernmentAgencyGoodsItem[2]"
    told = {
        (f.pointer, f.line) for f in faults((DATA / "full_of_faults.xml").read_bytes(), "application/xml")
    }
    assert told == {
        (f"{declaration}/FunctionalReferenceID", 3),
        (f"{declaration}/TypeCode", 5),
        (f"{declaration}/GoodsItemQuantity", 6),
        (f"{declaration}/Declarant/ID", 3),
        (f"{declaration}/GoodsShipment/Importer", 8),
        (f"{first}/SequenceNumeric", 10),
        (f"{first}/AdditionalDocument/TypeCode", 11),
        (f"{first}/AdditionalInformation/StatementDescription", 14),
        (f"{first}/Commodity/Classification/ID", 18),
        (f"{first}/Commodity/GoodsMeasure/NetNetWeightMeasure", 19),
        (f"{first}/Commodity/InvoiceLine/ItemChargeAmount", 20),
        (f"{first}/Origin/CountryCode", 22),
        (f"{first}/Packaging/QuantityQuantity", 23),
        (f"{second}/AdditionalInformation/StatementDescription", 29),
    }


@pytest.mark.parametrize(
    ("code", "procedure"),
    [
        ("IMA", "import"),
        ("EXD", "export"),
        ("929", "import"),
        ("830", "export"),
        ("T1", "transit"),
        ("TIR", "transit"),
    ],
)
def test_the_type_of_declaration_tells_the_procedure(code: str, procedure: str) -> None:
    body = _edited("import_beef_and_looms.xml", ("<TypeCode>IMA<", f"<TypeCode>{code}<"))
    assert read(body, "text/xml").declaration.procedure == procedure


@pytest.mark.parametrize(("requested", "procedure"), [("40", "import"), ("10", "export"), ("31", "export")])
def test_trade_within_a_union_goes_the_way_its_requested_procedure_says(
    requested: str, procedure: str
) -> None:
    body = _edited(
        "import_beef_and_looms.xml",
        ("<TypeCode>IMA<", "<TypeCode>COA<"),
        ("<CurrentCode>40<", f"<CurrentCode>{requested}<"),
    )
    assert read(body, "application/xml").declaration.procedure == procedure


@pytest.mark.parametrize("function", ["1", "5", "13", "4", "77"])
def test_what_is_not_an_original_is_refused_for_that_alone(function: str) -> None:
    body = _edited("full_of_faults.xml", ("<FunctionCode>9<", f"<FunctionCode>{function}<"))
    [fault] = faults(body, "application/xml")
    assert fault.pointer == "/MetaData/Declaration/FunctionCode"
    assert "to amend one, post the whole of it" in fault.detail


@pytest.mark.parametrize(
    ("edits", "declarant"),
    [
        ([], "KR1148615523"),
        ([("<Declarant><ID>KR1148615523</ID><Name>Namsan Foods</Name></Declarant>", "")], "KR1148615523"),
        (
            [
                ("<Declarant><ID>KR1148615523</ID><Name>Namsan Foods</Name></Declarant>", "<Declarant/>"),
                ("<FunctionCode>2<", "<FunctionCode>3<"),
            ],
            "KR1208147521",
        ),
        (
            [
                ("<Declarant><ID>KR1148615523</ID><Name>Namsan Foods</Name></Declarant>", ""),
                ("<Importer><ID>KR1148615523</ID></Importer>", ""),
            ],
            "KR1208147521",
        ),
    ],
)
def test_without_a_declarant_the_law_says_who_declares(edits: list[tuple[str, str]], declarant: str) -> None:
    """Declarant, indirect representative, trader, direct representative: in this order."""
    body = _edited("import_beef_and_looms.xml", *edits)
    assert read(body, "application/xml").declaration.declarant.id == declarant


def test_without_any_reference_the_consignment_is_named_by_the_lrn() -> None:
    body = _edited("export_without_ucr.xml", ("<TypeCode>DCR<", "<TypeCode>355<"))
    assert read(body, "application/xml").declaration.consignment.ucr == "EXP-2026-7"


@pytest.mark.parametrize(
    ("code", "written", "moment"),
    [
        ("102", "20261124", datetime(2026, 11, 23, 15, tzinfo=UTC)),
        ("203", "202611240630", datetime(2026, 11, 23, 21, 30, tzinfo=UTC)),
        ("204", "20261124063015", datetime(2026, 11, 23, 21, 30, 15, tzinfo=UTC)),
        ("304", "20261124063015Z", datetime(2026, 11, 24, 6, 30, 15, tzinfo=UTC)),
        ("304", "20261124063015+01", datetime(2026, 11, 24, 5, 30, 15, tzinfo=UTC)),
        ("303", "202611240630-0330", datetime(2026, 11, 24, 10, 0, tzinfo=UTC)),
    ],
)
def test_dates_are_read_as_their_format_code_says(code: str, written: str, moment: datetime) -> None:
    """Where no offset is written, the administration's own zone counts."""
    body = _edited("import_beef_and_looms.xml", ('"304">20261124063000+0900', f'"{code}">{written}'))
    assert read(body, "application/xml").declaration.consignment.arrives_at == moment


@pytest.mark.parametrize(
    ("code", "written"),
    [
        ("304", "2026-11-24"),
        ("304", "20261324000000Z"),
        ("999", "x"),
        ("304", "00010101000000+14"),
        ("102", "²0261124"),
    ],
)
def test_a_date_that_cannot_be_read_is_a_fault(code: str, written: str) -> None:
    body = _edited("import_beef_and_looms.xml", ('"304">20261124063000+0900', f'"{code}">{written}'))
    [fault] = faults(body, "application/xml")
    assert fault.pointer == "/MetaData/Declaration/BorderTransportMeans/ArrivalDateTime"


def test_two_commodity_codes_for_one_item_are_a_fault() -> None:
    body = _edited(
        "export_without_ucr.xml",
        (
            "<Classification><ID>2507.00.1000</ID></Classification>",
            "<Classification><ID>250700</ID></Classification>" * 2,
        ),
    )
    assert read(body, "application/xml").declaration.items[0].hs_code == "250700"
    [fault] = faults(body.replace(b"250700", b"250800", 1), "application/xml")
    assert fault.pointer is not None
    assert fault.pointer.endswith("/Commodity/Classification[2]/ID")


@pytest.mark.parametrize(
    "body",
    [
        b"<Declaration/>",
        b"<html xmlns='http://www.w3.org/1999/xhtml'/>",
        b"<MetaData xmlns='urn:wco:datamodel:WCO:DocumentMetaData-DMS:2'/>",
        b"<MetaData xmlns='urn:wco:datamodel:X'><Response/></MetaData>",
        b"<MetaData xmlns='urn:wco:datamodel'><Declaration>1</Declaration>"
        b"<Declaration>2</Declaration></MetaData>",
        b"<Declaration xmlns='urn:wco:datamodel:X'>x</Declaration>",
        b"<Declaration xmlns='urn:wco:datamodel:X'><FunctionCode>9</FunctionCode></Declaration>",
        b"<Declaration xmlns='urn:wco:datamodel:X'><FunctionCode>9</FunctionCode>"
        b"<GoodsShipment>x</GoodsShipment></Declaration>",
    ],
)
def test_xml_that_holds_no_declaration_is_told_so(body: bytes) -> None:
    assert faults(body, "application/xml")


def test_faults_of_many_items_are_told_each_in_its_place() -> None:
    text = (DATA / "export_without_ucr.xml").read_text(encoding="utf-8").replace("5200.10", "much")
    begin, end = text.index("<GovernmentAgencyGoodsItem>"), text.index("</GoodsShipment>")
    items = [text[begin:end].replace("Numeric>1<", f"Numeric>{n}<") for n in range(1, 301)]
    told = faults((text[:begin] + "".join(items) + text[end:]).encode(), "application/xml")
    goods = "/MetaData/Declaration/GoodsShipment/GovernmentAgencyGoodsItem"
    assert [f.pointer for f in told] == [f"{goods}[{n}]/StatisticalValueAmount" for n in range(1, 301)]


def test_elements_of_other_namespaces_are_not_read() -> None:
    body = _edited(
        "export_without_ucr.xml",
        ("<TypeCode>830</TypeCode>", "<TypeCode xmlns='urn:other'>929</TypeCode><TypeCode>830</TypeCode>"),
    )
    assert read(body, "application/xml").declaration.procedure is Procedure.EXPORT


# --- samples of a real customs service, beside the project ------------------------------------------------

SAMPLES = Path(__file__).parents[3] / "shared" / "domain" / "wco"


def _samples() -> list[Path]:
    return sorted(SAMPLES.glob("*.xml"))


@pytest.mark.skipif(not _samples(), reason="the published samples are not beside this repository")
@pytest.mark.parametrize("path", _samples(), ids=lambda path: path.stem[:20])
def test_a_published_sample_is_read_as_it_stands_or_refused_for_what_is_true_of_it(path: Path) -> None:
    """Compared with the document itself, by XPath."""
    root = etree.parse(path).getroot()

    def texts(path: str, within: etree._Element = root) -> list[str]:
        steps = "/".join(f"*[local-name()='{name}']" for name in path.split("/"))
        return [(e.text or "").strip() for e in within.xpath(f".//{steps}")]

    items = root.xpath("//*[local-name()='GovernmentAgencyGoodsItem']")
    try:
        declaration = read_declaration(
            path.read_bytes(), MediaType("application/xml", None), rulebook()
        ).declaration
    except ApiProblem as problem:
        for fault in problem.faults:
            if fault.pointer == "/MetaData/Declaration/FunctionCode":
                assert texts("Declaration/FunctionCode") != ["9"]
            else:
                assert "no commodity code" in fault.detail
                assert any(not texts("Classification/ID", item) for item in items)
        return
    assert texts("Declaration/FunctionCode") == ["9"]
    assert declaration.lrn == texts("FunctionalReferenceID")[0]
    assert len(declaration.items) == len(items)
    for item, element in zip(declaration.items, items, strict=True):
        assert item.number == int(texts("SequenceNumeric", element)[0])
        codes = dict(
            zip(
                texts("Classification/IdentificationTypeCode", element),
                texts("Classification/ID", element),
                strict=True,
            )
        )
        assert item.hs_code == codes["TSP"] + codes.get("TRC", "")
        assert [item.origin] == (texts("Origin/CountryCode", element) or [None])
        assert [item.net_mass_kg] == ([Decimal(t) for t in texts("NetNetWeightMeasure", element)] or [None])
        assert [item.gross_mass_kg] == ([Decimal(t) for t in texts("GrossMassMeasure", element)] or [None])
        types = zip(
            texts("AdditionalDocument/CategoryCode", element),
            texts("AdditionalDocument/TypeCode", element),
            strict=True,
        )
        assert [lpco.type for lpco in item.lpcos] == [a + b for a, b in types]
        assert [lpco.id for lpco in item.lpcos] == texts("AdditionalDocument/ID", element)


def test_a_code_shorter_than_the_tariff_is_told_at_its_classification() -> None:
    """TSP without TRC has eight digits."""
    [fault] = faults((DATA / "import_beef_and_looms.xml").read_bytes(), "application/xml", hs_digits=10)
    assert fault.pointer is not None
    assert fault.pointer.endswith("GovernmentAgencyGoodsItem[2]/Commodity/Classification/ID")
    assert fault.detail == "has 6 digits; this administration's tariff has 10"


def test_an_amount_without_a_currency_is_left_out() -> None:
    """It bears on nothing the hub decides."""
    [item] = read(
        _edited("export_without_ucr.xml", (' currencyID="USD"', "")), "application/xml"
    ).declaration.items
    assert item.value is None


def test_the_office_in_the_form_of_the_model() -> None:
    """DeclarationOffice/ID, as the WCO's own class names it."""
    edited = _edited(
        "import_beef_and_looms.xml",
        ("<DeclarationOfficeID>", "<DeclarationOffice><ID>"),
        ("</DeclarationOfficeID>", "</ID></DeclarationOffice>"),
    )
    assert read(edited, "application/xml").declaration.office == "KRINC030"
