"""A new version of a declaration under way: whose consent stands, who is asked again, and how."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from hub.domain.amendment import Amendment, ChangedReferral, RemovedReferral
from hub.domain.case import Case, Change, Referral
from hub.domain.certificates import Claim, ClaimState
from hub.domain.declaration import Declaration
from hub.domain.events import EventType, NewEvent
from hub.domain.exchange import Asked
from hub.domain.intake import Acceptance
from hub.domain.life import is_delivered, with_decision
from hub.domain.names import next_referral_id
from hub.domain.referral import Answers, Decision, ReferralState, ReferralTerms, Via
from hub.domain.settling import is_live, needs_no_asking
from hub.domain.steps import StepRefused
from hub.domain.steps.standing import Standing, refuse_if_any_released

Digests = Mapping[str, tuple[str, str]]
"""By service: what a submission of the old and of the new version would tell its agency, as a digest."""


def amend(
    standing: Standing,
    new: Acceptance,
    *,
    digests: Digests,
    abilities: Mapping[str, Collection[Asked]],
    sent: Mapping[str, bool],
    remarks: str = "",
) -> list[NewEvent]:
    """
    The declaration has the version `new`, made as `accept` makes one, under the same mrn, by the law and the
    policy of the day of the first.

    A service that would be told the same as before keeps its consent, its question and its deadline. One
    that would be told something else is asked again, with a clock that begins anew: by the contract's own
    operation where its `abilities` have that; else what it has is withdrawn, and submitted anew. `sent` says
    of which services a submission was begun that may have reached the agency; one that may have it is told,
    and the doubt is settled there. A service with no digest counts as changed.

    Raises StepRefused: `already-released`, also for a part of the goods; `already-withdrawn`; `closed`;
    `not-amendable` for what makes a declaration the one it is; `nothing-changed`. Raises ValueError when
    `new` is not the version after the one that stands.
    """
    case, before = standing.case, standing.acceptance
    if new.mrn != case.mrn or new.case.version != case.version + 1:
        raise ValueError(f"{new.mrn} version {new.case.version} does not follow {case.mrn} {case.version}")
    refuse_if_any_released(standing)
    _refuse_another(before.declaration, new.declaration)
    if new.content_hash == before.content_hash:
        raise StepRefused("nothing-changed", f"version {case.version} says just the same")

    kept: list[str] = []
    changed: list[ChangedReferral] = []
    added: list[Referral] = []
    known = {referral.terms.service: referral for referral in case.referrals}
    for asked in new.case.referrals:
        service = asked.terms.service
        old = known.get(service)
        if old is None:
            added.append(asked)
        elif old.state is ReferralState.WITHDRAWN:
            added.append(_needed_again(old, asked))
        elif is_live(old) and not _differs(old, asked, before.declaration, new.declaration, digests):
            kept.append(service)
        else:
            may_have_it = _may_have_it(old, sent)
            how = _told_how(old, may_have_it, abilities.get(service, ()), needs_no_asking(new.case, asked))
            changed.append(_asked_again(old, asked, how))
    needed = {asked.terms.service for asked in new.case.referrals}
    removed = [
        RemovedReferral(
            service=service,
            change=Change.WITHDRAW if _may_have_it(old, sent) and not _is_by_hand(old) else Change.NONE,
        )
        for service, old in known.items()
        if service not in needed and is_live(old)
    ]
    amendment = Amendment(
        version=new.case.version,
        content_hash=new.content_hash,
        by=new.client,
        remarks=remarks,
        lodged_at=new.accepted_at,
        items=new.case.items,
        prohibitions=new.case.prohibitions,
        kept=tuple(kept),
        changed=tuple(changed),
        added=tuple(added),
        removed=tuple(removed),
        claims=_claims(case, new.case),
    )
    data = amendment.model_dump(mode="json", exclude_defaults=True)
    return [NewEvent(at=new.accepted_at, type=EventType.DECLARATION_AMENDED, data=data)]


def content_digest(declaration: Declaration, items: Collection[int]) -> str:
    """
    What an office sees of these goods items that reads the declaration at the hub, as a hash in hexadecimal:
    the items, and all that is said of the declaration as a whole.
    """
    shown = tuple(item for item in declaration.items if item.number in items)
    return declaration.model_copy(update={"items": shown}).content_hash


def _refuse_another(before: Declaration, after: Declaration) -> None:
    """Refuse what would make it another declaration: that is lodged on its own."""
    for pointer, was, would_be in (
        ("/lrn", before.lrn, after.lrn),
        ("/procedure", before.procedure, after.procedure),
        ("/declarant/id", before.declarant.id, after.declarant.id),
    ):
        if was != would_be:
            words = f"it was lodged with {was!s}; withdraw it, and lodge another declaration"
            raise StepRefused("not-amendable", words, pointer)


def _is_by_hand(referral: Referral) -> bool:
    return referral.terms.answers is Answers.DOOR


def _may_have_it(referral: Referral, sent: Mapping[str, bool]) -> bool:
    """Whether the agency has the referral, or may have it: what its system turned down it may have kept."""
    return (
        is_delivered(referral)
        or referral.change is not Change.NONE
        or referral.state is ReferralState.UNDELIVERABLE
        or sent.get(referral.terms.service, False)
    )


def _differs(
    old: Referral, asked: Referral, before: Declaration, after: Declaration, digests: Digests
) -> bool:
    """Whether a service would be told, or shown, something else than before."""
    if old.terms.items != asked.terms.items:
        return True
    if _is_by_hand(asked):
        items = asked.terms.items
        shown_the_same = content_digest(before, items) == content_digest(after, items)
        return not shown_the_same or _demanded(old) != _demanded(asked)
    told = digests.get(asked.terms.service)
    return told is None or told[0] != told[1]


def _demanded(referral: Referral) -> str | None:
    """What the risk channel called for last; None where it has nothing to do with it."""
    words = [decision.word for decision in referral.decisions if decision.via is Via.RISK]
    return words[-1] if words else None


def _told_how(
    old: Referral, may_have_it: bool, abilities: Collection[Asked], needs_no_asking: bool
) -> Change:
    if _is_by_hand(old) or not may_have_it:
        return Change.NONE
    # What is being withdrawn this moment cannot be amended; what need not be asked any more is taken back.
    if old.change in (Change.RESUBMIT, Change.WITHDRAW) or needs_no_asking:
        return Change.RESUBMIT
    return Change.AMEND if Asked.AMEND in abilities else Change.RESUBMIT


def _asked_again(old: Referral, asked: Referral, how: Change) -> ChangedReferral:
    terms = asked.terms.model_copy(update={"id": old.terms.id, "revision": old.terms.revision + 1})
    demand, due_at = _demand(asked, terms)
    return ChangedReferral(terms=terms, change=how, demand=demand, question_due_at=due_at)


def _needed_again(old: Referral, asked: Referral) -> Referral:
    """The referral to a service that was asked once, and then no more. What it said then counts no more."""
    revision = old.terms.revision + 1
    terms = asked.terms.model_copy(
        update={"id": next_referral_id(old.terms.id, revision), "revision": revision}
    )
    anew = asked.model_copy(
        update={
            "terms": terms,
            "decisions": old.decisions,
            "questions": (),
            "stops": (),
            "former": (*old.former, old.terms.id),
            "delivered_revision": revision if _is_by_hand(asked) else 0,
        }
    )
    demand, due_at = _demand(asked, terms)
    return anew if demand is None else with_decision(anew, demand, due_at)


def _demand(asked: Referral, terms: ReferralTerms) -> tuple[Decision | None, datetime | None]:
    """What customs' own control begins with, as a decision on these terms, and its question's time."""
    if not asked.decisions:
        return None, None
    [demand] = asked.decisions
    due_at = asked.questions[0].due_at if asked.questions else None
    stem = demand.id.removesuffix(f"-{asked.terms.revision}")
    update = {"id": f"{stem}-{terms.revision}", "referral": terms.id, "revision": terms.revision}
    return demand.model_copy(update=update), due_at


def _claims(before: Case, after: Case) -> tuple[Claim, ...]:
    """What the new version takes up of certificates. What is reserved for the very same stays reserved."""
    reserved = {
        (claim.service, claim.item, claim.certificate.type, claim.certificate.id, claim.quantity)
        for claim in before.claims
        if claim.state is ClaimState.RESERVED
    }
    return tuple(
        claim.model_copy(update={"state": ClaimState.RESERVED})
        if (claim.service, claim.item, claim.certificate.type, claim.certificate.id, claim.quantity)
        in reserved
        else claim
        for claim in after.claims
    )
