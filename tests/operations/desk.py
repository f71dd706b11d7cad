"""A desk on a real store, with an engine and agencies that say what a test tells them to."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from hub.domain.intake import Acceptance
from hub.operations.desk import Desk, desk_of
from hub.ports import Actor, AgencyGateway, Audited, AuditFilter, HandOver, NotScanning, Scanner, UserRole
from hub.store import Store
from tests.api.support import CALENDAR, EngineFake, GatewayFake, rulebook
from tests.store.sample import PLANT, T0, acceptance

VIEWER = Actor(name="park", role=UserRole.VIEWER)
KIM = Actor(name="kim", role=UserRole.OPERATOR)
LEE = Actor(name="lee", role=UserRole.OPERATOR)
CHOI = Actor(name="choi", role=UserRole.SUPERVISOR)
ADMIN = Actor(name="root", role=UserRole.ADMIN)
OF_APQA = Actor(name="han", role=UserRole.ADMIN, agency="apqa")
"""Bound to an agency: with any role a viewer of its own referrals, who does nothing."""

_requests = itertools.count(1)


def request() -> str:
    """The id of a new request."""
    return f"request-{next(_requests)}"


@dataclass
class Office:
    """A store with a desk."""

    store: Store
    scanner: Scanner = field(default_factory=NotScanning)
    engine: EngineFake = field(default_factory=EngineFake)
    now: datetime = T0 + timedelta(hours=1)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        rules = rulebook()
        self.desk = desk_of(
            self.store,
            self.engine,
            cast(AgencyGateway, GatewayFake()),
            self.scanner,
            lambda: self.now,
            rulebook=lambda: rules,
            calendar=lambda agency: CALENDAR,
            patience=timedelta(milliseconds=50),
        )

    def lodged(self, *services: str, results: tuple[HandOver, ...] = ()) -> Acceptance:
        """A declaration whose workflow runs; put to plant quarantine unless said otherwise."""
        accepted = acceptance(*(services or (PLANT,)))
        self.store.lodge(accepted)
        self.store.mark_started(accepted.mrn)
        if results:
            self.store.record_hand_overs(accepted.mrn, results, self.now)
        return accepted

    def lines(self, **which: str) -> list[Audited]:
        """The audit, the oldest first."""
        return list(reversed(self.store.audit(AuditFilter(**which), None, 1000).lines))
