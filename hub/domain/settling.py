"""From what the agencies have said to one outcome. Policy lives here, where a customs officer can read it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from hub.domain.case import Case, CasePolicy, Change, OnInformationExpiry, Referral
from hub.domain.certificates import Claim, ClaimState
from hub.domain.clearance import Clearance, Outcome, Reason, Rule
from hub.domain.information import InformationRequest
from hub.domain.referral import Answers, Decision, OnExpiry, ReferralState, Verdict, Via
from hub.domain.withdrawal import Withdrawal

_RULE_OF_VERDICT = {
    Verdict.APPROVED: Rule.CONSENTED,
    Verdict.APPROVED_WITH_CONDITIONS: Rule.CONSENTED,
    Verdict.REFUSED: Rule.REFUSED,
    Verdict.INFORMATION_REQUIRED: Rule.INFORMATION_REQUIRED,
    Verdict.INSPECTION_REQUIRED: Rule.INSPECTION_REQUIRED,
}

_RULE_OF_EXPIRY = {
    OnExpiry.HOLD: Rule.EXPIRED,
    OnExpiry.ESCALATE: Rule.ESCALATED,
    OnExpiry.DEEMED_APPROVED: Rule.DEEMED_APPROVED,
    OnExpiry.DEEMED_REFUSED: Rule.DEEMED_REFUSED,
}

_RULE_OF_INFORMATION_EXPIRY = {
    OnInformationExpiry.HOLD: Rule.INFORMATION_OVERDUE,
    OnInformationExpiry.REFUSE: Rule.INFORMATION_NOT_GIVEN,
}

CONSENTING = frozenset(
    {
        Rule.NO_AGENCY_NEEDED,
        Rule.CONSENTED,
        Rule.DEEMED_APPROVED,
        Rule.CERTIFICATE_REUSED,
        Rule.RELEASED,
    }
)
REFUSING = frozenset({Rule.PROHIBITED, Rule.REFUSED, Rule.DEEMED_REFUSED, Rule.INFORMATION_NOT_GIVEN})
HOLDING = frozenset(
    {
        Rule.INFORMATION_REQUIRED,
        Rule.INFORMATION_OVERDUE,
        Rule.INSPECTION_REQUIRED,
        Rule.UNDELIVERABLE,
        Rule.EXPIRED,
        Rule.ESCALATED,
        Rule.CERTIFICATE_EXHAUSTED,
    }
)
WAITING = frozenset({Rule.AWAITED, Rule.DUTIES_DUE})

_Claims = Mapping[tuple[str, int], Sequence[Claim]]
"""By service and goods item."""


def settle(case: Case) -> Clearance:
    """
    The outcome of a case, with a reason for every goods item and service.

    A declaration that the declarant has withdrawn is settled by that. A prohibition or one refusal refuses;
    else anything that needs somebody to act holds; else the cargo waits while an answer, or the duties, are
    still due; and only when every service has consented for every item it was asked about is the cargo
    released. A case that asks nobody is released at once.

    Where the policy allows it, the goods items whose services all consent go before the others. What has
    gone stays released, whatever is said later.
    """
    if case.withdrawal is not None:
        return _withdrawn(case, case.withdrawal)
    reasons = _reasons(case)
    rules = {reason.rule for reason in reasons}
    released_items: tuple[int, ...] = ()
    if rules <= CONSENTING:
        outcome = Outcome.RELEASE
    elif released_items := _may_go(case, reasons):
        outcome = Outcome.PARTIAL_RELEASE
    elif rules & REFUSING:
        outcome = Outcome.REFUSAL
    elif rules & HOLDING:
        outcome = Outcome.HOLD
    else:
        outcome = Outcome.IN_PROGRESS
    final = outcome is Outcome.RELEASE or (outcome is Outcome.REFUSAL and Rule.PROHIBITED in rules)
    return Clearance(outcome=outcome, final=final, reasons=reasons, released_items=released_items)


def nothing_is_awaited(clearance: Clearance) -> bool:
    """
    Whether what has not gone is refused: such an outcome stands once the time in which an agency may change
    its mind has passed. A refusal, or a partial release in which every other goods item is refused.
    """
    if clearance.outcome is not Outcome.PARTIAL_RELEASE:
        return clearance.outcome is Outcome.REFUSAL
    stuck = {reason.item for reason in clearance.reasons if reason.rule not in CONSENTING}
    refused = {reason.item for reason in clearance.reasons if reason.rule in REFUSING}
    return stuck - {None} <= refused


def is_live(referral: Referral) -> bool:
    """Whether the consent is still asked for: the referral is neither withdrawn nor to be withdrawn."""
    return referral.state is not ReferralState.WITHDRAWN and referral.change is not Change.WITHDRAW


def standing_decisions(referral: Referral) -> dict[int, Decision]:
    """
    The decision that counts for each goods item that has one: that with the latest action time.

    Of two with the same action time the one received later counts, and of two received together the one
    with the greater id, so that every order of arrival settles the same (US CBP CSMS 16-000461). What was
    said of an earlier content counts for nothing; nor does anything while it is not known that the agency
    has the new one.
    """
    if referral.change in (Change.AMEND, Change.RESUBMIT):
        return {}
    referred = set(referral.terms.items)
    said = [decision for decision in referral.decisions if _is_of_this_content(referral, decision)]
    standing: dict[int, Decision] = {}
    for decision in sorted(said, key=lambda d: (d.decided_at, d.received_at, d.id)):
        items = referred if decision.items is None else referred.intersection(decision.items)
        standing.update(dict.fromkeys(items, decision))
    return standing


def _is_of_this_content(referral: Referral, decision: Decision) -> bool:
    if decision.revision != referral.terms.revision:
        return False
    if decision.about is not None:
        return True  # its revision is what the agency says itself
    # It may have come while nobody knew yet whether the agency had the new content.
    had_at = referral.amended_at
    return had_at is None or decision.decided_at >= had_at or decision.via is Via.REPLY


def standing_questions(referral: Referral) -> tuple[InformationRequest, ...]:
    """What the agency wants to know: its questions which no later decision has made idle."""
    standing = {decision.id for decision in standing_decisions(referral).values()}
    return tuple(question for question in referral.questions if question.id in standing)


def awaited_items(referral: Referral) -> tuple[int, ...]:
    """
    The goods items for which it is the agency's turn: those it has said nothing of, or has had its question
    answered.
    """
    standing = standing_decisions(referral)
    answered = _answered(referral)
    return tuple(i for i in referral.terms.items if i not in standing or standing[i].id in answered)


def awaits_decision(referral: Referral) -> bool:
    """Whether it is the agency's turn with some goods item of the referral."""
    return bool(awaited_items(referral))


