"""Why customs itself looks at a declaration: for customs, and for nobody else."""

from __future__ import annotations

from enum import StrEnum

from anyio import to_thread
from fastapi import APIRouter
from pydantic import Field

from hub.api.access import Mrn, Seeing, declaration_seen
from hub.api.parts import Parts
from hub.api.problems import ApiProblem, problem_responses
from hub.domain.model import Model, Text
from hub.domain.risk import Assessment, Channel

router = APIRouter(tags=["offices"])


class Reproduced(StrEnum):
    """Whether the assessment can be worked out again from the declaration, the rules and the seed."""

    SAME = "same"
    OTHER = "other"
    """It comes out differently: somebody must look."""
    RULES_CHANGED = "rules_changed"
    """Other rules are in force by now."""


class RiskRuleHeld(Model):
    """A rule that held."""

    rule: str
    title: Text | None = Field(description="Null when the rule is not among those in force any more.")
    weight: int
    item: int | None = Field(description="Null when it is about the declaration as a whole.")


class RiskAnswer(Model):
    """How closely customs looks at a declaration, and why. The declarant never learns the why."""

    mrn: str
    channel: Channel
    score: int
    drawn: bool = Field(description="The random share picked it: its score alone would have been green.")
    reasons: tuple[RiskRuleHeld, ...]
    seed: str
    rules_version: str
    reproduced: Reproduced


@router.get(
    "/v1/declarations/{mrn}/risk",
    response_model=RiskAnswer,
    summary="The risk channel of a declaration, and why",
    responses=problem_responses("unauthenticated", "not-found", "invalid-parameters"),
)
async def show_risk(mrn: Mrn, parts: Parts, sight: Seeing) -> RiskAnswer:
    """For customs bound to nobody, and for staff. It is worked out again with the seed that was recorded."""
    if not sight.is_customs:
        raise ApiProblem("not-found", f"nothing is known of the risk of {mrn[:35]}")
    acceptance = (await declaration_seen(mrn, parts, sight)).acceptance
    assessment = acceptance.assessment
    if assessment is None:
        raise ApiProblem("not-found", f"declaration {mrn} was not assessed: there were no rules")
    engine = parts.rulebook().risk

    def again() -> Assessment | None:
        return None if engine is None else engine.repeated(acceptance.declaration, assessment)

    repeated = await to_thread.run_sync(again)
    titles = {} if engine is None else engine.titles
    if repeated is None:
        reproduced = Reproduced.RULES_CHANGED
    else:
        reproduced = Reproduced.SAME if repeated == assessment else Reproduced.OTHER
    return RiskAnswer(
        mrn=mrn,
        channel=assessment.channel,
        score=assessment.score,
        drawn=assessment.drawn,
        reasons=tuple(
            RiskRuleHeld(rule=r.rule, title=titles.get(r.rule), weight=r.weight, item=r.item)
            for r in assessment.reasons
        ),
        seed=assessment.seed,
        rules_version=assessment.rules_version,
        reproduced=reproduced,
    )
