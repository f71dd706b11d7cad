"""A running simulator, a hub that takes callbacks, and one sample application for each contract."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import requests
import zeep
import zeep.wsse.username

from hub.adapters.gateway import Gateway
from hub.config.loader import Configuration
from hub.domain.declaration import Consignment, Declarant, Declaration, GoodsItem, Lpco, Party
from hub.domain.exchange import Dossier
from hub.domain.model import Measure
from hub.domain.referral import ReferralTerms
from hub.simulator.environment import environment
from hub.simulator.server import serve

FOLDER = Path(__file__).parents[2] / "adapters_config"
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ"

T = TypeVar("T")


def new_mrn() -> str:
    return "26KR" + "".join(secrets.choice(_LETTERS) for _ in range(13)) + "7"


def until(read: Callable[[], T], fits: Callable[[T], bool] = bool, within: float = 10.0) -> T:
    """What `read` gives as soon as it fits."""
    deadline = time.monotonic() + within
    while not fits(seen := read()):
        assert time.monotonic() < deadline, f"still {seen!r}"
        time.sleep(0.01)
    return seen


@dataclass(frozen=True)
class Callback:
    """One callback as the hub got it."""

    agency: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class FakeHub:
    """Takes callbacks; answers with `status`, or with the next of `statuses` as long as there are any."""

    url: str
    received: list[Callback] = field(default_factory=list)
    status: int = 202
    statuses: list[int] = field(default_factory=list)

    def about(self, text: str) -> list[Callback]:
        """Callbacks whose body holds a text."""
        return [one for one in self.received if text.encode() in one.body]


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    hub = FakeHub("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            agency = self.path.removeprefix("/v1/agencies/").removesuffix("/callbacks")
            hub.received.append(Callback(agency, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(hub.statuses.pop(0) if hub.statuses else hub.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Simulator:
    """A simulator that runs in a thread of its own."""

    url: str
    secrets: Mapping[str, str]
    hub: FakeHub

    def of(self, agency: str) -> str:
        return f"{self.url}/{agency}"

    def secret(self, name: str) -> str:
        return self.secrets[name]

    def behave(self, agency: str, behaviour: str, delay_ms: int = 2000) -> None:
        answer = requests.put(
            f"{self.url}/_simulator/agencies/{agency}",
            json={"behaviour": behaviour, "delay_ms": delay_ms},
            timeout=5,
        )
        answer.raise_for_status()

    def timings(self, **milliseconds: int) -> None:
        requests.put(f"{self.url}/_simulator/timings", json=milliseconds, timeout=5).raise_for_status()

    def ledger(self, **filters: str) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/_simulator/ledger", params=filters, timeout=5)
        answer.raise_for_status()
        read: dict[str, Any] = answer.json()
        return read

    def entry(self, agency: str, mrn: str) -> dict[str, Any]:
        """The one application of an agency and a declaration."""
        (entry,) = self.ledger(agency=agency, mrn=mrn)["applications"]
        found: dict[str, Any] = entry
        return found

    def reset(self) -> None:
        requests.delete(f"{self.url}/_simulator/ledger", timeout=5).raise_for_status()
        self.timings(callback=40, poll=60, late=250, retry=20, retry_most=100)
        self.hub.received.clear()
        self.hub.statuses.clear()
        self.hub.status = 202


@contextmanager
def running(
    configuration: Configuration, hub: FakeHub, *, data_folder: Path | None = None, cargo_token: str = "cargo"
) -> Iterator[Simulator]:
    """A simulator of every agency, on a port of its own."""
    values = {**environment(configuration.agencies, "http://unused", "seed"), "HUB_CARGO_TOKEN": cargo_token}
    ready, ports, failures = threading.Event(), [], []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def listening(port: int) -> None:
        ports.append(port)
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(
                serve(
                    configuration,
                    host="127.0.0.1",
                    port=0,
                    hub_url=hub.url,
                    environment=values,
                    data_folder=data_folder,
                    stop=stop,
                    listening=listening,
                )
            )
        except BaseException as wrong:
            failures.append(wrong)
            raise
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(20)
    assert not failures, failures
    try:
        yield Simulator(f"http://127.0.0.1:{ports[0]}", values, hub)
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        thread.join(20)


# --- clients ------------------------------------------------------------------------------------------


def soap_service(simulator: Simulator, agency: str, contract: str, **token: Any) -> Any:
    """zeep's proxy for an agency, with the credentials its channel has."""
    session = requests.Session()
    upper = agency.upper()
    wsse = None
    if f"{upper}_TOKEN" in simulator.secrets:
        session.headers["Authorization"] = f"Bearer {simulator.secret(f'{upper}_TOKEN')}"
    elif contract == "soap11-wssec":
        wsse = zeep.wsse.username.UsernameToken(
            simulator.secret(f"{upper}_USER"),
            token.pop("password", simulator.secret(f"{upper}_PASSWORD")),
            **{"use_digest": True, **token},
        )
    elif f"{upper}_USER" in simulator.secrets:
        session.auth = (simulator.secret(f"{upper}_USER"), simulator.secret(f"{upper}_PASSWORD"))
    header = {"soap11-bare": "X-Desk-Key", "soap11-oneway": "X-Exchange-Key"}.get(contract)
    if header:
        session.headers[header] = simulator.secret(f"{upper}_KEY")
    client = zeep.Client(
        str(FOLDER / "contracts" / f"{contract}.wsdl"),
        transport=zeep.Transport(session=session, timeout=10, operation_timeout=10),
        wsse=wsse,
    )
    (service,) = client.wsdl.services.values()
    (port,) = service.ports.values()
    return client.create_service(port.binding.name.text, simulator.of(agency))


