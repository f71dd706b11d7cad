"""What a reader may see of a declaration: one answer for the API and for the console."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.domain.amendment import Amendment
from hub.domain.clearance import Reason, Rule
from hub.domain.events import Event, EventType
from hub.ports import DeclarationView
from hub.ports.retention import Tombstone


@dataclass(frozen=True)
class Sight:
    """What a client or a user may see of declarations: everything, one declarant's, or one agency's part."""

    declarant: str | None
    agency: str | None
    sees_trouble: bool
    """Why a hand-over fails may name inner systems: staff see it, declarants and agencies do not."""
    sees_exchanges: bool = False
    """Operations only; so do links to the engine."""
    sees_nothing: bool = False
    """An agency client that is bound to no agency; a carrier, who only reports where cargo is."""
    is_customs: bool = False
    """Customs itself, or staff of the hub, bound to nobody: sees why customs looks at a declaration."""

    def may_see(self, view: DeclarationView) -> bool:
        """Whether the declaration exists as far as this client is concerned."""
        if self.sees_nothing:
            return False
        if self.declarant is not None:
            return view.acceptance.declaration.declarant.id == self.declarant
        if self.agency is not None:
            return any(referral.terms.agency == self.agency for referral in view.referrals)
        return True

    def could_see(self, gone: Tombstone) -> bool:
        """The same of a declaration that was archived."""
        if self.sees_nothing:
            return False
        if self.declarant is not None:
            return gone.declarant == self.declarant
        return self.agency is None or self.agency in gone.agencies

    def may_see_agency(self, agency: str | None) -> bool:
        """Whether it may see what concerns this agency."""
        return self.agency is None or agency == self.agency


_OF_FAILURE = frozenset(
    {Rule.UNDELIVERABLE, Rule.EXPIRED, Rule.ESCALATED, Rule.DEEMED_APPROVED, Rule.DEEMED_REFUSED}
)
"""Rules whose remarks are the hub's own words about what failed."""


def reasons_for(reasons: Iterable[Reason], sight: Sight) -> tuple[Reason, ...]:
    """An agency sees its own; remarks that are the hub's words about a failure are for staff."""
    return tuple(
        reason.model_copy(update={"remarks": None})
        if reason.rule in _OF_FAILURE and not sight.sees_trouble
        else reason
        for reason in reasons
        if reason.agency is None or sight.may_see_agency(reason.agency)
    )


_FOR_EVERYBODY = frozenset(
    {
        EventType.DECLARATION_ACCEPTED,
        EventType.DECLARATION_AMENDED,
        EventType.DECLARATION_WITHDRAWN,
        EventType.CLEARANCE_SETTLED,
        EventType.CARGO_RELEASED,
        EventType.CARGO_PARTLY_RELEASED,
        EventType.CARGO_HELD,
        EventType.CARGO_REFUSED,
        EventType.CARGO_WITHDRAWN,
    }
)

_FOR_STAFF = frozenset(
    {
        EventType.CALLBACK_REFUSED,
        EventType.MESSAGE_NOT_UNDERSTOOD,
        EventType.CARGO_LEFT_UNRELEASED,
        EventType.REFERRAL_RETRY_ASKED,
        EventType.REFERRAL_LOOK_UP_ASKED,
        EventType.REFERRAL_LOOKED_UP,
        EventType.REFERRAL_RESENT,
        EventType.DECISION_PROPOSED,
        EventType.DECISION_DECLINED,
    }
)

_INNER = frozenset({"trouble", "case", "receipt", "evidence", "assessment", "weighed", "through"})
"""Of the data of events: what only explains to staff how an outcome came about."""


def events_seen(events: Iterable[Event], view: DeclarationView, sight: Sight) -> list[Event]:
    """
    Those that this reader may see, with as much of their data as is theirs to know.

    An agency sees the events of its own services and, of those about the whole, the outcome only.

    What failed inside the hub is for staff.
    """
    own = {r.terms.service for r in view.referrals if sight.may_see_agency(r.terms.agency)}
    shown = []
    for event in events:
        data = event.data
        if sight.agency is not None and event.service not in own:
            if event.service is not None or event.type not in _FOR_EVERYBODY:
                continue
            data = {key: value for key, value in data.items() if key in ("outcome", "version")}
        elif not sight.sees_trouble:
            if event.type in _FOR_STAFF:
                continue
            data = _for_outsiders(event)
        shown.append(event if data is event.data else event.model_copy(update={"data": data}))
    return shown


def _for_outsiders(event: Event) -> dict[str, Any]:
    if event.type is EventType.DECLARATION_AMENDED:
        return _amended_for_outsiders(event.data)
    shown = {key: value for key, value in event.data.items() if key not in _INNER}
    if shown.pop("reporter", None) is not None:
        # As in `cargo_step`.
        del shown["message_id"]
    if "reasons" in shown:
        # As in `reasons_for`.
        shown["reasons"] = [
            reason
            if reason["rule"] not in _OF_FAILURE
            else {key: value for key, value in reason.items() if key != "remarks"}
            for reason in shown["reasons"]
        ]
    return shown


def _amended_for_outsiders(data: Mapping[str, Any]) -> dict[str, Any]:
    amendment = Amendment.model_validate(data)
    return {
        "version": amendment.version,
        "content_hash": amendment.content_hash,
        "remarks": amendment.remarks,
        "kept": list(amendment.kept),
        "asked_again": [one.terms.service for one in amendment.changed],
        "added": [referral.terms.service for referral in amendment.added],
        "withdrawn": [one.service for one in amendment.removed],
    }
