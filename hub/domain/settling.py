"""From what the agencies have said to one outcome. Policy lives here, where a customs officer can read it."""

from __future__ import annotations

from hub.domain.case import Case, Referral
from hub.domain.clearance import Clearance, Outcome, Reason, Rule
from hub.domain.referral import Decision, OnExpiry, ReferralState, Verdict

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

CONSENTING = frozenset({Rule.NO_AGENCY_NEEDED, Rule.CONSENTED, Rule.DEEMED_APPROVED})
REFUSING = frozenset({Rule.PROHIBITED, Rule.REFUSED, Rule.DEEMED_REFUSED})
HOLDING = frozenset(
    {
        Rule.INFORMATION_REQUIRED,
        Rule.INSPECTION_REQUIRED,
        Rule.UNDELIVERABLE,
        Rule.EXPIRED,
        Rule.ESCALATED,
    }
)


def settle(case: Case) -> Clearance:
    """
    The outcome of a case, with a reason for every goods item and service.

    A prohibition or one refusal refuses; else anything that needs somebody to act holds; else the cargo
    waits while an answer is still due; and only when every service has consented for every item it was
    asked about is the cargo released. A case that asks nobody is released at once.
    """
    reasons = [
        Reason(rule=Rule.PROHIBITED, item=p.item, service=p.service, agency=p.agency, law=p.law)
        for p in case.prohibitions
    ]
    for referral in case.referrals:
        standing = standing_decisions(referral)
        reasons += [_reason(referral, item, standing.get(item)) for item in referral.terms.items]
    if not reasons:
        reasons = [Reason(rule=Rule.NO_AGENCY_NEEDED)]
    rules = {reason.rule for reason in reasons}
    if rules & REFUSING:
        outcome = Outcome.REFUSAL
    elif rules & HOLDING:
        outcome = Outcome.HOLD
    elif rules <= CONSENTING:
        outcome = Outcome.RELEASE
    else:
        outcome = Outcome.IN_PROGRESS
    final = outcome is Outcome.RELEASE or Rule.PROHIBITED in rules
    return Clearance(outcome=outcome, final=final, reasons=tuple(reasons))


def standing_decisions(referral: Referral) -> dict[int, Decision]:
    """
    The decision that counts for each goods item that has one: that with the latest action time.

    Of two with the same action time the one received later counts, and of two received together the one
    with the greater id, so that every order of arrival settles the same (US CBP CSMS 16-000461).
    """
    referred = set(referral.terms.items)
    standing: dict[int, Decision] = {}
    for decision in sorted(referral.decisions, key=lambda d: (d.decided_at, d.received_at, d.id)):
        items = referred if decision.items is None else referred.intersection(decision.items)
        standing.update(dict.fromkeys(items, decision))
    return standing


def awaits_decision(referral: Referral) -> bool:
    """Whether some goods item of the referral has no decision yet."""
    return len(standing_decisions(referral)) < len(referral.terms.items)


def _reason(referral: Referral, item: int, decision: Decision | None) -> Reason:
    terms = referral.terms
    if decision is not None:
        return Reason(
            rule=_RULE_OF_VERDICT[decision.verdict],
            item=item,
            service=terms.service,
            agency=terms.agency,
            verdict=decision.verdict,
            law=terms.law,
            decision=decision.id,
            evidence=decision.exchange,
            remarks=decision.remarks,
        )
    rule = Rule.AWAITED
    remarks = None
    if referral.state is ReferralState.EXPIRED:
        # An agency that was not reached in time has not let any time pass: nothing may be deemed of it.
        in_time = referral.receipt is not None and referral.receipt.received_at <= terms.due_at
        rule = _RULE_OF_EXPIRY[terms.on_expiry] if in_time else Rule.EXPIRED
        remarks = referral.trouble
    elif referral.state is ReferralState.UNDELIVERABLE:
        rule = Rule.UNDELIVERABLE
        remarks = referral.trouble
    return Reason(
        rule=rule, item=item, service=terms.service, agency=terms.agency, law=terms.law, remarks=remarks
    )