def claims_by_place(case: Case) -> dict[tuple[str, int], list[Claim]]:
    """What is taken up of certificates, by service and goods item."""
    claims: defaultdict[tuple[str, int], list[Claim]] = defaultdict(list)
    for claim in case.claims:
        claims[claim.service, claim.item].append(claim)
    return dict(claims)


def needs_no_asking(case: Case, referral: Referral) -> bool:
    """
    Whether certificates stand for the consent to every goods item of the referral. It stays so while there
    is not enough left on one of them: the goods are held then, until there is.
    """
    reused = {
        claim.item
        for claim in case.claims
        if claim.service == referral.terms.service
        and claim.reused
        and claim.state is not ClaimState.GIVEN_BACK
    }
    return reused.issuperset(referral.terms.items)


# --- parts ------------------------------------------------------------------------------------------


def _withdrawn(case: Case, withdrawal: Withdrawal) -> Clearance:
    reason = Reason(
        rule=Rule.WITHDRAWN,
        remarks=withdrawal.remarks or None,
        rule_version=case.policy.version,
        by=withdrawal.by,
    )
    told = all(referral.state is ReferralState.WITHDRAWN for referral in case.referrals)
    return Clearance(outcome=Outcome.WITHDRAWN, final=told, reasons=(reason,))


def _may_go(case: Case, reasons: Sequence[Reason]) -> tuple[int, ...]:
    """The goods items that may go though not all may: those that have gone, and those the policy lets go."""
    stuck = {reason.item for reason in reasons if reason.rule not in CONSENTING}
    # A reason without an item is about the declaration as a whole; a prohibition stops all of it.
    if not case.policy.partial_release or None in stuck or case.prohibitions:
        return case.released
    return tuple(sorted({*case.released, *(item for item in case.items if item not in stuck)}))


