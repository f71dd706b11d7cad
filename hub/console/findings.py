"""What the doctor finds, in words; the command line says the same in English."""

from __future__ import annotations

from collections.abc import Mapping

from hub.console.i18n import _
from hub.ports.doctor import FindingKind, Repair

FINDINGS: Mapping[FindingKind, str] = {
    FindingKind.ENGINE_UNREACHABLE: _("Temporal does not answer: nothing can be compared with it"),
    FindingKind.NOT_STARTED: _("accepted a while ago, and no workflow has been started"),
    FindingKind.WORKFLOW_LOST: _("open, and Temporal knows no workflow of it"),
    FindingKind.WORKFLOW_ENDED: _("open, and its workflow has ended"),
    FindingKind.WORKFLOW_STRAY: _("a workflow runs for a declaration that is not in the database"),
    FindingKind.WORKFLOW_LEFT: _("a workflow runs for a declaration that has been closed"),
    FindingKind.WORKFLOW_FAILING: _("the workflow's tasks fail: the worker's version does not fit it"),
    FindingKind.RETENTION_DIFFERS: _(
        "Temporal keeps what has ended for longer than the database keeps what is closed"
    ),
    FindingKind.DECISIONS_UNTOLD: _("the workflow has not heard of decisions"),
    FindingKind.NEWS_UNTOLD: _("the workflow has not heard of news"),
    FindingKind.NOTICES_UNSENT: _("the cargo system has not acknowledged a notice"),
    FindingKind.MESSAGES_UNMATCHED: _("a message bears a reference that no referral has"),
    FindingKind.MESSAGES_LEFT: _("a message bears a referral's reference, and waits all the same"),
    FindingKind.POLL_MISSING: _("the agency answers when asked, and is not asked"),
    FindingKind.POLL_LEFT: _("the agency is asked about what is decided, or over"),
    FindingKind.POLL_FAR: _("the agency is to be asked only in the far future: a clock was wrong"),
    FindingKind.POLLS_OVERDUE: _("the agency should have been asked long ago: no worker asks"),
    FindingKind.FEED_FAR: _("the feed is to be pulled only in the far future: a clock was wrong"),
    FindingKind.FEED_OVERDUE: _("the feed should have been pulled long ago: no worker pulls it"),
    FindingKind.QUEUE_LEFT: _("it waits in the agency's queue, and there is nothing to be asked"),
    FindingKind.EVENTS_BROKEN: _("its events are not numbered from 1 without gaps"),
    FindingKind.CASE_DIFFERS: _("what is kept of it is not what its events make of it"),
    FindingKind.LEDGER_DIFFERS: _("a certificate's balance is not what its lines add up to"),
}

REPAIRS: Mapping[Repair, str] = {
    Repair.START: _("start the workflow from how the declaration stands"),
    Repair.TERMINATE: _("end the workflow"),
    Repair.TELL: _("tell the workflow"),
    Repair.MATCH: _("give the message to its referral"),
    Repair.ASK: _("ask now"),
    Repair.STOP_ASKING: _("stop asking"),
    Repair.UNQUEUE: _("take it out of the queue"),
    Repair.ADD_UP: _("write down what its lines add up to"),
}
