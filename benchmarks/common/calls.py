"""
Calls to the agencies and to the cargo system.

REST by requests with one session, SOAP by zeep with clients that are built once.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import _basic_auth_str
from zeep import Client, Transport
from zeep.exceptions import Fault
from zeep.exceptions import TransportError as ZeepTransportError

from benchmarks.agencies import Agency, Kind, read_list
from benchmarks.common.surroundings import surroundings

_TIMEOUT = 20.0
_CONNECTIONS = 64


class Unavailable(Exception):
    """Not reached, or busy: to be tried again."""


@dataclass(frozen=True)
class Decision:
    """An agency's word."""

    word: str
    reference: str


@dataclass(frozen=True)
class Reply:
    """What came of a request, with what went over the wire."""

    receipt: str
    decision: Decision | None
    request: str
    answer: str
    status: int
    milliseconds: int


class _Transport(Transport):
    """Keeps the last request and answer of each thread, to be recorded."""

    def __init__(self, session: requests.Session) -> None:
        super().__init__(session=session, operation_timeout=_TIMEOUT)
        self.last = threading.local()

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> requests.Response:
        answer: requests.Response = super().post(address, message, headers)
        self.last.request, self.last.answer = message, answer
        return answer


class Directory:
    """Who the agencies are."""

    def __init__(self, agencies: list[Agency]) -> None:
        self._agencies = {agency.slug: agency for agency in agencies}
        self._by_code: dict[str, list[str]] = {}
        for agency in agencies:
            for code in agency.hs:
                self._by_code.setdefault(code, []).append(agency.slug)

    def __getitem__(self, slug: str) -> Agency:
        return self._agencies[slug]

    def needed(self, declaration: dict[str, Any]) -> list[str]:
        """Those that a declaration needs, by the tariff code of its goods."""
        return self._by_code[declaration["items"][0]["hs_code"][:6]]


class Calls:
    """Every agency, and the cargo system. One of these for each process; for any number of threads."""

    def __init__(self, agencies: list[Agency], cargo_url: str) -> None:
        self._agencies = {agency.slug: agency for agency in agencies}
        self._cargo_url = cargo_url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", HTTPAdapter(pool_connections=8, pool_maxsize=_CONNECTIONS))
        self._transport = _Transport(self._session)
        contracts = {each.contract for each in agencies if each.kind in (Kind.SOAP_REPLY, Kind.SOAP_POLL)}
        self._clients = {contract: Client(contract, transport=self._transport) for contract in contracts}
        self._services = {
            agency.slug: self._service(agency) for agency in agencies if agency.contract in self._clients
        }

    def submit(self, slug: str, mrn: str, declaration: dict[str, Any]) -> Reply:
        """Put a declaration to an agency. Raises Unavailable; what else goes wrong is raised as it is."""
        return self.send(slug, write(self._agencies[slug], mrn, declaration))

    def send(self, slug: str, content: dict[str, Any]) -> Reply:
        """Put what `write` has written to an agency."""
        agency = self._agencies[slug]
        match agency.kind:
            case Kind.REST_REPLY:
                return self._rest(agency, "/v1/reviews", content)
            case Kind.REST_CALLBACK:
                return self._rest(agency, "/submissions", content)
            case Kind.SOAP_REPLY:
                return self._soap(agency, "Apply", content)
            case Kind.SOAP_POLL:
                return self._soap(agency, "RequestConfirmation", content)

    def poll(self, slug: str, receipt: str) -> Reply:
        """Ask whether it is decided. Raises as `submit`."""
        return self._soap(self._agencies[slug], "GetResult", {"ReceiptNo": receipt})

    def tell_cargo(self, notice: dict[str, Any]) -> str:
        """Tell the cargo system the outcome; its acknowledgement. Raises Unavailable."""
        try:
            answer = self._session.post(
                f"{self._cargo_url}/cargo/notices",
                json=notice,
                headers={"Idempotency-Key": notice["key"]},
                timeout=_TIMEOUT,
            )
        except requests.RequestException as wrong:
            raise Unavailable(str(wrong)) from wrong
        if answer.status_code >= 500:
            raise Unavailable(f"status {answer.status_code}")
        answer.raise_for_status()
        return answer.text

    def _service(self, agency: Agency) -> Any:
        client = self._clients[agency.contract]
        return client.create_service(next(iter(client.wsdl.bindings)), agency.url)

    def _rest(self, agency: Agency, path: str, content: dict[str, Any]) -> Reply:
        began = time.perf_counter()
        try:
            answer = self._session.post(
                agency.url + path, json=content, headers=_proof(agency), timeout=_TIMEOUT
            )
        except requests.RequestException as wrong:
            raise Unavailable(str(wrong)) from wrong
        if answer.status_code >= 500:
            raise Unavailable(f"status {answer.status_code}")
        # 409 of the box: it has it already, with the first receipt.
        if answer.status_code != 409:
            answer.raise_for_status()
        body = answer.json()
        decision = None
        if "finding" in body:
            decision = Decision(body["finding"], body.get("certificate", ""))
        receipt = body["review_id"] if agency.kind is Kind.REST_REPLY else body["receiptNo"]
        sent = answer.request.body
        return _reply(began, receipt, decision, sent if isinstance(sent, bytes) else b"", answer)

    def _soap(self, agency: Agency, operation: str, content: dict[str, Any]) -> Reply:
        began = time.perf_counter()
        client = self._clients[agency.contract]
        try:
            with client.settings(extra_http_headers=_proof(agency)):
                reply = getattr(self._services[agency.slug], operation)(**content)
        except requests.RequestException as wrong:
            raise Unavailable(str(wrong)) from wrong
        except ZeepTransportError as wrong:
            raise Unavailable(str(wrong)) from wrong
        except Fault as fault:
            if "E503" in str(fault):
                raise Unavailable(str(fault)) from fault
            raise
        last = self._transport.last
        if agency.kind is Kind.SOAP_REPLY:
            if reply.header.code.startswith("9"):
                raise Unavailable(reply.header.text)
            decision = reply.ruling and Decision(reply.ruling.judgement, reply.ruling.permitNo or "")
            return _reply(began, reply.permitReceipt, decision, last.request, last.answer)
        decision = None
        if operation == "GetResult" and reply.State == "DECIDED":
            decision = Decision(reply.Result.ResultCd, reply.Result.CertNo or "")
        return _reply(began, getattr(reply, "ReceiptNo", ""), decision, last.request, last.answer)