def rest_session(simulator: Simulator, agency: str) -> requests.Session:
    """A session with the credentials an agency's channel has."""
    session = requests.Session()
    upper = agency.upper()
    if f"{upper}_TOKEN" in simulator.secrets:
        session.headers["Authorization"] = f"Bearer {simulator.secret(f'{upper}_TOKEN')}"
    elif f"{upper}_USER" in simulator.secrets:
        session.auth = (simulator.secret(f"{upper}_USER"), simulator.secret(f"{upper}_PASSWORD"))
    else:
        name = "X-Lab-Key" if agency in ("ktl", "ktc", "ktr", "kcl") else "X-Api-Key"
        session.headers[name] = simulator.secret(f"{upper}_KEY")
    return session


# --- one application for each contract ------------------------------------------------------------------


def wrapped(mrn: str, service: str = "apqa-plant-import", ucr: str = "UCR1") -> dict[str, Any]:
    return {
        "RequestNo": f"{mrn}/{service}",
        "ServiceCd": service,
        "DeclNo": mrn,
        "ProcCd": "IM",
        "Ucr": ucr,
        "Applicant": {"Name": "수입상사", "BizNo": "1234567890"},
        "Declarant": {"Id": "B1", "Name": "Broker"},
        "PermitNo": "P-1",
        "Items": {
            "Item": [
                {
                    "No": 1,
                    "HsCd": "0805100000",
                    "GoodsNm": "Oranges",
                    "OriginCd": "US",
                    "Qty": "10.5",
                    "QtyUnitCd": "KGM",
                    "NetKg": "1200.25",
                    "UsedYn": "N",
                    "Species": "Citrus sinensis",
                },
                {"No": 3, "HsCd": "0806100000"},
            ]
        },
    }


def bare(mrn: str, service: str = "reo-hazchem", ucr: str = "UCR1") -> dict[str, Any]:
    return {
        "applicationKey": f"{mrn}/{service}",
        "permitKind": service,
        "declarationNo": mrn,
        "movement": "반입",
        "cargoReference": ucr,
        "agent": {"registrationNo": "B1"},
        "goods": [
            {"no": 1, "hsk": "2805401000", "netMassKg": "12.5", "concentrationPercent": "99.9"},
            {"no": 3, "hsk": "280540"},
        ],
    }


def rpc(mrn: str, service: str = "kinac-nuclear-material", ucr: str = "UCR1") -> dict[str, Any]:
    return {
        "application": {
            "sendNo": f"{mrn}/{service}",
            "business": service,
            "customsNo": mrn,
            "direction": 1,
            "consignmentNo": ucr,
            "lodger": {"number": "B1"},
            "goods": [
                {"serial": 1, "hsCode": "2844300000", "property": [{"name": "used", "value": "false"}]},
                {"serial": 3, "hsCode": "284430"},
            ],
        }
    }


def soap12(mrn: str, service: str = "kpta-drug", ucr: str = "UCR1") -> dict[str, Any]:
    return {
        "ReportKey": f"{mrn}/{service}",
        "ReportType": service,
        "DeclarationNumber": mrn,
        "Direction": "import",
        "ConsignmentReference": ucr,
        "Broker": {"BusinessNumber": "B1"},
        "Product": [{"line": 1, "HsCode": "3004900000"}, {"line": 3, "HsCode": "300490"}],
    }


def wssec(mrn: str, service: str = "npa-firearms", ucr: str = "UCR1") -> dict[str, Any]:
    return {
        "HubReference": f"{mrn}/{service}",
        "LicenceType": service,
        "MovementReference": mrn,
        "Movement": "I",
        "Consignment": ucr,
        "Representative": {"Name": "Broker", "RegistrationId": "B1"},
        "Articles": {
            "Article": [
                {"ItemNumber": 1, "TariffCode": "9302000000"},
                {"ItemNumber": 3, "TariffCode": "930200"},
            ]
        },
    }


def oneway(mrn: str, service: str = "katri-child-textile", ucr: str = "UCR1") -> dict[str, Any]:
    return {
        "DocumentId": f"{mrn}/{service}",
        "Programme": service,
        "Mrn": mrn,
        "Procedure": "import",
        "Ucr": ucr,
        "Agent": {"Code": "B1"},
        "Line": [{"LineNo": 1, "HSK": "6111200000"}, {"LineNo": 3, "HSK": "611120"}],
    }