def _reasons(case: Case) -> tuple[Reason, ...]:
    reasons = [
        Reason(rule=Rule.PROHIBITED, item=p.item, service=p.service, agency=p.agency, law=p.law)
        for p in case.prohibitions
    ]
    claims = claims_by_place(case)
    for referral in filter(is_live, case.referrals):
        standing = standing_decisions(referral)
        answered = _answered(referral)
        for item in referral.terms.items:
            said = standing.get(item)
            if said is not None and said.id in answered:
                said = None
            reasons.append(_reason(case, referral, item, said, claims))
    version = case.policy.version
    if not reasons:
        reasons = [Reason(rule=Rule.NO_AGENCY_NEEDED, rule_version=version)]
    elif case.policy.partial_release and not case.prohibitions:
        # Each item may go on its own, so each has its reason.
        asked_about = {reason.item for reason in reasons}
        reasons += [
            Reason(rule=Rule.NO_AGENCY_NEEDED, item=item, rule_version=version)
            for item in case.items
            if item not in asked_about
        ]
    if case.policy.duty_gate and not case.prohibitions and not _duties_are_covered(case):
        reasons.append(Reason(rule=Rule.DUTIES_DUE, rule_version=version))
    return tuple(reasons)


def _duties_are_covered(case: Case) -> bool:
    return case.duties is not None and case.duties.are_covered


def _reason(case: Case, referral: Referral, item: int, decision: Decision | None, claims: _Claims) -> Reason:
    terms = referral.terms
    claimed = claims.get((terms.service, item), ())
    rule, remarks = _rule(case.policy, referral, decision, claimed)
    wanted = [claim for claim in claimed if claim.state is ClaimState.WANTED]
    if wanted and rule not in REFUSING:
        rule, remarks = Rule.CERTIFICATE_EXHAUSTED, _named(wanted)
    if item in case.released and rule not in CONSENTING:
        rule = Rule.RELEASED
    of_policy = rule in (Rule.INFORMATION_OVERDUE, Rule.INFORMATION_NOT_GIVEN, Rule.RELEASED)
    return Reason(
        rule=rule,
        item=item,
        service=terms.service,
        agency=terms.agency,
        verdict=decision.verdict if decision else None,
        law=terms.law,
        decision=decision.id if decision else None,
        evidence=decision.exchange if decision else None,
        remarks=remarks,
        rule_version=case.policy.version if of_policy else terms.config_version,
        by=decision.by if decision else None,
    )


def _rule(
    policy: CasePolicy, referral: Referral, decision: Decision | None, claimed: Sequence[Claim]
) -> tuple[Rule, str | None]:
    """The rule for a goods item, and what is remarked. An agency's own word outweighs a certificate."""
    if decision is not None:
        overdue = any(q.id == decision.id and q.is_open and q.expired_at for q in referral.questions)
        if overdue:
            return _RULE_OF_INFORMATION_EXPIRY[policy.on_information_expiry], decision.remarks
        return _RULE_OF_VERDICT[decision.verdict], decision.remarks
    taken_up = (ClaimState.RESERVED, ClaimState.WRITTEN_OFF)
    if reused := [claim for claim in claimed if claim.reused and claim.state in taken_up]:
        return Rule.CERTIFICATE_REUSED, _named(reused)
    if referral.state is ReferralState.EXPIRED:
        # An agency that was not reached in time has not let any time pass: nothing may be deemed of it.
        in_time = _was_reached_in_time(referral)
        return _RULE_OF_EXPIRY[referral.terms.on_expiry] if in_time else Rule.EXPIRED, referral.trouble
    if referral.state is ReferralState.UNDELIVERABLE:
        return Rule.UNDELIVERABLE, referral.trouble
    return Rule.AWAITED, None


def _was_reached_in_time(referral: Referral) -> bool:
    """Whether the agency had what it was to decide on before its time was up."""
    if referral.change in (Change.AMEND, Change.RESUBMIT):
        return False
    received_at = referral.receipt.received_at if referral.receipt is not None else None
    if referral.terms.answers is Answers.DOOR or referral.delivered_revision > 1:
        received_at = referral.delivered_at
    return received_at is not None and received_at <= (referral.due_at or referral.terms.due_at)


def _answered(referral: Referral) -> frozenset[str]:
    """Decisions that asked for information which the agency now has: they ask for nothing any more."""
    return frozenset(q.id for q in referral.questions if q.passed_on_at is not None)


def _named(claims: Sequence[Claim]) -> str:
    return ", ".join(f"{claim.certificate.type} {claim.certificate.id}" for claim in claims)
