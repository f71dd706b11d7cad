"""What store, engine, inbox and outbox disagree about."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from hub.api.access import Operator
from hub.api.parts import ApiParts, Parts
from hub.api.problems import ApiProblem, problem_responses
from hub.domain.model import Model, UtcDatetime
from hub.operations.doctor import Doctor
from hub.ports.doctor import Examination, FindingKind, Place, Repair

router = APIRouter(tags=["operations"])

_PATH = "/v1/operations/doctor"


class FindingAnswer(Model):
    """One kind of disagreement."""

    kind: FindingKind
    count: int
    repair: Repair | None = Field(description="What `hub doctor --repair` does; null: a person must mend it.")
    places: tuple[Place, ...] = Field(description="The first of them, 100 at most.")


class ExaminationAnswer(Model):
    """What one look at everything has found."""

    began_at: UtcDatetime
    ended_at: UtcDatetime
    by: str
    deep: bool = Field(description="Every declaration's events were gone through, not only the newest.")
    declarations: int = Field(description="Open ones that were compared.")
    workflows: int = Field(description="Running ones.")
    findings: tuple[FindingAnswer, ...]


class DoctorAnswer(Model):
    """What was found last, by whichever process."""

    busy: bool = Field(description="This process is looking now.")
    trouble: str | None = Field(description="Why its last look came to nothing.")
    last: ExaminationAnswer | None


@router.get(
    _PATH,
    response_model=DoctorAnswer,
    summary="What store and engine disagree about, as last looked at",
    responses=problem_responses("unauthenticated", "forbidden", "not-ready"),
)
async def show_doctor(parts: Parts, client: Operator) -> DoctorAnswer:
    """For staff. A POST has everything looked at now; `hub doctor` and the console mend it."""
    doctor = _doctor(parts)
    last = await doctor.last()
    return DoctorAnswer(
        busy=doctor.is_busy, trouble=doctor.trouble, last=None if last is None else _answer(last)
    )


@router.post(
    _PATH,
    status_code=202,
    response_class=Response,
    summary="Look at everything now",
    responses={
        202: {
            "description": "It is being looked at, also when it was already.",
            "headers": {"Location": {"description": "Where to look.", "schema": {"type": "string"}}},
        },
        **problem_responses("unauthenticated", "forbidden", "not-ready"),
    },
)
async def examine(parts: Parts, client: Operator) -> Response:
    """Beside whatever else is done; what is found is there when `busy` is false again."""
    _doctor(parts).begin_examination(f"client:{client.id}")
    return Response(status_code=202, headers={"Location": _PATH})


def _doctor(parts: ApiParts) -> Doctor:
    if parts.doctor is None:
        raise ApiProblem("not-ready", "there is no engine that could be looked at")
    return parts.doctor


def _answer(examination: Examination) -> ExaminationAnswer:
    findings = tuple(
        FindingAnswer(kind=one.kind, count=one.count, repair=one.repair, places=one.places)
        for one in examination.findings
    )
    return ExaminationAnswer(**{**examination.model_dump(exclude={"findings"}), "findings": findings})
