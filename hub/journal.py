"""
One line of the log for each event: what `hub.store` has recorded, told once, when it is committed.

This is the one place where events are told. A line says which event it is (`mrn`, `seq`), whom it concerns
and the facts by which operations recognise it; all of it stands in the event. Never goods, documents, or what
people wrote.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import structlog

from hub.domain.events import Event, EventType

_ASKED = ("number", "by")
_DECISION = ("decision", "verdict", "via")
_MESSAGE = ("message", "reason", "trouble")
_NOTICE = ("number", "reference")
_INSPECTION = ("inspection", "by")
_INFORMATION = ("request", "information", "by")
_CERTIFICATE = ("certificate", "item")
_PROPOSAL = ("proposal", "verdict", "by")
_REPORTED = ("at", "reporter", "message_id")

FACTS: dict[EventType, tuple[str, ...]] = {
    EventType.DECLARATION_ACCEPTED: ("lrn", "referrals", "due_at"),
    EventType.DECLARATION_AMENDED: ("version", "by"),
    EventType.DECLARATION_WITHDRAWN: ("reason", "by"),
    EventType.REFERRAL_DELIVERED: ("reference", "revision"),
    EventType.REFERRAL_DELAYED: ("trouble",),
    EventType.REFERRAL_UNDELIVERABLE: ("trouble",),
    EventType.REFERRAL_EXPIRED: ("due_at", "on_expiry"),
    EventType.REFERRAL_ESCALATED: (),
    EventType.REFERRAL_AMENDED: ("revision",),
    EventType.REFERRAL_WITHDRAWN: ("told", "by"),
    EventType.REFERRAL_REMINDED: _ASKED,
    EventType.REFERRAL_RETRY_ASKED: _ASKED,
    EventType.REFERRAL_LOOK_UP_ASKED: _ASKED,
    EventType.REFERRAL_LOOKED_UP: ("number", "found", "trouble"),
    EventType.REFERRAL_RESENT: (*_ASKED, "config_version"),
    EventType.DECISION_RECEIVED: _DECISION,
    EventType.DECISION_LATE: _DECISION,
    EventType.DECISION_SUPERSEDED: _DECISION,
    EventType.DECISION_PROPOSED: _PROPOSAL,
    EventType.DECISION_DECLINED: _PROPOSAL,
    EventType.CALLBACK_REFUSED: _MESSAGE,
    EventType.MESSAGE_NOT_UNDERSTOOD: _MESSAGE,
    EventType.CLEARANCE_SETTLED: ("outcome", "final", "pending_agencies"),
    EventType.NOTICE_DELAYED: ("number", "trouble"),
    EventType.CARGO_RELEASED: _NOTICE,
    EventType.CARGO_HELD: _NOTICE,
    EventType.CARGO_REFUSED: _NOTICE,
    EventType.CARGO_PARTLY_RELEASED: _NOTICE,
    EventType.CARGO_WITHDRAWN: _NOTICE,
    EventType.DEADLINE_MOVED: ("due_at", "by"),
    EventType.INFORMATION_GIVEN: _INFORMATION,
    EventType.INFORMATION_PASSED_ON: _INFORMATION,
    EventType.INFORMATION_EXPIRED: _INFORMATION,
    EventType.INSPECTION_OFFERED: ("id", "opens_at"),
    EventType.INSPECTION_CONFIRMED: (*_INSPECTION, "at"),
    EventType.INSPECTION_REPORTED: (*_INSPECTION, "decision"),
    EventType.INSPECTION_CANCELLED: _INSPECTION,
    EventType.DUTIES_ASSESSED: ("by",),
    EventType.DUTIES_COVERED: ("kind", "reference", "by"),
    EventType.CERTIFICATE_RESERVED: _CERTIFICATE,
    EventType.CERTIFICATE_EXHAUSTED: _CERTIFICATE,
    EventType.CERTIFICATE_WRITTEN_OFF: _CERTIFICATE,
    EventType.CERTIFICATE_GIVEN_BACK: _CERTIFICATE,
    EventType.CARGO_ARRIVED: _REPORTED,
    EventType.CARGO_UNLOADED: _REPORTED,
    EventType.CARGO_STORED: _REPORTED,
    EventType.CARGO_MOVED_IN_BOND: _REPORTED,
    EventType.CARGO_LET_GO: _REPORTED,
    EventType.CARGO_GATED_OUT: _REPORTED,
    EventType.CARGO_LEFT_UNRELEASED: _REPORTED,
}
"""What of an event's data its line says, where the data has it. Each kind of event has its place here."""

NAMES = {"trouble": "reason", "id": "inspection"}
"""Facts that have another name in a line, where an `id` alone would not say of what."""

WARNINGS = frozenset(
    {
        EventType.REFERRAL_DELAYED,
        EventType.REFERRAL_UNDELIVERABLE,
        EventType.REFERRAL_EXPIRED,
        EventType.REFERRAL_ESCALATED,
        EventType.CALLBACK_REFUSED,
        EventType.MESSAGE_NOT_UNDERSTOOD,
        EventType.NOTICE_DELAYED,
        EventType.CARGO_LEFT_UNRELEASED,
    }
)
"""Told at the level `warning`; every other event as `info`."""

log = structlog.get_logger(__name__)


def tell(recorded: Iterable[tuple[Event, str | None]]) -> None:
    """Log events, each with the agency whose referral it is about, if one is: a `hub.store` teller."""
    for event, agency in recorded:
        line: dict[str, Any] = {"mrn": event.mrn, "seq": event.seq}
        if agency is not None:
            line["agency"] = agency
        if event.service is not None:
            line["service"] = event.service
        for name in FACTS[event.type]:
            fact = event.data.get(name)
            if fact is None:
                continue
            line[NAMES.get(name, name)] = len(fact) if name == "referrals" else fact
        level = logging.WARNING if event.type in WARNINGS else logging.INFO
        log.log(level, event.type.value, **line)
