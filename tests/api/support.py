"""What the tests of the API share: a small rulebook, declarations, and fakes of our own ports."""

from __future__ import annotations

import asyncio
import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI
from openapi_schema_validator import OAS31Validator

from hub.api.body import MediaType
from hub.api.clients import new_key
from hub.api.examples import JSON_DECLARATION
from hub.api.parts import (
    AgencyInfo,
    ApiParts,
    ChannelInfo,
    ConfigurationInfo,
    ServiceInfo,
)
from hub.api.problems import ApiProblem, ProblemFault
from hub.api.reading import Lodged, read_declaration
from hub.domain.case import CasePolicy
from hub.domain.catalogue import Attribute, Catalogue, ExemptionCode, Row, Service
from hub.domain.deadlines import WorkingCalendar
from hub.domain.declaration import Declaration, Procedure
from hub.domain.errors import AgencyUnavailable, CallbackRefused, NotUnderstood
from hub.domain.exchange import Asked, Dossier, Message
from hub.domain.intake import Acceptance, Rulebook
from hub.domain.referral import Answers, Decision, OnExpiry, Via
from hub.operations.desk import desk_of
from hub.operations.gauges import Gauges
from hub.operations.progress import ProgressTeller
from hub.operations.tracking import Tracking
from hub.ports import AgencyGateway, ApiClient, Clock, EngineUnavailable, NotScanning, Role
from hub.store import Store

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
CALENDAR = WorkingCalendar(ZoneInfo("Asia/Seoul"), time(18), lambda day: day == date(2026, 11, 23))
"""Of every agency; 20 November 2026 is a Friday."""


@dataclass(frozen=True)
class Condition:
    """A predicate made for a test."""

    text: str
    names: tuple[str, ...]
    holds: Callable[[Mapping[str, object]], bool]

    def __call__(self, facts: Mapping[str, object]) -> bool:
        return self.holds(facts)


def _service(
    code: str, agency: str, *rows: Row, law_code: str, needed_when: Condition | None = None
) -> Service:
    return Service(
        code=code,
        agency=agency,
        name={"en": f"Service {code}", "ko": "업무"},
        law={"en": f"Act of {agency}", "ko": "법"},
        law_code=law_code,
        procedures=frozenset({Procedure.IMPORT}),
        rows=rows,
        document="Certificate",
        answers=Answers.CALLBACK,
        answer_within="3wd",
        on_expiry=OnExpiry.HOLD,
        needed_when=needed_when,
        confidence="assumed",
    )


def rulebook(*, hs_digits: int | None = None) -> Rulebook:
    """Two agencies for beef, one that is asked about used machines, and one prohibition."""
    catalogue = Catalogue(
        services=(
            _service("apqa-animal-import", "apqa", Row("0202"), law_code="13"),
            _service("mfds-livestock-import", "mfds", Row("0202"), law_code="22"),
            _service("npa-firearms", "npa", Row("9305"), Row("9503003919", prohibited=True), law_code="31"),
        ),
        attributes={
            "use": Attribute("use", "string", {"en": "Use"}, "", ("food", "feed")),
            "species": Attribute("species", "list", {"en": "Species"}, ()),
            "used": Attribute("used", "bool", {"en": "Used"}, False),
            "power_w": Attribute("power_w", "number", {"en": "Power"}, 0.0),
        },
        exemptions={
            "22B03": ExemptionCode("22B03", "22", {"en": "Sample"}, document_required=True),
            "13A01": ExemptionCode("13A01", "13", {"en": "Not covered"}),
        },
        lists={},
        version="catalogue-1",
        agencies={slug: {"en": f"Agency {slug}", "ko": "기관"} for slug in ("apqa", "mfds", "npa")},
        hs_digits=hs_digits,
    )
    return Rulebook(
        catalogue=catalogue,
        calendars=dict.fromkeys(catalogue.agencies, CALENDAR),
        versions={slug: f"{slug}-1" for slug in catalogue.agencies},
        policy=CasePolicy(version="policy-1", refusal_open_for="30d"),
        country="KR",
        zone=ZoneInfo("Asia/Seoul"),
        withdrawal_reasons={
            "C01": {"en": "Goods not shipped", "ko": "미선적"},
            "C02": {"en": "Lodged twice", "ko": "이중 신고"},
        },
    )


def beef(**changes: Any) -> dict[str, Any]:
    """A declaration that two agencies must consent to."""
    return {**copy.deepcopy(JSON_DECLARATION), **changes}


def with_item(**changes: Any) -> dict[str, Any]:
    """The same with its one goods item changed."""
    declaration = beef()
    declaration["items"][0].update(changes)
    return declaration


