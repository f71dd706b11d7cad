"""SOAP over real sockets, by nothing but a file and a contract: sent, answered and recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from lxml import etree

from hub.adapters.check import check_channels
from hub.adapters.gateway import Gateway
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyRefused, InDoubt, NotUnderstood
from tests.adapters.soap_desk import DATA, ENVELOPE, P, enveloped
from tests.adapters.support import MRN, NOW, SEOUL, agency, dossier, merged
from tests.adapters.system import System, answer, system

CHANNEL: dict[str, Any] = {
    "adapter": "soap",
    "contract": "permits.wsdl",
    "submit": {
        "operation": "Apply",
        "service": "DeskService",
        "port": "Desk",
        "soap_header": {"sender": {"Id": "ABCD"}, "trace": "=referral.id"},
        "request": {"Number": "AB-1", "Kind": "=declaration.procedure", "Pieces": "=items.size()"},
        "receipt": {"reference": "=reply.Receipt"},
        "decision": {"word": '="ok"', "when": "=reply.Scan != null"},
    },
}
RECEIPT = enveloped("<p:ApplyResponse><p:Receipt>R-1</p:Receipt></p:ApplyResponse>")


def desk(url: str = "http://agency.example", **submit: Any) -> AgencyFile:
    """An agency with the contract of `permits.wsdl`, whose submission differs in this."""
    channel = merged(CHANNEL, {"endpoint": url, "submit": submit})
    services = agency("kats").model_dump(mode="json")["services"]
    about: dict[str, Any] = {"agency": "desk", "name": {"en": "Desk"}, "contact": "desk@agency.example"}
    about |= {"services": services, "channel": channel, "verdicts": {"ok": "approved"}}
    return AgencyFile.model_validate(about)


@asynccontextmanager
async def gateway(file: AgencyFile) -> AsyncIterator[Gateway]:
    made = Gateway({"desk": file}, {"desk": "v1"}, DATA, {}, {"desk": SEOUL}, lambda: NOW)
    try:
        yield made
    finally:
        await made.close()


async def submit(running: System, **submit: Any) -> Any:
    file = desk(f"{running.url}/desk", **submit)
    async with gateway(file) as made:
        return await made.submit(dossier(file))


def faults(**submit: Any) -> list[tuple[str, str]]:
    found = check_channels({"desk": desk(**submit)}, DATA, {})
    return [(".".join(map(str, fault.key)), fault.what) for fault in found if fault.key[1:2] != ("contract",)]


async def test_header_and_body_reach_the_agency() -> None:
    """An agency whose contract nobody has seen, on line with YAML alone."""
    with system(answer(200, RECEIPT)) as running:
        submission = await submit(running)
    assert submission.receipt.reference == "R-1"
    [heard] = running.heard
    header, body = etree.fromstring(heard.body)
    assert heard.path == "/desk"
    assert heard.headers["soapaction"] == '"urn:apply"'
    assert header.find(f"{{{P}}}Sender/{{{P}}}Id").text == "ABCD"
    assert header.find("trace").text == f"{MRN}/{next(iter(desk().services))}"
    assert body[0].find(f"{{{P}}}Pieces").text == "2"


async def test_an_operation_may_live_elsewhere() -> None:
    """`endpoint` of an operation, and its own action."""
    with system(answer(200, RECEIPT)) as running, system(answer(500)) as other:
        where = {"endpoint": f"{running.url}/elsewhere", "soap_action": "urn:own"}
        assert (await submit(other, **where)).receipt.reference == "R-1"
    assert other.heard == []
    assert (running.heard[0].path, running.heard[0].headers["soapaction"]) == ("/elsewhere", '"urn:own"')


async def test_an_attachment_is_read_and_recorded_as_a_note() -> None:
    """MTOM from the socket; what is kept for people is text."""
    scan = '<p:Scan><i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:scan"/></p:Scan>'
    envelope = enveloped(f"<p:ApplyResponse><p:Receipt>R-2</p:Receipt>{scan}</p:ApplyResponse>")
    parts = (
        f"--b\r\nContent-Type: application/xop+xml\r\nContent-ID: <root>\r\n\r\n{envelope}\r\n"
        "--b\r\nContent-Type: application/pdf\r\nContent-ID: <scan>\r\n\r\n"
    )
    whole = parts.encode() + b"%PDF\x00\xff\xfe" + b"\r\n--b--\r\n"
    kind = 'multipart/related; boundary=b; start="<root>"; type="application/xop+xml"'
    with system(answer(200, whole, Content_Type=kind)) as running:
        submission = await submit(running)
    assert [decision.word for decision in submission.decisions] == ["ok"]
    assert "application/xop+xml" in running.heard[0].headers["accept"]
    [exchange] = submission.exchanges
    assert "R-2" in exchange.reply["body"]
    assert "[application/pdf: 7 bytes that are no text]" in exchange.reply["body"]
    assert "%PDF" not in exchange.reply["body"]


async def test_what_breaks_the_contract_is_never_sent() -> None:
    """A value that the schemas do not let through is for a person to look at."""
    words = r"the request cannot be written: Number: .*pattern"
    with system(answer(200, RECEIPT)) as running, pytest.raises(NotUnderstood, match=words):
        await submit(running, request={"Number": "=referral.mrn"})
    assert running.heard == []


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (500, f"<f:Fault xmlns:f='{ENVELOPE}'><faultcode>f:Client</faultcode>%s</f:Fault>"),
        (401, "<Fault><Code><Value>Sender</Value></Code>%s</Fault>"),
        (200, "<faults:Fault xmlns:faults='urn:f'><faultcode>Client</faultcode>%s</faults:Fault>"),
    ],
)
async def test_a_fault_reaches_operations_whole(status: int, fault: str) -> None:
    """Whatever its version, its namespace and its status; the detail is told to its last word."""
    fields = "".join(f"<field>line {n} is wrong</field>" for n in range(100))
    said = enveloped(fault % f"<detail><list>{fields}</list></detail>")
    whole = r"line 0 is wrong .* line 99 is wrong"
    with system(answer(status, said)) as running, pytest.raises(AgencyRefused, match=whole):
        await submit(running)


async def test_an_empty_500_is_in_doubt() -> None:
    """Nothing is said of what was done."""
    with system(answer(500)) as running, pytest.raises(InDoubt, match="status 500"):
        await submit(running)


def test_a_sound_file_has_no_faults() -> None:
    """Sample values break facets, and that is no fault of the file's."""
    assert faults() == []


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        ({"soap_header": None}, "soap_header", "sender is required by the contract and missing"),
        ({"soap_header": {"sender": None}}, "soap_header.sender", "required"),
        ({"soap_header": {"sender": {"Idd": "ABCD"}}}, "soap_header.sender.Idd", "not in the contract"),
        ({"soap_header": {"sender": {"Id": "TOO LONG"}}}, "soap_header.sender.Id", "length"),
        ({"soap_header": {"trace": "=items[9].number"}}, "soap_header.trace", "fails"),
        ({"request": {"Kind": "imprt"}}, "request.Kind", "'import', 'export'"),
        (
            {"request": {"Party": [{"Name": "=referral.id", "role": "both"}]}},
            "request.Party.role",
            "enumeration",
        ),
        ({"request": {"Pieces": None}}, "request.Deadline", "Weight, Pieces"),
        ({"endpoint": "ftp://agency.example"}, "endpoint", "http"),
        ({"service": None, "port": None}, "operation", "name service and port"),
        ({"operation": "Find"}, "operation", "Find/ByNumber"),
    ],
)
def test_a_fault_is_told_at_load_where_it_can_be_known(change: dict[str, Any], key: str, words: str) -> None:
    """Constants that can never fit, headers that are missing, names that mean several things."""
    found = faults(**change)
    assert any(at == f"channel.submit.{key}" and words in what for at, what in found), found
