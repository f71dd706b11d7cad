"""What of an outcome is worth knowing, and which decisions cannot change any of it yet."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

from hub.domain.case import Case, Referral
from hub.domain.clearance import Clearance, Rule
from hub.domain.errands import Errand, ErrandKind, awaits_agency, errands
from hub.domain.referral import Decision, ReferralState, Verdict
from hub.domain.settling import settle

_QUIET = frozenset(
    {
        Rule.AWAITED,
        Rule.CONSENTED,
        Rule.DEEMED_APPROVED,
        Rule.NO_AGENCY_NEEDED,
        Rule.CERTIFICATE_REUSED,
        Rule.RELEASED,
    }
)
"""Rules whose coming and going is worth no record of its own: the decisions themselves are events."""


def worth_knowing(clearance: Clearance) -> Hashable:
    """What has to be different for a clearance to be recorded anew."""
    reasons = frozenset((r.rule, r.item, r.service) for r in clearance.reasons if r.rule not in _QUIET)
    return clearance.outcome, clearance.released_items, reasons


def can_wait(
    before: Case, after: Case, said: Sequence[Decision], being_handed_over: Collection[str] = ()
) -> bool:
    """
    Whether a workflow that knows the case as it was before these decisions need not hear of them now.

    They approve, nothing worth knowing and nothing that agencies are to be told is different with them, and
    another agency that has the declaration is still to decide: with what that one says they are told as well.
    So they are with the receipt of a service that is `being_handed_over`, by whoever hands it over.
    """
    if any(decision.verdict is not Verdict.APPROVED for decision in said):
        return False
    awaited = next((r for r in after.referrals if _is_heard_of(after, r, being_handed_over)), None)
    if awaited is None:
        return False
    before, after = _where_they_differ(before, after, awaited)

    def told(case: Case) -> list[Errand]:
        return [
            errand
            for errand in errands(case)
            if errand.kind is not ErrandKind.SUBMIT or errand.service not in being_handed_over
        ]

    return told(before) == told(after) and worth_knowing(settle(before)) == worth_knowing(settle(after))


def _is_heard_of(case: Case, referral: Referral, being_handed_over: Collection[str]) -> bool:
    """Whether something is still to come of the referral that its workflow hears of."""
    has_it = referral.state is ReferralState.DELIVERED or (
        referral.state is ReferralState.PENDING and referral.terms.service in being_handed_over
    )
    return has_it and awaits_agency(case, referral)


def _where_they_differ(before: Case, after: Case, awaited: Referral) -> tuple[Case, Case]:
    """
    Both with the referrals that are not the same in both, and the one that is awaited in any case: of 38 as a
    rule two. What the others come to is the same before and after, and with one that is awaited nothing
    depends on all of them, but for which goods items may go before the others.
    """
    if after.policy.partial_release:
        return before, after
    known = {r.terms.service: r for r in before.referrals}
    differ = {r.terms.service for r in after.referrals if r is not known.pop(r.terms.service, None)}
    differ |= {*known, awaited.terms.service}

    def restricted(case: Case) -> Case:
        return case.model_copy(
            update={"referrals": tuple(r for r in case.referrals if r.terms.service in differ)}
        )

    return restricted(before), restricted(after)
