"""A new version of a declaration: compared with the one before, and only who is concerned is asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated

import structlog
from anyio import to_thread
from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response

from hub.api.access import Lodger, Mrn, Seeing, declaration_seen
from hub.api.body import media_type_of, read_body
from hub.api.changing import change
from hub.api.lodging import DECLARATION_BODY, REPLAYED
from hub.api.parts import ApiParts, Parts
from hub.api.presenting import amendment_of
from hub.api.problems import ApiProblem, ProblemFault, problem_responses
from hub.api.reading import ACCEPTED, JSON, Lodged, read_declaration
from hub.api.shapes import AmendmentAnswer, VersionAnswer, VersionPage, VersionRow
from hub.api.validation import unstorable
from hub.domain.amendment import Amendment
from hub.domain.case import Referral
from hub.domain.certificates import given_back
from hub.domain.declaration import Declaration
from hub.domain.errors import ChannelError, NotUnderstood
from hub.domain.events import EventType, NewEvent
from hub.domain.exchange import Asked, Dossier
from hub.domain.intake import Acceptance, Rulebook, accept
from hub.domain.referral import Answers, ReferralTerms
from hub.domain.risk import Assessment
from hub.domain.settling import is_live
from hub.domain.steps.amending import amend
from hub.operations.sight import Sight
from hub.ports import ApiClient, DeclarationVersion, DeclarationView

router = APIRouter(tags=["declarations"])
log = structlog.get_logger(__name__)

_TRIES = 3
"""How often an amendment is planned anew, when the declaration has moved on meanwhile."""
_PAGE = 500


@router.post(
    "/v1/declarations/{mrn}/amendments",
    status_code=202,
    response_model=AmendmentAnswer,
    summary="Amend a declaration",
    responses={
        202: {
            "description": "A new version: whose consent stands, who is asked again and how, who is asked "
            "for the first time, and who no longer. The same content again gets the same answer.",
            "headers": {
                REPLAYED: {
                    "description": "`true` when this is the version that is there, and nothing was written.",
                    "schema": {"type": "string", "enum": ["true"]},
                },
            },
        },
        **problem_responses(
            "unreadable-body",
            "unauthenticated",
            "forbidden",
            "not-found",
            "already-released",
            "already-withdrawn",
            "closed",
            "version-moved",
            "body-too-slow",
            "body-too-large",
            "unsupported-media-type",
            "invalid-declaration",
            "not-amendable",
            "invalid-parameters",
            "not-ready",
            "agency-unavailable",
        ),
    },
    openapi_extra=DECLARATION_BODY,
)
async def amend_declaration(
    request: Request,
    mrn: Mrn,
    client: Lodger,
    sight: Seeing,
    parts: Parts,
    remarks: Annotated[str, Query(max_length=1000, description="Why, for customs and agencies.")] = "",
    if_match: Annotated[
        str | None, Header(description='The version that is amended, as `"1"`; refused when it is another.')
    ] = None,
) -> Response:
    """
    The body is the whole declaration as it is to be, not the difference. Under the law of the day on which it
    was first accepted. A service that would be told nothing else keeps its consent.
    """
    view = await declaration_seen(mrn, parts, sight)
    if sight.agency is not None:
        raise ApiProblem("forbidden", "the declarant amends, or customs on its behalf")
    if faults := unstorable(remarks):
        raise ApiProblem(
            "invalid-parameters",
            "see errors for each parameter at fault",
            faults=[ProblemFault(parameter="remarks", detail=fault.detail) for fault in faults],
        )
    media_type = media_type_of(request, ACCEPTED)
    body = await read_body(request, parts.max_declaration_bytes, parts.declaration_within)
    rulebook = parts.rulebook()
    lodged = await to_thread.run_sync(read_declaration, body, media_type, rulebook)
    for _ in range(_TRIES):
        same = lodged.declaration.content_hash == view.acceptance.content_hash
        _refuse_other_version(view, if_match, same)
        if same:
            return await _answer(parts, view, sight, replayed=True)
        await to_thread.run_sync(lodged.check, rulebook)
        plan = await _planned(parts, rulebook, view, lodged, client)
        try:
            await change(parts, mrn, partial(plan.step, remarks=remarks), acceptance=plan.new)
        except _Moved:
            view = await declaration_seen(mrn, parts, sight)
            continue
        view = await declaration_seen(mrn, parts, sight)
        # Others may have amended it since: the answer is about what this client has said.
        return await _answer(parts, view.model_copy(update={"acceptance": plan.new}), sight, replayed=False)
    version = view.case.version
    raise ApiProblem("version-moved", f"it is being amended by others, too; it has version {version} now")


@router.get(
    "/v1/declarations/{mrn}/versions",
    response_model=VersionPage,
    summary="The versions of a declaration",
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-parameters"),
)
async def list_versions(mrn: Mrn, parts: Parts, sight: Seeing) -> VersionPage:
    """As lodged, and as amended."""
    versions = await _versions(mrn, parts, sight)
    return VersionPage(
        mrn=mrn,
        versions=tuple(
            VersionRow(
                version=one.version,
                lodged_at=one.lodged_at,
                content_hash=one.content_hash,
                link=f"/v1/declarations/{mrn}/versions/{one.version}",
            )
            for one in versions
        ),
    )


@router.get(
    "/v1/declarations/{mrn}/versions/{number}",
    response_model=VersionAnswer,
    summary="A version of a declaration, whole",
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-parameters"),
)
async def show_version(
    mrn: Mrn, number: Annotated[int, Path(ge=1, le=2**31 - 1)], parts: Parts, sight: Seeing
) -> VersionAnswer:
    """What was declared."""
    for one in await _versions(mrn, parts, sight):
        if one.version == number:
            return VersionAnswer(
                mrn=mrn,
                version=one.version,
                lodged_at=one.lodged_at,
                content_hash=one.content_hash,
                declaration=one.declaration,
            )
    raise ApiProblem("not-found", f"declaration {mrn} has no version {number}")


async def _versions(mrn: str, parts: ApiParts, sight: Sight) -> list[DeclarationVersion]:
    await declaration_seen(mrn, parts, sight)
    if sight.agency is not None:
        raise ApiProblem("forbidden", "an agency is told of a declaration what its own request holds")
    return await to_thread.run_sync(parts.cases.versions_of, mrn)


class _Moved(Exception):
    """The declaration has another version than the amendment was planned against."""


@dataclass(frozen=True)
class _Plan:
    """What an amendment comes to, as worked out outside the declaration's lock."""

    version: int
    """The version that it was planned against."""
    new: Acceptance
    digests: Mapping[str, tuple[str, str]]
    abilities: Mapping[str, frozenset[Asked]]

    def step(self, now: DeclarationView, remarks: str) -> Sequence[NewEvent]:
        """Raises _Moved, StepRefused."""
        if now.case.version != self.version:
            raise _Moved
        return amend(
            now,
            self.new,
            digests=self.digests,
            abilities=self.abilities,
            sent={r.terms.service: r.sent_at is not None for r in now.referrals},
            remarks=remarks,
        )


