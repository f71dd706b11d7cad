"""A declaration: how it stands and why, its timeline, and everything that was said about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from hub.console import links
from hub.console.acting import KINDS, VERDICTS
from hub.console.board import OUTCOME_WORDS
from hub.console.i18n import Words, _
from hub.console.kinds import STUCK_NAMES
from hub.console.parts import ConsoleParts, Parts
from hub.console.problems import PageProblem, forbidden, not_found
from hub.console.shell import SignedIn, in_thread, may, page, words_of
from hub.console.stuck import STYLES, action_url, said_to, shown_to
from hub.console.stuck_words import Said
from hub.console.timeline import SIGNS, SPANS, Scale, timeline_of
from hub.domain.case import Referral
from hub.domain.clearance import Outcome, Reason, Rule
from hub.domain.errands import Errand, ErrandKind, errands
from hub.domain.events import Event
from hub.domain.exchange import Message
from hub.domain.information import Information
from hub.domain.names import CUSTOMS, workflow_id
from hub.domain.referral import Answers, ReferralState, Via
from hub.domain.settling import CONSENTING, REFUSING, is_live
from hub.domain.stuck import Stuck
from hub.domain.wording import EVENTS, RULES, said
from hub.operations.sight import Sight, events_seen, reasons_for
from hub.ports import (
    LEAST_ROLE,
    ActionKind,
    BadCursor,
    DeclarationFilter,
    DeclarationRow,
    DeclarationView,
    Page,
    Proposal,
    ReferralView,
    User,
)

router = APIRouter(prefix="/console/declarations")

_ROWS = 50
_EXCHANGES = 20
_EVENTS = 200
_MOST_EVENTS = 10_000
"""Of one declaration, in its picture: more than any has."""
_LONGEST_BODY = 20_000
"""Characters of a request or an answer that a page shows."""

STATES: Mapping[ReferralState, str] = {
    ReferralState.PENDING: _("being handed over"),
    ReferralState.DELIVERED: _("with the agency"),
    ReferralState.UNDELIVERABLE: _("undeliverable"),
    ReferralState.DECIDED: _("decided"),
    ReferralState.EXPIRED: _("legal time over"),
    ReferralState.WITHDRAWN: _("withdrawn"),
}
STATE_STYLES: Mapping[ReferralState, str] = {
    ReferralState.PENDING: "wait",
    ReferralState.DELIVERED: "wait",
    ReferralState.UNDELIVERABLE: "stop",
    ReferralState.DECIDED: "go",
    ReferralState.EXPIRED: "stop",
    ReferralState.WITHDRAWN: "paused",
}
OUTCOME_STYLES: Mapping[Outcome, str] = {
    Outcome.RELEASE: "go",
    Outcome.PARTIAL_RELEASE: "go",
    Outcome.HOLD: "stop",
    Outcome.REFUSAL: "stop",
    Outcome.IN_PROGRESS: "wait",
    Outcome.WITHDRAWN: "paused",
}
VIAS: Mapping[Via, str] = {
    Via.REPLY: _("in its answer"),
    Via.CALLBACK: _("by callback"),
    Via.POLL: _("when asked"),
    Via.FEED: _("in its feed"),
    Via.LOOK_UP: _("when looked up"),
    Via.DOOR: _("by hand"),
    Via.INSPECTION: _("at an inspection"),
    Via.RISK: _("by the risk channel"),
}
ERRANDS: Mapping[ErrandKind, str] = {
    ErrandKind.SUBMIT: _("it is to be submitted"),
    ErrandKind.AMEND: _("it is to be told of the amendment"),
    ErrandKind.WITHDRAW: _("it is to be told of the withdrawal"),
    ErrandKind.INFORM: _("it is to be given the declarant's answer"),
}


@dataclass(frozen=True)
class Because:
    """Goods items that stand as they do for one reason."""

    reason: Reason
    name: str
    """Of the service; empty for the declaration as a whole."""
    law: str
    items: tuple[int, ...]


@dataclass(frozen=True)
class Put:
    """A referral as it is shown."""

    referral: Referral
    seen: ReferralView
    name: str
    agency: str
    """Its name."""
    law: str
    errand: Errand | None
    stuck: Stuck | None
    said: Said | None
    actions: tuple[ActionKind, ...]
    """What may be done with it as it stands; each says itself, before it is done, whether it may."""
    answers: Mapping[str, Information] = field(default_factory=dict)
    """What the declarant answered, by its id."""

    @property
    def service(self) -> str:
        return self.referral.terms.service


@router.get("")
async def search_page(
    request: Request,
    parts: Parts,
    user: SignedIn,
    q: str = "",
    outcome: str = "",
    agency: str = "",
    declarant: str = "",
    cursor: str | None = None,
) -> Response:
    """
    Declarations by a reference, or as filtered, the newest first. Users that are bound to an agency list what
    waits for it, and find whatever was put to it.
    """
    words, q, declarant = words_of(request), q.strip(), declarant.strip()
    agency = user.agency or agency
    found: Page | None = None
    rows: Sequence[DeclarationRow] = ()
    if q:
        rows = await in_thread(parts.finding.find, q, user.agency, _ROWS)
    else:
        which = DeclarationFilter(
            outcome=Outcome(outcome) if outcome in set(Outcome) else None,
            pending_agency=agency or None,
            declarant=declarant or None,
        )
        found = await in_thread(_listed, parts, which, cursor)
        rows = found.rows
    return page(
        request,
        "declarations/search.html",
        rows=rows,
        q=q,
        given={"outcome": outcome, "agency": agency, "declarant": declarant},
        next=None if found is None else found.cursor,
        first=cursor is None,
        names=_agency_names(parts, words),
        outcomes=OUTCOME_WORDS,
        outcome_styles=OUTCOME_STYLES,
        declaration_url=links.declaration_url,
    )


def _listed(parts: ConsoleParts, which: DeclarationFilter, cursor: str | None) -> Page:
    try:
        return parts.queries.page(which, cursor, _ROWS)
    except BadCursor:
        return parts.queries.page(which, None, _ROWS)


@router.get("/{mrn}")
async def declaration_page(
    request: Request, parts: Parts, user: SignedIn, mrn: str, scale: str = ""
) -> Response:
    """All of it that this user may see."""
    view, sight = await _seen(parts, user, mrn)
    words = words_of(request)
    judging = await in_thread(parts.judging)
    stuck = [shown_to(one, user) for one in await in_thread(parts.attention.stuck_in, mrn, judging)]
    events = events_seen(await in_thread(parts.queries.events, mrn, 0, _MOST_EVENTS), view, sight)
    answers = await in_thread(parts.finding.answers_of, mrn)
    names = _agency_names(parts, words)
    put = _put(view, sight, stuck, answers, words, names, user)
    in_scale = Scale(scale) if scale in set(Scale) else None
    whole = next((one for one in stuck if one.service is None), None)
    acceptance = view.acceptance
    ui = parts.temporal_ui_url
    return page(
        request,
        "declarations/declaration.html",
        mrn=mrn,
        view=view,
        acceptance=acceptance,
        declaration=acceptance.declaration,
        is_staff=user.agency is None,
        final=view.clearance.final or view.closed_at is not None,
        because=_because(view, sight, words),
        put=put,
        whole=whole if user.agency is None else None,
        whole_said=None if whole is None else said_to(whole, words, names, user),
        proposals=await _proposals(parts, user, mrn),
        timeline=timeline_of(view, [one.referral for one in put], events, parts.clock(), in_scale),
        # Hundreds of them: in full, and the same in every language.
        stamp=lambda at: f"{at.astimezone(parts.zone):%Y-%m-%d %H:%M:%S}",
        lane_names={one.service: f"{one.name} · {one.agency}" for one in put},
        routing=_routing(view, sight),
        deeds=[event for event in events if _by(event)][-_EVENTS:],
        events=len(events),
        exchanges=await in_thread(parts.finding.count_exchanges, mrn) if sight.sees_exchanges else 0,
        documents=_documents(view) if user.agency is None else (),
        engine_url=f"{ui.rstrip('/')}/{quote(workflow_id(mrn), safe='')}" if ui and not user.agency else None,
        withdraw=ActionKind.WITHDRAW if _may_withdraw(view, user) else None,
        by=_by,
        names=names,
        **_words(),
    )


@router.get("/{mrn}/events")
async def events_page(request: Request, parts: Parts, user: SignedIn, mrn: str, after: int = 0) -> Response:
    """Everything that happened, in order."""
    view, sight = await _seen(parts, user, mrn)
    found = await in_thread(parts.queries.events, mrn, max(after, 0), _EVENTS)
    return page(
        request,
        "declarations/events.html",
        mrn=mrn,
        events=events_seen(found, view, sight),
        next=found[-1].seq if len(found) == _EVENTS else None,
        first=after <= 0,
        by=_by,
        **_words(),
    )


@router.get("/{mrn}/exchanges")
async def exchanges_page(
    request: Request,
    parts: Parts,
    user: SignedIn,
    mrn: str,
    service: str = "",
    cursor: str | None = None,
) -> Response:
    """What was sent and what was answered, as recorded, without secrets; how it was read. For staff."""
    view, sight = await _seen(parts, user, mrn)
    if not sight.sees_exchanges:
        raise forbidden()
    services = [referral.terms.service for referral in view.referrals]
    wanted = service if service in services else None
    try:
        found = await in_thread(parts.finding.exchanges_of, mrn, wanted, cursor, _EXCHANGES)
    except BadCursor:
        found = await in_thread(parts.finding.exchanges_of, mrn, wanted, None, _EXCHANGES)
    messages: list[Message] = []
    if cursor is None:
        agencies = {r.terms.agency for r in view.referrals if wanted in (None, r.terms.service)}
        messages = [m for m in await in_thread(parts.queries.messages, mrn) if m.agency in agencies]
    return page(
        request,
        "declarations/exchanges.html",
        mrn=mrn,
        services=services,
        service=wanted,
        exchanges=found.exchanges,
        messages=messages,
        next=found.cursor,
        first=cursor is None,
        longest=_LONGEST_BODY,
        names=_agency_names(parts, words_of(request)),
        **_words(),
    )


@router.get("/{mrn}/documents/{sha256}")
async def document_file(parts: Parts, user: SignedIn, mrn: str, sha256: str) -> Response:
    """A document that the declarant handed in with an answer, to be kept, never to be shown: for staff."""
    await _seen(parts, user, mrn)
    if user.agency is not None:
        raise forbidden()
    answers = await in_thread(parts.finding.answers_of, mrn)
    known = next((d for _service, one in answers for d in one.documents if d.sha256 == sha256), None)
    content = None if known is None else await in_thread(parts.finding.document, mrn, sha256)
    if known is None or content is None:
        raise not_found()
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"content-disposition": f"attachment; filename*=UTF-8''{quote(known.name, safe='')}"},
    )


async def _seen(parts: ConsoleParts, user: User, mrn: str) -> tuple[DeclarationView, Sight]:
    """The declaration, if there is one as far as this user is concerned. Raises PageProblem (404)."""
    sight = (
        Sight(declarant=None, agency=None, sees_trouble=True, sees_exchanges=True, is_customs=True)
        if user.agency is None
        else Sight(declarant=None, agency=user.agency, sees_trouble=False)
    )
    view = await in_thread(parts.queries.view, mrn) if "\x00" not in mrn else None
    if view is None and "\x00" not in mrn:
        gone = await in_thread(parts.queries.tombstone, mrn)
        if gone is not None and sight.could_see(gone):
            raise PageProblem(
                410,
                _("This declaration was archived"),
                _("It was closed on %(closed)s; its records are in the file %(file)s until %(until)s."),
                closed=f"{gone.closed_at:%Y-%m-%d}",
                file=gone.file,
                until=f"{gone.keep_until:%Y-%m-%d}",
            )
    if view is None or not sight.may_see(view):
        raise not_found(_("There is no such declaration"), _("Look at the reference once more, or search."))
    return view, sight


def _agency_names(parts: ConsoleParts, words: Words) -> dict[str, str]:
    names = {slug: words.text_of(name) for slug, name in parts.agency_names().items()}
    return {CUSTOMS: words.gettext(_("Customs")), **names}


async def _proposals(parts: ConsoleParts, user: User, mrn: str) -> Sequence[Proposal]:
    """Decisions by hand that wait for a second person."""
    if user.agency is not None:
        return ()
    return (await in_thread(parts.actions.proposals, open=True, mrn=mrn)).proposals


def _words() -> dict[str, Any]:
    return {
        "rules": RULES,
        "consenting": CONSENTING,
        "refusing": REFUSING,
        "event_words": EVENTS,
        "said": said,
        "states": STATES,
        "state_styles": STATE_STYLES,
        "outcomes": OUTCOME_WORDS,
        "outcome_styles": OUTCOME_STYLES,
        "verdicts": VERDICTS,
        "vias": VIAS,
        "errand_words": ERRANDS,
        "kinds": STUCK_NAMES,
        "styles": STYLES,
        "spans": SPANS,
        "signs": SIGNS,
        "actions": KINDS,
        "action_url": action_url,
        "act_url": links.act_url,
        "agency_url": links.agency_url,
        "approval_url": links.approval_url,
        "audit_url": links.audit_url,
        "declaration_url": links.declaration_url,
    }


def _because(view: DeclarationView, sight: Sight, words: Words) -> list[Because]:
    """The reasons as they stand, those that hold back first; goods items with the same one together."""
    names = {r.terms.service: words.text_of(r.terms.service_name) for r in view.case.referrals}
    together: dict[tuple[str | None, Rule, str | None], list[Reason]] = {}
    for reason in reasons_for(view.reasons, sight):
        together.setdefault((reason.service, reason.rule, reason.remarks), []).append(reason)
    found = [
        Because(
            reason=same[0],
            name=names.get(same[0].service or "", same[0].service or ""),
            law=words.text_of(same[0].law),
            items=tuple(sorted({one.item for one in same if one.item is not None})),
        )
        for same in together.values()
    ]
    return sorted(found, key=lambda one: _weight(one.reason.rule))


def _weight(rule: Rule) -> int:
    if rule in REFUSING:
        return 0
    return 2 if rule in CONSENTING else 1


def _put(
    view: DeclarationView,
    sight: Sight,
    stuck: Iterable[Stuck],
    answers: Iterable[tuple[str, Information]],
    words: Words,
    names: Mapping[str, str],
    user: User,
) -> list[Put]:
    """The referrals, those that are stuck first, then those that are awaited."""
    by_service = {one.service: one for one in stuck}
    seen = {one.terms.service: one for one in view.referrals}
    to_tell = {errand.service: errand for errand in errands(view.case)}
    given: dict[str, dict[str, Information]] = {}
    for service, answer in answers:
        given.setdefault(service, {})[answer.id] = answer
    found = []
    for referral in view.case.referrals:
        terms = referral.terms
        if not sight.may_see_agency(terms.agency):
            continue
        one = by_service.get(terms.service)
        errand = to_tell.get(terms.service)
        if not sight.sees_trouble:
            referral = referral.model_copy(update={"trouble": None})
        found.append(
            Put(
                referral=referral,
                seen=seen[terms.service],
                name=words.text_of(terms.service_name) or terms.service,
                agency=names.get(terms.agency, terms.agency),
                law=words.text_of(terms.law),
                errand=errand,
                stuck=one,
                said=None if one is None else said_to(one, words, names, user),
                actions=_actions(view, referral, seen[terms.service], errand, user),
                answers=given.get(terms.service, {}),
            )
        )
    return sorted(found, key=_order)


def _order(put: Put) -> int:
    if put.stuck is not None:
        return 0
    return 2 if put.referral.state in (ReferralState.DECIDED, ReferralState.WITHDRAWN) else 1


def _actions(
    view: DeclarationView, referral: Referral, seen: ReferralView, errand: Errand | None, user: User
) -> tuple[ActionKind, ...]:
    over = view.closed_at is not None or view.clearance.outcome in (Outcome.RELEASE, Outcome.WITHDRAWN)
    if referral.state is ReferralState.WITHDRAWN or (over and errand is None):
        return ()
    by_hand = referral.terms.answers is Answers.DOOR
    awaited = is_live(referral) and referral.state is not ReferralState.DECIDED
    sent = referral.delivered_at is not None or seen.sent_at is not None
    applies = {
        ActionKind.RETRY: errand is not None and not by_hand,
        ActionKind.LOOK_UP: awaited and sent and not by_hand,
        ActionKind.RESEND: awaited
        and not by_hand
        and (referral.state is ReferralState.UNDELIVERABLE or referral.trouble is not None),
        ActionKind.EXTEND: awaited and not referral.is_stopped,
        ActionKind.DECIDE: awaited and not by_hand,
        ActionKind.WITHDRAWN: errand is not None and errand.kind is ErrandKind.WITHDRAW,
    }
    return tuple(kind for kind, is_so in applies.items() if is_so and may(user, LEAST_ROLE[kind]))


def _may_withdraw(view: DeclarationView, user: User) -> bool:
    over = view.closed_at is not None or view.clearance.outcome in (Outcome.RELEASE, Outcome.WITHDRAWN)
    return not over and may(user, LEAST_ROLE[ActionKind.WITHDRAW])


@dataclass(frozen=True)
class Routed:
    """Why services were or were not asked about one goods item; the sentences are the catalogue's."""

    item: int
    hs_code: str
    asked: tuple[tuple[str, str], ...]
    """Service and sentence."""
    not_asked: tuple[tuple[str, str], ...]
    prohibited: tuple[tuple[str, str], ...]


