"""One sentence on why something is stuck, one on what would unstick it, and the actions that do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from hub.console.i18n import Words, _
from hub.domain.errands import ErrandKind
from hub.domain.stuck import Stuck, StuckKind
from hub.ports import ActionKind

A = ActionKind


@dataclass(frozen=True)
class Said:
    """What is said of one thing that is stuck."""

    why: Markup
    cure: Markup
    actions: tuple[ActionKind, ...]
    """Those that may unstick it, the first first."""


@dataclass(frozen=True)
class _Phrase:
    why: str
    cure: str
    actions: tuple[ActionKind, ...] = ()


_PHRASES: Mapping[StuckKind, _Phrase] = {
    StuckKind.NOT_STARTED: _Phrase(
        _("Accepted on %(since)s, and the engine has not been reached since."),
        _("It begins by itself when the engine is back: see the incidents."),
    ),
    StuckKind.UNREACHABLE: _Phrase(
        _("%(agency)s has not been reached since %(since)s. The hub goes on trying."),
        _("Try now, or pause the agency while its system is away."),
        (A.RETRY, A.LOOK_UP, A.PAUSE),
    ),
    StuckKind.PAUSED: _Phrase(
        _("%(by)s paused %(agency)s on %(since)s: it waits in the agency's queue."),
        _("Resume the agency when its system is ready: the queue goes out at a safe rate."),
        (A.RESUME,),
    ),
    StuckKind.IN_DOUBT: _Phrase(
        _("Sent to %(agency)s on %(since)s, and no answer was read: it may have arrived or not."),
        _("Look it up at the agency. Submit it anew only if the agency does not have it."),
        (A.LOOK_UP, A.RESEND),
    ),
    StuckKind.UNDELIVERABLE: _Phrase(
        _("The system of %(agency)s turned it down on %(since)s: it would turn it down again as it is."),
        _("Mend the agency's file and submit it anew; or have the declarant amend the declaration."),
        (A.RESEND, A.LOOK_UP, A.DECIDE),
    ),
    StuckKind.NOT_UNDERSTOOD: _Phrase(
        _("What %(agency)s said of it on %(since)s cannot be read."),
        _("Look it up; if its words are new, add them to the agency's file; or record its decision by hand."),
        (A.LOOK_UP, A.DECIDE),
    ),
    StuckKind.SLOW: _Phrase(
        _("%(agency)s has had it for %(age)s; 99 in 100 took no longer than %(usual)s."),
        _("Look it up at the agency, or ask its people."),
        (A.LOOK_UP, A.DECIDE),
    ),
    StuckKind.DUE_SOON: _Phrase(
        _("The legal time of %(agency)s ends %(until)s, and there is no decision."),
        _("Look it up, ask the agency's people, or move the deadline if the law allows it."),
        (A.LOOK_UP, A.EXTEND, A.DECIDE),
    ),
    StuckKind.EXPIRED: _Phrase(
        _(
            "The legal time of %(agency)s ended on %(since)s without a decision, "
            "and the cargo is held for it."
        ),
        _("Look it up; if it has decided, record that by hand; or move the deadline."),
        (A.LOOK_UP, A.DECIDE, A.EXTEND),
    ),
    StuckKind.CANNOT_BE_TOLD: _Phrase(
        _("%(agency)s cannot be told of the change since %(since)s."),
        _("Try now; or tell its people by other means."),
        (A.RETRY, A.RESEND),
    ),
    StuckKind.NOTICE_UNSENT: _Phrase(
        _("The cargo system has not acknowledged the outcome, which was settled on %(since)s."),
        _("It is sent again by itself until it is acknowledged: see whether the cargo system answers."),
    ),
    StuckKind.UNTOLD: _Phrase(
        _("Something was recorded on %(since)s of which the workflow has not heard."),
        _("It is told by itself when a worker and the engine are there: see the incidents and the doctor."),
    ),
}

_REFERRAL_NOT_STARTED = _Phrase(
    _("No worker has tried to hand it to %(agency)s since %(since)s."),
    _("See whether workers are at work; then try now."),
    (A.RETRY,),
)
_NOT_ASKED = _Phrase(
    _("%(agency)s has it, and its system has not been reached for an answer since %(since)s."),
    _("Try now, or pause the agency while its system is away."),
    (A.LOOK_UP, A.PAUSE),
)
_FAILING = _Phrase(
    _("The system of %(agency)s has failed since %(since)s: it waits in the agency's queue."),
    _("It goes out by itself once a probe succeeds. If you know that the system is back, close the breaker."),
    (A.CLOSE_BREAKER,),
)
_ANSWER_PAUSED = _Phrase(
    _("%(agency)s has it, and is not asked for its answer: %(by)s paused it on %(since)s."),
    _("Resume the agency when its system is ready: it is asked again then."),
    (A.RESUME,),
)
_ANSWER_FAILING = _Phrase(
    _("%(agency)s has it, and is not asked for its answer: its system has failed since %(since)s."),
    _("It is asked again once a probe succeeds. If you know that the system is back, close the breaker."),
    (A.CLOSE_BREAKER,),
)
_DRAINING = _Phrase(
    _("%(agency)s answers again since %(since)s; its queue goes out, the earliest deadline first."),
    _("Nothing need be done: its turn comes."),
)
_UNTOLD_ERRANDS: Mapping[str, _Phrase] = {
    ErrandKind.AMEND: _Phrase(
        _("%(agency)s cannot be told of the amendment since %(since)s."),
        _("Try now; or submit it anew."),
        (A.RETRY, A.RESEND),
    ),
    ErrandKind.WITHDRAW: _Phrase(
        _("%(agency)s cannot be told of the withdrawal since %(since)s."),
        _("Try now; or tell its people by other means, and record that."),
        (A.RETRY, A.WITHDRAWN),
    ),
    ErrandKind.INFORM: _Phrase(
        _("%(agency)s cannot be given the declarant's answer since %(since)s, and its clock stands still."),
        _("Try now; or give it to its people by other means."),
        (A.RETRY, A.DECIDE),
    ),
}


def said_of(stuck: Stuck, words: Words, names: Mapping[str, str]) -> Said:
    """The sentences in the reader's language; `names` are those of the agencies."""
    phrase = _phrase(stuck)
    delivered_at = stuck.words.get("delivered_at")
    usual = stuck.words.get("usual_nearly_all")
    values = {
        "agency": names.get(stuck.agency or "", stuck.agency or ""),
        "since": words.moment(stuck.since),
        "until": words.ago(stuck.until),
        "by": stuck.words.get("paused_by", ""),
        "age": words.age(datetime.fromisoformat(delivered_at)) if delivered_at else "",
        "usual": words.duration(float(usual)) if usual else "",
    }
    return Said(
        why=Markup(words.gettext(phrase.why)) % values,  # noqa: S704 - the msgid is ours; values are escaped
        cure=Markup(words.gettext(phrase.cure)) % values,  # noqa: S704
        actions=phrase.actions,
    )


def _phrase(stuck: Stuck) -> _Phrase:
    said = stuck.words
    if stuck.kind is StuckKind.NOT_STARTED and stuck.service is not None:
        return _REFERRAL_NOT_STARTED
    if stuck.kind is StuckKind.UNREACHABLE and "errand" not in said:
        return _NOT_ASKED
    if stuck.kind is StuckKind.PAUSED:
        return _not_asked_now(said)
    if stuck.kind is StuckKind.CANNOT_BE_TOLD:
        return _UNTOLD_ERRANDS.get(said.get("errand", ""), _PHRASES[stuck.kind])
    return _PHRASES[stuck.kind]


def _not_asked_now(said: Mapping[str, str]) -> _Phrase:
    if "draining" in said:
        return _DRAINING
    waits_in_queue = "errand" in said  # what the agency has is in no queue: only its answer is to come
    if said.get("paused_by"):
        return _PHRASES[StuckKind.PAUSED] if waits_in_queue else _ANSWER_PAUSED
    return _FAILING if waits_in_queue else _ANSWER_FAILING
