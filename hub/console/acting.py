"""The words for what people do: actions, what would come of them, and why they may not be done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Annotated

from fastapi import Depends

from hub.console.i18n import _
from hub.console.problems import PageProblem, forbidden, not_found
from hub.console.shell import SignedIn
from hub.domain.model import in_utc
from hub.domain.referral import Verdict
from hub.domain.steps import StepRefused
from hub.ports import (
    ActionKind,
    BulkState,
    ControlState,
    ItemState,
    ProposalState,
    User,
)

KINDS: Mapping[ActionKind, str] = {
    ActionKind.RETRY: _("Try now"),
    ActionKind.LOOK_UP: _("Look up at the agency"),
    ActionKind.RESEND: _("Submit anew"),
    ActionKind.EXTEND: _("Move the deadline"),
    ActionKind.DECIDE: _("Record a decision by hand"),
    ActionKind.WITHDRAWN: _("Record that the agency was told of the withdrawal"),
    ActionKind.WITHDRAW: _("Withdraw the declaration"),
    ActionKind.PAUSE: _("Pause the agency"),
    ActionKind.RESUME: _("Resume the agency"),
    ActionKind.OPEN_BREAKER: _("Open the breaker"),
    ActionKind.CLOSE_BREAKER: _("Close the breaker"),
}

CONSEQUENCES: Mapping[str, str] = {
    "nothing": _("Nothing: it stands like that already."),
    "tried_now": _("What waits for its next attempt is tried at once."),
    "looked_up": _("The agency is asked by our reference how it stands; a decision counts as any other."),
    "submitted_anew": _("It is submitted anew, by the newest version of the agency's file."),
    "looked_up_first": _(
        "What may have reached the agency before is looked up first: nothing is sent twice."
    ),
    "deadline_moved": _("The agency has until the time below; reminders are counted anew."),
    "awaited_again": _("Its time had passed; it is awaited again, and the hold for it ends."),
    "told": _("It is on record that the agency knows; nothing more is awaited of it."),
    "told_and_submitted_anew": _("It is on record that the agency knows, and the new content is submitted."),
    "nothing_released": _("Nothing of this declaration is released from now on."),
    "agencies_told": _("Applications that agencies are told of: %(number)s."),
    "given_back": _("What is reserved of certificates is given back."),
    "final": _("It cannot be undone: the declarant lodges again."),
    "not_asked": _("The agency is asked nothing until somebody resumes it."),
    "not_asked_but_probed": _(
        "The agency is asked nothing but a probe now and then; once it answers, the queue goes out."
    ),
    "waits": _("Referrals open at it, that may wait in its queue: %(number)s."),
    "still_heard": _("What it says by itself is still taken in."),
    "deadlines_go_on": _("Deadlines go on."),
    "drains": _(
        "Its queue goes out at a safe rate, the earliest deadline first. Referrals in it: %(number)s."
    ),
    "agency_not_asked": _("The agency is not asked at present: it waits in the agency's queue until it is."),
}
"""By code of `hub.operations.actions.Consequence`."""

REFUSALS: Mapping[str, str] = {
    "role": _("Your role does not allow this. Ask a supervisor."),
    "not-found": _("There is no such thing, or it is not asked about this declaration."),
    "closed": _("The declaration is closed: nothing more is awaited."),
    "already-released": _("The cargo has been released."),
    "already-withdrawn": _("The declaration has been withdrawn."),
    "referral-withdrawn": _("This service is not asked about the declaration any more."),
    "not-awaited": _("Nothing of the kind is awaited: it has been decided, or its clock stands still."),
    "nothing-waits": _("Nothing that the agency is to be told waits for an attempt."),
    "nothing-sent": _("Nothing can have reached the agency yet. Try it now instead."),
    "undeliverable": _("The agency's system has turned it down. Look it up, or submit it anew."),
    "by-hand": _("This service is decided by people at the hub: no system is asked."),
    "not-by-hand": _("The hub is telling the agency itself. Wait until that fails, or try it now."),
    "being-changed": _("The agency is being told of a change. Try that now instead."),
    "no-such-service": _("The agency's file has no such service any more."),
    "agency-unavailable": _("What the agency's channel can do is not known now. Try again in a moment."),
    "not-ready": _("The configuration in force is not written down yet. Try again in a moment."),
    "already-paused": _("The agency is paused already."),
    "not-paused": _("The agency is not paused."),
    "not-open": _("The agency is not asked as usual at present: there is no breaker to open."),
    "not-failing": _("The breaker is not open."),
    "own-proposal": _("You have proposed it yourself: a second person confirms it."),
    "proposal-over": _("It has been confirmed, declined or taken back already."),
    "amended-meanwhile": _("The declaration has been amended since: look at it again, and propose anew."),
    "decided-meanwhile": _("The agency has spoken itself since this was proposed: look again."),
    "request-already-used": _("This form was sent before, for something else. Load the page again."),
    "infected-document": _("The virus scanner has found something in the document. Nothing was kept."),
    "scanner-unavailable": _("Documents cannot be scanned now. Try again later, or without the document."),
    "nothing-picked": _("Nothing of the kind is stuck any more."),
    "too-many": _("These are too many at once. Narrow the filter."),
}
"""By code of `StepRefused`."""

FIELD_FAULTS: Mapping[str, str] = {
    "reason": _("Say why, in at most 1,000 characters: it is kept in the audit."),
    "due_at": _("A time in the future, at most ten years ahead."),
    "code": _("Choose one of the reasons."),
    "verdict": _("Choose what the agency has decided."),
    "items": _("Numbers of goods items that the agency was asked about, as 1, 2; none for all."),
    "remarks": _("At most 4,000 characters."),
    "reference": _("At most 70 characters."),
    "decided_at": _("A time after the declaration was accepted, and not in the future."),
    "evidence": _("Say how it is known, in at most 4,000 characters."),
    "document": _("A PDF, JPEG, PNG, text or mail of at most 5 MiB, without a virus."),
    "rate": _("A number from 0.1 to 50."),
    "request": _("This form cannot be sent any more. Load the page again."),
}
"""What is wrong with a field of a form, and how to mend it."""

VERDICTS: Mapping[Verdict, str] = {
    Verdict.APPROVED: _("approved"),
    Verdict.APPROVED_WITH_CONDITIONS: _("approved with conditions"),
    Verdict.REFUSED: _("refused"),
    Verdict.INFORMATION_REQUIRED: _("asks for information"),
    Verdict.INSPECTION_REQUIRED: _("wants to inspect"),
}

CONTROLS: Mapping[ControlState, str] = {
    ControlState.OPEN: _("asked as usual"),
    ControlState.PAUSED: _("paused by a person"),
    ControlState.FAILING: _("failing: its breaker is open"),
    ControlState.DRAINING: _("answers again: its queue goes out"),
}

PROPOSALS: Mapping[ProposalState, str] = {
    ProposalState.OPEN: _("waits for a second person"),
    ProposalState.CONFIRMED: _("confirmed"),
    ProposalState.DECLINED: _("declined"),
    ProposalState.TAKEN_BACK: _("taken back"),
}
PROPOSAL_STYLES: Mapping[ProposalState, str] = {
    ProposalState.OPEN: "wait",
    ProposalState.CONFIRMED: "go",
    ProposalState.DECLINED: "stop",
    ProposalState.TAKEN_BACK: "paused",
}

BULKS: Mapping[BulkState, str] = {
    BulkState.RUNNING: _("running"),
    BulkState.STOPPED: _("stopped"),
    BulkState.DONE: _("done"),
}
BULK_STYLES: Mapping[BulkState, str] = {
    BulkState.RUNNING: "wait",
    BulkState.STOPPED: "stop",
    BulkState.DONE: "go",
}
ITEMS: Mapping[ItemState, str] = {
    ItemState.WAITING: _("waiting"),
    ItemState.DONE: _("done"),
    ItemState.REFUSED: _("not done"),
}
ITEM_STYLES: Mapping[ItemState, str] = {
    ItemState.WAITING: "wait",
    ItemState.DONE: "go",
    ItemState.REFUSED: "stop",
}

ACTIONS: Mapping[str, str] = {
    **{kind.value: words for kind, words in KINDS.items()},
    "decide": _("Decision by hand proposed"),
    "decide.confirmed": _("Decision by hand confirmed"),
    "decide.declined": _("Decision by hand declined"),
    "decide.taken_back": _("Decision by hand taken back"),
    "bulk.started": _("Bulk action started"),
    "bulk.stopped": _("Bulk action stopped"),
    "doctor.repaired": _("Disagreements mended by the doctor"),
    "doctor.began_anew": _("Every workflow begun anew"),
    "database.restored": _("Database restored from a backup"),
    "archive.run": _("Declarations archived"),
    "archive.hold": _("Held back from the archive"),
    "archive.lift": _("Held back from the archive no more"),
    "incident.acknowledged": _("Incident taken up"),
    "incident.noted": _("Note on an incident"),
    "incident.snoozed": _("Incident silenced for a time"),
    "session.refused": _("Sign-in refused"),
    "session.signed_in": _("Signed in"),
    "session.signed_out_everywhere": _("Signed out everywhere"),
    "user.changed": _("User changed"),
    "user.created": _("User added"),
    "user.disabled": _("User disabled"),
    "user.enabled": _("User enabled again"),
    "user.password_changed": _("Password changed by the user"),
    "user.password_reset": _("Password reset"),
    "user.signed_out": _("User signed out by an administrator"),
}
"""Actions of the audit in words."""


async def _staff(user: SignedIn) -> User:
    if user.agency is not None:
        raise forbidden()
    return user


Looking = Annotated[User, Depends(_staff)]
"""Whoever has signed in and is bound to no agency."""


def refusal_words(refused: StepRefused) -> str:
    """Why it may not be done; what nobody has put into words yet, as it stands."""
    return REFUSALS.get(refused.code, refused.detail)


def field_faults(refused: StepRefused) -> dict[str, str]:
    """The field that is at fault, with its words; none when no field is."""
    if refused.pointer is None or refused.code not in ("invalid-request", "infected-document"):
        return {}
    field = refused.pointer.split("/")[1]
    return {field: FIELD_FAULTS[field]} if field in FIELD_FAULTS else {}


def problem_of(refused: StepRefused) -> PageProblem:
    """The page for what there is nothing to fill in for."""
    if refused.code == "not-found":
        return not_found(_("There is no such declaration, service, agency or proposal"))
    return PageProblem(409, _("This cannot be done as things stand"), refusal_words(refused))


def local_moment(text: str, zone: tzinfo) -> datetime | None:
    """What a field `datetime-local` holds, in the zone in which pages show times. Raises ValueError."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return in_utc(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))


def for_input(at: datetime | None, zone: tzinfo) -> str:
    """A moment as a field `datetime-local` takes it."""
    return "" if at is None else f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"