@cache
def directory() -> Directory:
    """That of this process."""
    return Directory(read_list(surroundings().agencies))


@cache
def calls() -> Calls:
    """Those of this process."""
    here = surroundings()
    return Calls(read_list(here.agencies), here.cargo_url)


def write(agency: Agency, mrn: str, declaration: dict[str, Any]) -> dict[str, Any]:
    """The application as the agency's contract has it: what the hub makes of the same declaration."""
    importer, declarant = declaration["importer"], declaration["declarant"]
    ucr, items = declaration["consignment"]["ucr"], declaration["items"]
    reference = f"{mrn}/{agency.service}"
    match agency.kind:
        case Kind.REST_REPLY:
            return {
                "reference": reference,
                "service": agency.service,
                "declaration": {"number": mrn, "procedure": declaration["procedure"], "ucr": ucr},
                "importer": {
                    "registration": importer["id"],
                    "name": importer["name"],
                    "country": importer["country"],
                },
                "declarant": {"registration": declarant["id"], "name": declarant["name"]},
                "goods": [
                    {
                        "line": item["number"],
                        "hs": item["hs_code"],
                        "name": item["description"],
                        "origin": item["origin"],
                        "quantity": item["quantity"]["value"],
                        "unit": item["quantity"]["unit"],
                        "net_mass_kg": item["net_mass_kg"],
                        "properties": item["attributes"],
                    }
                    for item in items
                ],
            }
        case Kind.REST_CALLBACK:
            return {
                "submissionId": reference,
                "serviceCode": agency.service,
                "mrn": mrn,
                "procedureCode": declaration["procedure"],
                "ucr": ucr,
                "trader": {"identifier": importer["id"], "name": importer["name"]},
                "agent": {"identifier": declarant["id"], "name": declarant["name"]},
                "goodsItems": [
                    {
                        "sequence": item["number"],
                        "commodityCode": item["hs_code"],
                        "description": item["description"],
                        "origin": item["origin"],
                        "quantity": item["quantity"],
                        "netMass": {"value": item["net_mass_kg"], "unit": "KGM"},
                        "characteristics": item["attributes"],
                    }
                    for item in items
                ],
            }
        case Kind.SOAP_REPLY:
            return {
                "applicationKey": reference,
                "permitKind": agency.service,
                "declarationNo": mrn,
                "movement": {"import": "반입", "export": "반출", "transit": "통과"}[declaration["procedure"]],
                "cargoReference": ucr,
                "applicant": {"registrationNo": importer["id"], "name": importer["name"]},
                "agent": {"registrationNo": declarant["id"], "name": declarant["name"]},
                "goods": [
                    {
                        "no": item["number"],
                        "hsk": item["hs_code"],
                        "name": item["description"],
                        "origin": item["origin"],
                        "quantity": item["quantity"]["value"],
                        "quantityUnit": item["quantity"]["unit"],
                        "netMassKg": item["net_mass_kg"],
                    }
                    for item in items
                ],
            }
        case Kind.SOAP_POLL:
            return {
                "RequestNo": reference,
                "ServiceCd": agency.service,
                "DeclNo": mrn,
                "ProcCd": {"import": "IM", "export": "EX", "transit": "TR"}[declaration["procedure"]],
                "Ucr": ucr,
                "Applicant": {"Name": importer["name"], "BizNo": importer["id"]},
                "Declarant": {"Id": declarant["id"], "Name": declarant["name"]},
                "Items": {
                    "Item": [
                        {
                            "No": item["number"],
                            "HsCd": item["hs_code"],
                            "GoodsNm": item["description"],
                            "OriginCd": item["origin"],
                            "Qty": item["quantity"]["value"],
                            "QtyUnitCd": item["quantity"]["unit"],
                            "NetKg": item["net_mass_kg"],
                            "UsedYn": "N",
                        }
                        for item in items
                    ]
                },
            }


def _proof(agency: Agency) -> dict[str, str]:
    known = agency.credentials
    if "user" in known:
        return {"Authorization": _basic_auth_str(known["user"], known["password"])}
    return {"X-Api-Key" if agency.kind is Kind.REST_REPLY else "X-Desk-Key": known["key"]}


def _reply(
    began: float, receipt: str, decision: Decision | None, sent: bytes, answer: requests.Response
) -> Reply:
    return Reply(
        receipt=receipt,
        decision=decision,
        request=sent.decode(),
        answer=answer.text,
        status=answer.status_code,
        milliseconds=round(1000 * (time.perf_counter() - began)),
    )