def immediate(mrn: str, service: str = "rra-conformity", ucr: str = "UCR1") -> dict[str, Any]:
    return {
        "reference": f"{mrn}/{service}",
        "service": service,
        "declaration": {"number": mrn, "procedure": "import", "ucr": ucr},
        "declarant": {"registration": "B1"},
        "goods": [
            {"line": 1, "hs": "8517620000", "quantity": "10.5", "unit": "NAR", "properties": {"used": False}},
            {"line": 3, "hs": "851762"},
        ],
    }


def ticket(mrn: str, service: str = "mfds-narcotics", ucr: str = "UCR1") -> dict[str, Any]:
    return {
        "clientReference": f"{mrn}/{service}",
        "programme": service,
        "customs": {"declarationNo": mrn, "regime": "IM", "ucr": ucr},
        "filer": {"bizNo": "B1"},
        "items": [{"no": 1, "hsCode": "2939110000", "netKg": "0.25"}, {"no": 3, "hsCode": "293911"}],
    }


def box(mrn: str, service: str = "kmdia-device", ucr: str = "UCR1") -> dict[str, Any]:
    return {
        "submissionId": f"{mrn}/{service}",
        "serviceCode": service,
        "mrn": mrn,
        "procedureCode": "import",
        "ucr": ucr,
        "agent": {"identifier": "B1"},
        "goodsItems": [
            {"sequence": 1, "commodityCode": "9018120000", "netMass": {"value": "2.5", "unit": "KGM"}},
            {"sequence": 3, "commodityCode": "901812"},
        ],
    }


def check(mrn: str, service: str = "ktl-electrical-cert", ucr: str = "UCR1") -> dict[str, Any]:
    return {
        "scheme": service,
        "customs_declaration": mrn,
        "procedure": "import",
        "consignment": ucr,
        "requested_by": {"id": "B1"},
        "models": [{"line": 1, "hs_code": "8509400000"}, {"line": 3, "hs_code": "850940"}],
    }


def register(mrn: str, service: str = "niwdc-wildlife-quarantine", ucr: str = "UCR1") -> dict[str, Any]:
    return {
        "requestReference": f"{mrn}/{service}",
        "kind": service,
        "declarationNumber": mrn,
        "movement": "import",
        "consignment": ucr,
        "lodgedBy": {"number": "B1"},
        "specimens": [{"item": 1, "hsCode": "0106200000"}, {"item": 3, "hsCode": "010620"}],
    }


# --- through the hub's own gateway ------------------------------------------------------------------------


def gateway_to(simulator: Simulator, configuration: Configuration) -> Gateway:
    """The hub's gateway to the simulated agencies."""
    return Gateway(
        configuration.agencies,
        configuration.versions,
        configuration.folder,
        environment(configuration.agencies, simulator.url, "seed"),
        {slug: ZoneInfo(str(calendar.zone)) for slug, calendar in configuration.calendars.items()},
        lambda: datetime.now(UTC),
    )


BARE = GoodsItem(number=1, hs_code="080510")
FULL = GoodsItem(
    number=3,
    hs_code="0805100000",
    description='Oranges & "Lemons" <fresh>, 오렌지',
    origin="US",
    quantity=Measure(value=Decimal("10.50"), unit="KGM"),
    net_mass_kg=Decimal("1200.250"),
    gross_mass_kg=Decimal(1300),
    attributes={
        "used": True,
        "species": "Citrus sinensis",
        "cas_numbers": ("50-00-0", "64-17-5"),
        "concentration_percent": Decimal("1.5"),
        "intended_use": "food",
    },
)


def dossier_for(configuration: Configuration, code: str, *, full: bool = True, ucr: str = "UCR1") -> Dossier:
    """What a service is asked; `full` says all that may be said, otherwise the least."""
    slug = next(slug for slug, agency in configuration.agencies.items() if code in agency.services)
    service = configuration.agencies[slug].services[code]
    document = Lpco(type=(service.document_types or ["911"])[0], id="PERMIT-7")
    parties = (
        {
            "importer": Party(id="1234567890", name="수입상사 & Co", address="Seoul", country="KR"),
            "exporter": Party(id="9876543210", name="Export Ltd", country="US"),
        }
        if full
        else {}
    )
    mrn = new_mrn()
    return Dossier(
        declaration=Declaration(
            lrn="L1",
            procedure=service.procedure[0],
            declarant=Declarant(id="B1", name="관세사") if full else Declarant(id="B1"),
            consignment=Consignment(ucr=ucr),
            items=(BARE, GoodsItem(number=2, hs_code="999999"), FULL) if full else (BARE,),
            lpcos=(document,) if full else (),
            **parties,
        ),
        terms=ReferralTerms(
            id=f"{mrn}/{code}",
            mrn=mrn,
            service=code,
            agency=slug,
            service_name=service.name,
            law=service.law,
            document=service.document,
            items=(1, 3) if full else (1,),
            answers=service.answers,
            answer_within=service.answer_within,
            due_at=datetime.now(UTC) + timedelta(days=3),
            on_expiry=service.on_expiry,
            config_version="",
        ),
        accepted_at=datetime.now(UTC),
    )
