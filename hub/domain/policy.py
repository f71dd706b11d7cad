"""Release policy as data: which policy a declaration is accepted under, and what customs' own control is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from hub.domain.case import CasePolicy
from hub.domain.catalogue import Validity
from hub.domain.deadlines import WorkingCalendar
from hub.domain.declaration import Declaration, Procedure
from hub.domain.model import Text
from hub.domain.referral import Answers, OnExpiry


@dataclass(frozen=True, slots=True)
class DatedPolicy:
    """A policy for some days, and perhaps for some procedures and customs offices only."""

    name: str
    policy: CasePolicy
    valid: Validity = field(default_factory=Validity)
    procedures: frozenset[Procedure] = frozenset()
    """Empty: for all."""
    offices: frozenset[str] = frozenset()
    """Empty: for all, and for declarations that name none."""

    @property
    def selectors(self) -> int:
        """How much it asks of a declaration: of two that fit, the one that asks more is meant."""
        return bool(self.procedures) + bool(self.offices)

    def fits(self, declaration: Declaration, day: date) -> bool:
        return (
            self.valid.covers(day)
            and (not self.procedures or declaration.procedure in self.procedures)
            and (not self.offices or declaration.office in self.offices)
        )


def policy_for(
    declaration: Declaration, day: date, policies: Iterable[DatedPolicy], default: CasePolicy
) -> CasePolicy:
    """The policy of that day for a declaration: the one that asks most of it; `default` where none fits."""
    fitting = [dated for dated in policies if dated.fits(declaration, day)]
    return max(fitting, key=lambda dated: dated.selectors).policy if fitting else default


@dataclass(frozen=True)
class Control:
    """Customs' own control, as a service says of itself; see `hub.domain.names.CUSTOMS_CONTROL`."""

    calendar: WorkingCalendar
    answer_within: str
    law: Text
    name: Text
    remind_before: tuple[str, ...] | None = None
    """None: as the administration says of all services."""
    document: str = ""
    answers: Answers = Answers.DOOR
    on_expiry: OnExpiry = OnExpiry.HOLD
