"""What the tests of the API share: a small rulebook, declarations, and fakes of our own ports."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hub.api.body import MediaType
from hub.api.examples import JSON_DECLARATION
from hub.api.problems import ApiProblem, ProblemFault
from hub.api.reading import Lodged, read_declaration
from hub.domain.case import CasePolicy
from hub.domain.catalogue import Attribute, Catalogue, ExemptionCode, Row, Service
from hub.domain.deadlines import WorkingCalendar
from hub.domain.declaration import Declaration, Procedure
from hub.domain.intake import Acceptance, Rulebook
from hub.domain.referral import Answers, Decision, OnExpiry
from hub.ports import EngineUnavailable

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


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


def rulebook() -> Rulebook:
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
    )
    calendar = WorkingCalendar(ZoneInfo("Asia/Seoul"), time(18), lambda day: day == date(2026, 11, 23))
    return Rulebook(
        catalogue=catalogue,
        calendars=dict.fromkeys(catalogue.agencies, calendar),
        versions={slug: f"{slug}-1" for slug in catalogue.agencies},
        policy=CasePolicy(version="policy-1", refusal_open_for="30d"),
        country="KR",
        zone=ZoneInfo("Asia/Seoul"),
    )


def beef(**changes: Any) -> dict[str, Any]:
    """A declaration that two agencies must consent to."""
    return {**copy.deepcopy(JSON_DECLARATION), **changes}


def with_item(**changes: Any) -> dict[str, Any]:
    """The same with its one goods item changed."""
    declaration = beef()
    declaration["items"][0].update(changes)
    return declaration


def read(body: bytes, media_type: str = "application/json", charset: str | None = None) -> Lodged:
    return read_declaration(body, MediaType(media_type, charset), rulebook())


def read_xml_file(name: str) -> Declaration:
    return read((DATA / name).read_bytes(), "application/xml").declaration


def faults(body: bytes, media_type: str = "application/json") -> list[ProblemFault]:
    """Every fault found, the catalogue's included; none if the declaration is sound."""
    try:
        read(body, media_type).check(rulebook())
    except ApiProblem as problem:
        if problem.kind.slug != "invalid-declaration":
            raise
        return list(problem.faults)
    return []


class EngineFake:
    """The engine as intake knows it; may be down, or hang."""

    def __init__(self) -> None:
        self.down = False
        self.started: list[str] = []
        self.told: list[tuple[str, tuple[str, ...]]] = []

    async def start_clearance(self, acceptance: Acceptance) -> None:
        self._answer()
        self.started.append(acceptance.mrn)

    async def tell_decisions(self, mrn: str, decisions: Sequence[Decision]) -> bool:
        self._answer()
        self.told.append((mrn, tuple(d.id for d in decisions)))
        return True

    async def is_reachable(self) -> bool:
        return not self.down

    def _answer(self) -> None:
        if self.down:
            raise EngineUnavailable("connection refused")