_MOST_ROUTED = 100
"""Goods items whose routing a page explains: of more, the API and the case file do."""


def _routing(view: DeclarationView, sight: Sight) -> list[Routed]:
    routing = view.acceptance.routing
    found = []
    for item in view.acceptance.declaration.items[:_MOST_ROUTED]:
        parts_ = tuple(
            tuple(
                (one.service, one.because)
                for one in candidates
                if one.item == item.number and sight.may_see_agency(one.agency)
            )
            for candidates in (routing.required, routing.ruled_out, routing.prohibited)
        )
        if any(parts_):
            found.append(Routed(item.number, item.hs_code, *parts_))
    return found


def _documents(view: DeclarationView) -> list[tuple[str, str, str, str]]:
    """Of each document that was declared: goods item or none, type, number, issuer."""
    declaration = view.acceptance.declaration
    found = [("", lpco.type, lpco.id, lpco.issuer or "") for lpco in declaration.lpcos]
    for item in declaration.items:
        found += [(str(item.number), lpco.type, lpco.id, lpco.issuer or "") for lpco in item.lpcos]
    return found[: _MOST_ROUTED * 2]


_NOT_PEOPLE = frozenset({"channel", "door"})


def _by(event: Event) -> str:
    """Who did it, where a person or a client did."""
    by = event.data.get("by")
    return by if isinstance(by, str) and by not in _NOT_PEOPLE else ""