async def _planned(
    parts: ApiParts, rulebook: Rulebook, view: DeclarationView, lodged: Lodged, client: ApiClient
) -> _Plan:
    """Raises ApiProblem (503) when it cannot be worked out what an agency would be told."""
    new = await to_thread.run_sync(_accepted, parts, rulebook, view, lodged, client)
    asked = {r.terms.service: r for r in new.case.referrals if r.terms.answers is not Answers.DOOR}
    # What is asked no more is asked anew, whatever it was about: the goods may be gone from what stands now.
    both = [r for r in view.case.referrals if r.terms.service in asked and is_live(r)]
    accepted_at = view.acceptance.accepted_at

    def dossier(declaration: Declaration, terms: ReferralTerms) -> Dossier:
        return Dossier(declaration=declaration, terms=terms, accepted_at=accepted_at)

    async def compared(old: Referral) -> tuple[str, str] | None:
        """None when the contract has no room for one of them: then they are not the same."""
        terms = asked[old.terms.service].terms
        # The file in force says what a request is made of, of the old content too.
        before = old.terms.model_copy(update={"config_version": terms.config_version})
        try:
            return (
                await parts.gateway.inputs_of(dossier(view.acceptance.declaration, before)),
                await parts.gateway.inputs_of(dossier(new.declaration, terms)),
            )
        except NotUnderstood as wrong:
            log.info("amendment.not_compared", service=terms.service, reason=str(wrong))
            return None

    async def able(old: Referral) -> frozenset[Asked]:
        terms = asked[old.terms.service].terms
        return await parts.gateway.abilities(terms.agency, terms.config_version)

    try:
        digests = await asyncio.gather(*map(compared, both))
        abilities = await asyncio.gather(*map(able, both))
    except ChannelError as error:
        log.warning("amendment.not_planned", reason=str(error))
        raise ApiProblem(
            "agency-unavailable", "what an agency would be told cannot be worked out now", headers=_LATER
        ) from error
    services = [r.terms.service for r in both]
    known = {s: pair for s, pair in zip(services, digests, strict=True) if pair is not None}
    return _Plan(
        version=view.case.version,
        new=new,
        digests=known,
        abilities=dict(zip(services, abilities, strict=True)),
    )


