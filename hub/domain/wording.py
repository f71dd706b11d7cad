"""Rules, events and states in words for people; whoever shows a declaration uses these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.domain.clearance import Outcome, Rule
from hub.domain.events import EventType
from hub.domain.model import Text

CUSTOMS_NAME: Text = {"en": "Customs", "ko": "세관"}

RULES: Mapping[Rule, str] = {
    Rule.NO_AGENCY_NEEDED: "no agency need consent",
    Rule.PROHIBITED: "prohibited goods",
    Rule.CONSENTED: "consented",
    Rule.REFUSED: "refused",
    Rule.DEEMED_APPROVED: "deemed approved: the agency let its time pass",
    Rule.DEEMED_REFUSED: "deemed refused: the agency let its time pass",
    Rule.INFORMATION_REQUIRED: "asks for information",
    Rule.INSPECTION_REQUIRED: "wants to inspect",
    Rule.UNDELIVERABLE: "could not be asked; a person must look",
    Rule.EXPIRED: "did not answer in time",
    Rule.ESCALATED: "did not answer in time; handed to a person",
    Rule.AWAITED: "answer awaited",
    Rule.CERTIFICATE_REUSED: "need not be asked: a certificate stands for its consent",
    Rule.CERTIFICATE_EXHAUSTED: "less is left on the certificate than the goods take up",
    Rule.INFORMATION_OVERDUE: "was not told in time what it asked for",
    Rule.INFORMATION_NOT_GIVEN: "was not told what it asked for, which refuses",
    Rule.DUTIES_DUE: "duties are neither paid nor guaranteed",
    Rule.RELEASED: "went with an earlier release",
    Rule.WITHDRAWN: "withdrawn by the declarant",
}
"""Each reads on from the name of a service, where there is one."""

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.RELEASE: "released",
    Outcome.PARTIAL_RELEASE: "released in part",
    Outcome.HOLD: "held",
    Outcome.REFUSAL: "refused",
    Outcome.IN_PROGRESS: "in progress",
    Outcome.WITHDRAWN: "withdrawn",
}

EVENTS: Mapping[EventType, str] = {
    EventType.DECLARATION_ACCEPTED: "declaration accepted",
    EventType.REFERRAL_DELIVERED: "the agency has the referral",
    EventType.REFERRAL_DELAYED: "the agency could not be reached; the hub goes on trying",
    EventType.REFERRAL_UNDELIVERABLE: "the agency's system turns the referral down",
    EventType.REFERRAL_EXPIRED: "the agency's time has passed",
    EventType.REFERRAL_ESCALATED: "handed to a person",
    EventType.DECISION_RECEIVED: "decision",
    EventType.DECISION_LATE: "decision that came too late to count",
    EventType.CALLBACK_REFUSED: "message refused: not from this agency, or not about its referral",
    EventType.MESSAGE_NOT_UNDERSTOOD: "message not understood",
    EventType.CLEARANCE_SETTLED: "outcome",
    EventType.NOTICE_DELAYED: "the cargo system could not be told; the hub goes on trying",
    EventType.CARGO_RELEASED: "the cargo system knows: released",
    EventType.CARGO_HELD: "the cargo system knows: held",
    EventType.CARGO_REFUSED: "the cargo system knows: refused",
    EventType.CARGO_PARTLY_RELEASED: "the cargo system knows: released in part",
    EventType.CARGO_WITHDRAWN: "the cargo system knows: withdrawn",
    EventType.DECLARATION_AMENDED: "declaration amended",
    EventType.DECLARATION_WITHDRAWN: "declaration withdrawn",
    EventType.INFORMATION_GIVEN: "the declarant answers the agency's question",
    EventType.INSPECTION_CONFIRMED: "inspection confirmed",
    EventType.REFERRAL_AMENDED: "the agency has the new content",
    EventType.REFERRAL_WITHDRAWN: "the agency knows that it is asked no more",
    EventType.REFERRAL_REMINDED: "the agency is reminded",
    EventType.DEADLINE_MOVED: "the agency's deadline is another",
    EventType.INFORMATION_PASSED_ON: "the agency has the answer; its clock goes on",
    EventType.INFORMATION_EXPIRED: "the time to answer the agency's question has passed",
    EventType.DECISION_SUPERSEDED: "decision on content that has been amended since",
    EventType.INSPECTION_OFFERED: "inspection offered",
    EventType.INSPECTION_REPORTED: "inspection reported",
    EventType.INSPECTION_CANCELLED: "inspection cancelled",
    EventType.DUTIES_ASSESSED: "duties assessed",
    EventType.DUTIES_COVERED: "duties paid or guaranteed",
    EventType.CERTIFICATE_RESERVED: "certificate: quantity reserved",
    EventType.CERTIFICATE_EXHAUSTED: "certificate: not enough is left",
    EventType.CERTIFICATE_WRITTEN_OFF: "certificate: quantity written off",
    EventType.CERTIFICATE_GIVEN_BACK: "certificate: quantity given back",
    EventType.REFERRAL_RETRY_ASKED: "operations have what waits tried now",
    EventType.REFERRAL_LOOK_UP_ASKED: "operations ask the agency how it stands",
    EventType.REFERRAL_LOOKED_UP: "the agency was asked how it stands",
    EventType.REFERRAL_RESENT: "operations have the referral submitted anew",
    EventType.DECISION_PROPOSED: "decision by hand proposed: a second person is to confirm it",
    EventType.DECISION_DECLINED: "decision by hand declined",
    EventType.CARGO_ARRIVED: "cargo arrived",
    EventType.CARGO_UNLOADED: "cargo unloaded",
    EventType.CARGO_STORED: "cargo stored",
    EventType.CARGO_MOVED_IN_BOND: "cargo moved in bond",
    EventType.CARGO_LET_GO: "the warehouse lets the cargo go",
    EventType.CARGO_GATED_OUT: "cargo has left the gate",
    EventType.CARGO_LEFT_UNRELEASED: "cargo has left without being released",
}


def plain(word: Any) -> str:
    """A word of the API's vocabulary, for reading."""
    return str(word).replace("_", " ")


def said(data: Mapping[str, Any]) -> str:
    """The plain values in the data of an event; the rest stands elsewhere."""
    return ", ".join(
        f"{plain(key)} {value}" for key, value in data.items() if isinstance(value, str | int) and value != ""
    )
