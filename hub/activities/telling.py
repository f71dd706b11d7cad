"""What the log says of a declaration: the names of its events, one line each, as the store has them."""

from __future__ import annotations

from collections import OrderedDict

import structlog

from hub.domain.clearance import Notice, Outcome
from hub.domain.event_data import Found
from hub.domain.referral import ReferralState, ReferralTerms
from hub.ports import Acknowledgement, HandOver

_REMEMBERED = 10_000
"""Referrals and notices whose troubles are kept in mind; what is forgotten is told once more."""

_log = structlog.get_logger(__name__)


class Teller:
    """
    Writes the log of one worker.

    An attempt that fails is tried again for days, so each different reason is told once: the log says what
    is stuck and why, and not how often.
    """

    def __init__(self) -> None:
        self._reasons: OrderedDict[str, set[str]] = OrderedDict()

    def handed_over(self, terms: ReferralTerms, attempt: HandOver, recorded: HandOver) -> None:
        """How an attempt ended; `recorded` is how the referral stands with it."""
        log = _log.bind(mrn=terms.mrn, agency=terms.agency, service=terms.service)
        if attempt.receipt is not None or attempt.state in (ReferralState.DELIVERED, ReferralState.DECIDED):
            self._reasons.pop(terms.id, None)
            log.info("referral.delivered", reference=recorded.receipt and recorded.receipt.reference)
        elif attempt.state is ReferralState.UNDELIVERABLE:
            self._reasons.pop(terms.id, None)
            log.warning("referral.undeliverable", reason=attempt.trouble)
        elif self._is_new(terms.id, attempt.trouble):
            log.warning("referral.delayed", reason=attempt.trouble)
        known = {decision.id for decision in attempt.decisions}
        for decision in recorded.decisions:
            # The inbox's too, which had to wait for the agency's reference.
            if decision.id in known or attempt.receipt is not None:
                log.info("decision.received", verdict=decision.verdict, via=decision.via)

    def told(self, terms: ReferralTerms, what: str) -> None:
        """The agency has been told: `amended`, `withdrawn`, `informed` or `reminded`."""
        self._reasons.pop(terms.id, None)
        _log.info(f"referral.{what}", mrn=terms.mrn, agency=terms.agency, service=terms.service)

    def looked_up(self, terms: ReferralTerms, found: Found, reason: str | None) -> None:
        """What the agency has said when it was asked by our reference."""
        log = _log.bind(mrn=terms.mrn, agency=terms.agency, service=terms.service)
        log.info("referral.looked_up", found=found, reason=reason)

    def delayed(self, terms: ReferralTerms, reason: str) -> None:
        """What the agency is to be told did not get through; it is tried again."""
        if self._is_new(terms.id, reason):
            log = _log.bind(mrn=terms.mrn, agency=terms.agency, service=terms.service)
            log.warning("referral.delayed", reason=reason)

    def stuck(self, terms: ReferralTerms, reason: str) -> None:
        """A person must tell the agency."""
        if self._is_new(terms.id, reason):
            log = _log.bind(mrn=terms.mrn, agency=terms.agency, service=terms.service)
            log.warning("referral.stuck", reason=reason)

    def settled(self, mrn: str, outcome: Outcome, pending: list[str]) -> None:
        """The outcome, or its reasons, changed."""
        log = _log.bind(mrn=mrn)
        log.info("clearance.settled", outcome=outcome, pending_agencies=pending)

    def notice_taken(self, notice: Notice, acknowledgement: Acknowledgement) -> None:
        """The cargo system has it."""
        self._reasons.pop(notice.key, None)
        log = _log.bind(mrn=notice.mrn, notice=notice.number, reference=acknowledgement.reference)
        match notice.outcome:
            case Outcome.RELEASE:
                log.info("cargo.released")
            case Outcome.HOLD:
                log.info("cargo.held")
            case Outcome.REFUSAL:
                log.info("cargo.refused")
            case Outcome.PARTIAL_RELEASE:
                log.info("cargo.partly_released", items=notice.released_items)
            case Outcome.WITHDRAWN:
                log.info("cargo.withdrawn")

    def notice_delayed(self, notice: Notice, reason: str) -> None:
        """The cargo system did not take it; it is told again."""
        if self._is_new(notice.key, reason):
            log = _log.bind(mrn=notice.mrn, notice=notice.number)
            log.warning("notice.delayed", reason=reason)

    def _is_new(self, about: str, reason: str | None) -> bool:
        told = self._reasons.setdefault(about, set())
        self._reasons.move_to_end(about)
        if len(self._reasons) > _REMEMBERED:
            self._reasons.popitem(last=False)
        if reason is None or reason in told:
            return False
        told.add(reason)
        return True