_LATER = {"Retry-After": "30"}


def _accepted(
    parts: ApiParts, rulebook: Rulebook, view: DeclarationView, lodged: Lodged, client: ApiClient
) -> Acceptance:
    """The new version, as it would be accepted by the law and the policy of the first one's day. Blocking."""
    declaration = lodged.declaration
    at = parts.clock()
    return accept(
        declaration,
        rulebook,
        mrn=view.acceptance.mrn,
        client=client.id,
        at=at,
        day=view.acceptance.routing.day,
        policy=view.case.policy,
        version=view.case.version + 1,
        assessment=_assessed(rulebook, declaration, view.acceptance.assessment, at),
        standings=given_back(
            parts.certificates.certificates(rulebook.certificates_of(declaration)), view.case.claims
        ),
    )


def _assessed(
    rulebook: Rulebook, declaration: Declaration, before: Assessment | None, at: datetime
) -> Assessment | None:
    """With the seed of the first assessment, where its rules are still there: amending is no second draw."""
    if rulebook.risk is None:
        return None
    again = None if before is None else rulebook.risk.repeated(declaration, before)
    return again or rulebook.risk.assess(declaration, at)


def _refuse_other_version(view: DeclarationView, if_match: str | None, same: bool) -> None:
    """Raises ApiProblem (409) when another version is meant than there is. A repetition may name that one."""
    if if_match is None or same or if_match.strip() == "*":
        return
    if if_match.strip().removeprefix("W/").strip('"') != str(view.case.version):
        raise ApiProblem("version-moved", f"it has version {view.case.version}, not {if_match[:20]}")


async def _answer(parts: ApiParts, view: DeclarationView, sight: Sight, *, replayed: bool) -> Response:
    amendment = await to_thread.run_sync(_newest, parts, view.acceptance)
    answer = amendment_of(view, amendment, sight, parts)
    headers = {
        "Location": f"{answer.links.versions}/{answer.version}",
        "ETag": f'"{answer.version}"',
        **({REPLAYED: "true"} if replayed else {}),
    }
    return Response(answer.model_dump_json(), status_code=202, headers=headers, media_type=JSON)


def _newest(parts: ApiParts, acceptance: Acceptance) -> Amendment | None:
    """The latest amendment with this content; None for what was lodged so. Blocking."""
    found, after = None, 0
    while events := parts.queries.events(acceptance.mrn, after, _PAGE):
        after = events[-1].seq
        for event in events:
            if event.type is EventType.DECLARATION_AMENDED:
                amendment = Amendment.model_validate(event.data)
                if amendment.content_hash == acceptance.content_hash:
                    found = amendment
    return found
