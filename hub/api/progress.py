"""How far a declaration has got, in plain words; and links by which whoever is given one may follow it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import structlog
from anyio import to_thread
from babel import negotiate_locale
from fastapi import APIRouter, Header, Path, Request
from fastapi.responses import Response
from pydantic import Field

from hub.api.access import Lodger, Mrn, Seeing, declaration_seen
from hub.api.parts import Parts
from hub.api.problems import ApiProblem, problem_responses
from hub.domain.model import Model, UtcDatetime
from hub.domain.progress import LANGUAGES, Language, Progress, Reader
from hub.operations.tracking import TooManyLinks
from hub.ports import TrackingLink

router = APIRouter(tags=["declarations"])
log = structlog.get_logger(__name__)


class TrackingLinkShown(Model):
    """A link by which a declaration can be followed without an account."""

    id: str = Field(description="By which it is revoked.")
    made_at: UtcDatetime
    made_by: str = Field(description="Id of the client.")
    revoked_at: UtcDatetime | None
    ends_at: UtcDatetime | None = Field(
        description="Until when it opens; null while the declaration is not closed."
    )


class TrackingLinkMade(TrackingLinkShown):
    """A new link, with its secret: it is shown now and never again."""

    code: str = Field(
        description="With the declaration's reference it opens the page `/track`.",
        examples=["7Q2M9-D4X1C-8TB5K-ZW3NA"],
    )
    url: str = Field(description="Whoever has it may follow the declaration; it holds the code.")


class TrackingLinkPage(Model):
    """The links of a declaration, the oldest first."""

    mrn: str
    links: tuple[TrackingLinkShown, ...]


@router.get(
    "/v1/declarations/{mrn}/progress",
    response_model=Progress,
    summary="How far it has got, what comes next, and by when",
    responses=problem_responses("unauthenticated", "not-found", "invalid-parameters"),
)
async def show_progress(
    mrn: Mrn,
    parts: Parts,
    sight: Seeing,
    response: Response,
    accept_language: Annotated[
        str, Header(description="`en` or `ko`; of the sentences. Names are there in both.")
    ] = "",
) -> Progress:
    """
    What is asked of the declarant, who was asked and has answered, what is expected next and by when, with a
    forecast from how long the service took before; and where the cargo is. An agency sees its own part.
    """
    view = await declaration_seen(mrn, parts, sight)
    language = preferred(accept_language)
    reader = Reader.DECLARANT if sight.agency is None else Reader.AGENCY
    response.headers["content-language"] = language
    response.headers["vary"] = "Accept-Language"
    return await to_thread.run_sync(parts.progress.tell, view, reader, language, sight.agency)


@router.get(
    "/v1/declarations/{mrn}/tracking-links",
    response_model=TrackingLinkPage,
    summary="Links by which a declaration is followed",
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-parameters"),
)
async def list_links(mrn: Mrn, parts: Parts, sight: Seeing, client: Lodger) -> TrackingLinkPage:
    """For whoever lodges: those that were revoked, too. Their codes are not kept."""
    view = await declaration_seen(mrn, parts, sight)
    links = await to_thread.run_sync(parts.tracking.links, mrn)
    ends_at = parts.tracking.ends_at(view)
    return TrackingLinkPage(mrn=mrn, links=tuple(_shown(link, ends_at) for link in links))


@router.post(
    "/v1/declarations/{mrn}/tracking-links",
    status_code=201,
    response_model=TrackingLinkMade,
    summary="Make a link by which a declaration can be followed",
    responses=problem_responses(
        "unauthenticated", "forbidden", "not-found", "too-many-links", "invalid-parameters"
    ),
)
async def make_link(
    mrn: Mrn, request: Request, parts: Parts, sight: Seeing, client: Lodger
) -> TrackingLinkMade:
    """
    For whoever lodges, to hand on: to the importer, the forwarder, the driver. It shows the progress and
    nothing that was written or is to be paid, needs no account, and opens until some time after the
    declaration is closed.
    """
    view = await declaration_seen(mrn, parts, sight)
    try:
        link, code = await to_thread.run_sync(parts.tracking.make, mrn, client.id)
    except TooManyLinks as error:
        raise ApiProblem("too-many-links", f"{mrn} has as many open links as one may have") from error
    log.info("tracking.link_made", link=link.id)
    base = parts.public_url or str(request.base_url)
    return TrackingLinkMade(
        **dict(_shown(link, parts.tracking.ends_at(view))), code=code, url=f"{base.rstrip('/')}/track/{code}"
    )


@router.delete(
    "/v1/declarations/{mrn}/tracking-links/{link}",
    response_model=TrackingLinkPage,
    summary="Revoke a link",
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-parameters"),
)
async def revoke_link(
    mrn: Mrn,
    link: Annotated[str, Path(description="Id of the link; not its code.", max_length=40)],
    parts: Parts,
    sight: Seeing,
    client: Lodger,
) -> TrackingLinkPage:
    """It opens nothing any more. Revoking it again changes nothing."""
    await declaration_seen(mrn, parts, sight)
    try:
        await to_thread.run_sync(parts.tracking.revoke, mrn, link)
    except KeyError as error:
        raise ApiProblem("not-found", f"{mrn} has no tracking link of this id") from error
    log.info("tracking.link_revoked", link=link)
    return await list_links(mrn, parts, sight, client)


def preferred(accepted: str) -> Language:
    """The language of ours that an `Accept-Language` header (RFC 9110, 12.5.4) likes best; else English."""
    wanted: list[tuple[float, str]] = []
    for part in accepted.split(",")[:20]:
        tag, _, weight = part.partition(";")
        try:
            wanted.append((-float(weight.strip().removeprefix("q=") or 1), tag.strip()))
        except ValueError:
            continue
    liked = [tag for weight, tag in sorted(wanted, key=lambda one: one[0]) if weight < 0]
    chosen = negotiate_locale(liked, LANGUAGES, sep="-")
    return next((language for language in LANGUAGES if language == chosen), LANGUAGES[0])


def _shown(link: TrackingLink, ends_at: datetime | None) -> TrackingLinkShown:
    return TrackingLinkShown(
        id=link.id,
        made_at=link.made_at,
        made_by=link.made_by,
        revoked_at=link.revoked_at,
        ends_at=ends_at,
    )