def read(
    body: bytes,
    media_type: str = "application/json",
    charset: str | None = None,
    *,
    hs_digits: int | None = None,
) -> Lodged:
    return read_declaration(body, MediaType(media_type, charset), rulebook(hs_digits=hs_digits))


def read_xml_file(name: str) -> Declaration:
    return read((DATA / name).read_bytes(), "application/xml").declaration


def faults(
    body: bytes, media_type: str = "application/json", *, hs_digits: int | None = None
) -> list[ProblemFault]:
    """Every fault found, the catalogue's included; none if the declaration is sound."""
    try:
        read(body, media_type, hs_digits=hs_digits).check(rulebook(hs_digits=hs_digits))
    except ApiProblem as problem:
        if problem.kind.slug != "invalid-declaration":
            raise
        return list(problem.faults)
    return []


class EngineFake:
    """The engine as intake knows it; may be down, or hang."""

    def __init__(self) -> None:
        self.down = False
        self.hangs = False
        self.ended = False
        self.started: list[str] = []
        self.told: list[tuple[str, tuple[str, ...]]] = []
        self.nudged: list[str] = []

    async def start_clearance(self, acceptance: Acceptance, *, in_turn: bool = False) -> None:
        await self._answer()
        self.started.append(acceptance.mrn)

    async def tell_decisions(self, mrn: str, decisions: Sequence[Decision]) -> bool:
        await self._answer()
        self.told.append((mrn, tuple(d.id for d in decisions)))
        return not self.ended

    async def tell_news(self, mrn: str) -> bool:
        await self._answer()
        self.nudged.append(mrn)
        return not self.ended

    async def tell_to_go_on(self, mrn: str, services: Sequence[str]) -> bool:
        await self._answer()
        return not self.ended

    async def is_reachable(self) -> bool:
        return not self.down

    async def _answer(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.down:
            raise EngineUnavailable("connection refused")


SECRET = "throw-away"  # what a fake agency proves itself with


_READ = {"apqa": ("hs_code", "origin"), "mfds": ("hs_code", "description"), "npa": ("hs_code",)}


class GatewayFake:
    """
    Of the gateway the callback door: JSON with the secret in a header. Beside it what agencies are told: each
    reads other elements, and the contract of mfds alone takes amendments.
    """

    async def inputs_of(self, dossier: Dossier) -> str:
        told = []
        for number in dossier.terms.items:
            item = dossier.declaration.item(number)
            if item.description == "worker away":
                raise AgencyUnavailable("the agency's own worker does not answer")
            if item.description == "beyond words":
                raise NotUnderstood("the contract has no room for this")
            told.append([str(getattr(item, name)) for name in _READ[dossier.terms.agency]])
        return json.dumps(told)

    async def abilities(self, agency: str, version: str) -> frozenset[Asked]:
        return frozenset({Asked.AMEND, Asked.WITHDRAW} if agency == "mfds" else {Asked.WITHDRAW})

    def read_callback(
        self, agency: str, headers: dict[str, str], body: bytes, received_at: datetime
    ) -> Message:
        if agency not in ("apqa", "mfds"):
            raise KeyError(agency)
        if headers.get("x-secret") != SECRET:
            raise CallbackRefused("the signature does not match")
        try:
            said = json.loads(body)
        except ValueError:
            return Message(
                agency=agency,
                message_id="unreadable",
                trouble="not JSON",
                raw=body.decode(errors="replace"),
                via=Via.CALLBACK,
                received_at=received_at,
            )
        return Message(
            agency=agency,
            message_id=said["id"],
            referral=said["referral"],
            decisions=(
                Decision(
                    id=said["id"],
                    referral=said["referral"],
                    verdict=said["verdict"],
                    word=said["verdict"],
                    remarks=said.get("remarks"),
                    decided_at=received_at,
                    received_at=received_at,
                    via=Via.CALLBACK,
                ),
            ),
            raw=body.decode(),
            via=Via.CALLBACK,
            received_at=received_at,
        )


_DESCRIPTION: dict[str, Any] = {}


class DescribedTransport(httpx.AsyncBaseTransport):
    """
    Requests straight into the application; every answer is held against the OpenAPI document: its status, its
    media type, and its body's schema.
    """

    def __init__(self, app: FastAPI, address: str = "127.0.0.1") -> None:
        self._inner = httpx.ASGITransport(app, client=(address, 50000))
        # The same for every application: worked out once, which takes longer than most tests.
        self._document = _DESCRIPTION or app.openapi()
        _DESCRIPTION.update(self._document)
        app.openapi_schema = _DESCRIPTION

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        await response.aread()
        described = self._described(request.method.lower(), request.url.path)
        if described is not None:
            self._compare(described, request, response)
        return response

    def _described(self, method: str, path: str) -> dict[str, Any] | None:
        for template, operations in self._document["paths"].items():
            if method in operations and re.fullmatch(re.sub(r"\{[a-z]+\}", "[^/]+", template), path):
                responses: dict[str, Any] = operations[method]["responses"]
                return responses
        return None

    def _compare(self, described: dict[str, Any], request: httpx.Request, response: httpx.Response) -> None:
        what = f"{request.method} {request.url.path} -> {response.status_code}"
        assert str(response.status_code) in described, f"{what} is not described"
        media_type = response.headers["content-type"].partition(";")[0]
        content = described[str(response.status_code)]["content"]
        assert media_type in content, f"{what} {media_type} is not described"
        if "json" in media_type:
            schema = {**content[media_type]["schema"], "components": self._document["components"]}
            OAS31Validator(schema).validate(response.json())


@dataclass
class Api:
    """An application on a real store, with a client of each kind."""

    app: FastAPI
    store: Store
    engine: EngineFake
    http: httpx.AsyncClient

    async def starts_are_over(self) -> None:
        """Wait until nothing that was lodged is being started any more: answers do not wait for it."""
        await self.app.state.starter.finish()

    def key(self, role: Role, *, declarant: str | None = None, agency: str | None = None) -> dict[str, str]:
        """Headers of a new client."""
        key, hashed = new_key()
        client = ApiClient(
            id=f"client-{hashed[:8]}",
            name="A client",
            role=role,
            declarant=declarant,
            agency=agency,
            created_at=NOW,
        )
        self.store.add_client(client, hashed)
        return {"Authorization": f"Bearer {key}"}

    async def lodge(self, declaration: dict[str, Any] | None = None) -> dict[str, Any]:
        """Lodge as customs; the receipt."""
        response = await self.http.post(
            "/v1/declarations", json=declaration or beef(), headers=self.key(Role.CUSTOMS)
        )
        assert response.status_code == 202, response.text
        receipt: dict[str, Any] = response.json()
        return receipt

    async def call_back(
        self, agency: str, referral: str, *, verdict: str = "approved", id: str = "M-1", **more: str
    ) -> httpx.Response:
        return await self.http.post(
            f"/v1/agencies/{agency}/callbacks",
            json={"id": id, "referral": referral, "verdict": verdict, **more},
            headers={"X-Secret": SECRET},
        )


def parts(store: Store, engine: EngineFake, **changes: Any) -> ApiParts:
    rules = rulebook()
    clock: Clock = changes.pop("clock", lambda: NOW)
    return ApiParts(
        gauges=Gauges(store, store, store, store, store, clock).read,
        cases=store,
        queries=store,
        engine=engine,
        gateway=cast(AgencyGateway, GatewayFake()),
        certificates=store,
        cargo=store,
        rulebook=lambda: rules,
        calendar=lambda agency: CALENDAR,
        clock=clock,
        agencies=lambda: [_info(rules, slug) for slug in rules.catalogue.agencies],
        desk=desk_of(
            store,
            engine,
            cast(AgencyGateway, GatewayFake()),
            NotScanning(),
            clock,
            rulebook=lambda: rules,
            calendar=lambda agency: CALENDAR,
        ),
        progress=ProgressTeller(
            cargo=store,
            histories=store,
            agencies=lambda: rules.catalogue.agencies,
            calendar=lambda agency: CALENDAR,
            clock=clock,
        ),
        tracking=Tracking(store, store, clock),
        incidents=store,
        **changes,
    )


def _info(rules: Rulebook, slug: str) -> AgencyInfo:
    return AgencyInfo(
        agency=slug,
        name=rules.catalogue.agencies[slug],
        contact=f"{slug}@agency.example",
        config_version=rules.versions[slug],
        configuration=ConfigurationInfo(version=rules.versions[slug], applied_at=NOW),
        channel=ChannelInfo(adapter="rest", contract="contracts/x.yaml", takes_callbacks=True),
        services=tuple(
            ServiceInfo(
                service=service.code,
                name=service.name,
                law=service.law,
                law_code=service.law_code,
                procedures=tuple(service.procedures),
                document=service.document,
                answers=service.answers,
                answer_within=service.answer_within,
                on_expiry=service.on_expiry,
                confidence=service.confidence,
            )
            for service in rules.catalogue.services
            if service.agency == slug
        ),
    )
