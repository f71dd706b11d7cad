"""What an answer means: an error sorted by what to do next, a receipt, decisions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from hub.adapters.wire import Context, Heard, Misfit
from hub.config.models import DecisionReading, ErrorReading, ReceiptReading
from hub.domain.errors import AgencyRefused, AgencyUnavailable, InDoubt, NotUnderstood
from hub.domain.model import in_utc
from hub.domain.referral import Decision, Verdict, Via
from hub.domain.shortening import cut, in_a_line
from hub.expressions import Expression, ExpressionFailed

LONGEST_RETRY_AFTER = 3600.0
"""Seconds. An agency that asks for a longer pause is asked again after an hour all the same."""
_LONGEST_VALUE = 4000
"""Characters of a value of a receipt: it goes along with the referral wherever that goes."""
_LONGEST_NAME = 1000
"""Characters of an id, a reference, a verdict, a time: they go along with the declaration, too."""
_LONGEST_REMARKS = 10_000
"""Characters of what an agency remarks; the evidence has the whole."""
_CLOCKS_DIFFER = timedelta(minutes=5)
"""A decision dated further ahead comes from a wrong clock, and would outweigh every later one."""
_MOST_DIGITS = 9
"""Of a revision, or of a goods item's number: neither is ever greater."""
_TEXT_LIMIT = 500
_FAULT_LIMIT = 4000
"""A fault is told whole: its detail is what tells operations what to do."""


class Kind(StrEnum):
    """What is asked of an agency; the value is the `kind` of the recorded exchange."""

    SUBMIT = "submit"
    LOOK_UP = "look_up"
    POLL = "poll"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    INFORM = "inform"
    REMIND = "remind"
    PULL = "pull"
    ACKNOWLEDGE = "acknowledge"
    REJECT = "reject"
    CALLBACK = "callback"
    NOTICE = "notice"
    TOKEN = "token"  # noqa: S105 - a kind, not a token
    LOGIN = "login"

    @property
    def changes_something(self) -> bool:
        """Sending it may have an effect that an unread answer leaves in doubt."""
        return self in _CHANGING


_CHANGING = frozenset({Kind.SUBMIT, Kind.NOTICE, Kind.AMEND, Kind.WITHDRAW, Kind.INFORM, Kind.REMIND})
_REPEATED = (_CHANGING - {Kind.NOTICE}) | {Kind.ACKNOWLEDGE, Kind.REJECT}
"""What an agency may say it has taken already."""
_ABSENT = frozenset({Kind.LOOK_UP, Kind.PULL, Kind.ACKNOWLEDGE, Kind.REJECT, Kind.WITHDRAW})
"""What is done, or answered, when the agency does not have what it is about."""


class LoggedOut(AgencyUnavailable):
    """The agency does not know our session: nothing took effect."""


class Meaning(StrEnum):
    """How an answer that is no error is to be taken."""

    ANSWER = "answer"
    NOT_FOUND = "not_found"
    ALREADY_RECEIVED = "already_received"


class ErrorRule:
    """One line of a channel's `errors`."""

    def __init__(self, file: ErrorReading, variables: Collection[str]) -> None:
        self.means = file.means
        self._when = Expression(file.when, variables)
        self._text = Expression(file.text, variables) if file.text is not None else None

    def matches(self, context: Context) -> bool:
        """
        Whether this answer is meant. A rule that asks for an element which the answer does not have does not
        mean this answer: rules are tried on answers of every shape, on faults and proxies' pages too.
        """
        try:
            return self._when.evaluate(context) is True
        except ExpressionFailed:
            return False

    def text(self, context: Context) -> str | None:
        """What the agency says about it; None when it says nothing, or says it elsewhere."""
        if self._text is None:
            return None
        try:
            return as_text(self._text.evaluate(context))
        except (ExpressionFailed, Misfit):
            return None


def judge(kind: Kind, heard: Heard, rules: Sequence[ErrorRule], context: Context, now: datetime) -> Meaning:
    """
    Sort an answer by what to do next. Raises AgencyUnavailable, AgencyRefused, NotUnderstood and InDoubt.

    In this order: the channel's own `errors`; a SOAP fault by whom it blames; the status; whether the body
    fits the contract. A fault that blames the receiver says that the message might succeed later (SOAP 1.1
    section 4.4.1), not that nothing was done, so a submission is then in doubt; where an agency's faults do
    mean that nothing was done, a rule of its file says `unavailable`.

    An answer that is not shown to be the agency's own, where answers must be signed, decides nothing. One
    that tells of success is not understood. A fault often cannot be signed, since it is about the security of
    the request itself; it is told, and marked: but it counts neither for a receipt nor for "not found", and a
    submission that it calls undone is in doubt.
    """
    if heard.unproven is None:
        return _judge(kind, heard, rules, context, now)
    if heard.fault is None and 200 <= heard.status < 300:
        raise NotUnderstood(f"the answer is not shown to be the agency's own: {heard.unproven}")
    try:
        _judge(kind, heard, rules, context, now)
    except AgencyUnavailable as error:
        said = f"{error} (not signed: {heard.unproven})"
        if kind.changes_something and heard.fault is not None:
            raise InDoubt(said, retry_after=error.retry_after) from error
        raise AgencyUnavailable(said, retry_after=error.retry_after) from error
    except (AgencyRefused, NotUnderstood, InDoubt) as error:
        raise type(error)(f"{error} (not signed: {heard.unproven})", retry_after=error.retry_after) from error
    raise NotUnderstood(f"{_said(heard)} (not signed: {heard.unproven}); it is not taken for an answer")


def _judge(kind: Kind, heard: Heard, rules: Sequence[ErrorRule], context: Context, now: datetime) -> Meaning:
    for rule in rules:
        if rule.matches(context):
            said = rule.text(context) or _said(heard)
            return _as_ruled(kind, rule.means, said, heard, now)
    if heard.fault is not None:
        return _judge_fault(kind, heard, now)
    return _judge_status(kind, heard, now)


def _as_ruled(kind: Kind, means: str, said: str, heard: Heard, now: datetime) -> Meaning:
    if means == "unavailable":
        raise AgencyUnavailable(said, retry_after=retry_after(heard.headers, now))
    if means == "not_understood":
        raise NotUnderstood(said)
    if means == "logged_out":
        raise LoggedOut(f"it does not know our session: {said}")
    if means == "already_received" and kind in _REPEATED:
        return Meaning.ALREADY_RECEIVED
    if means == "not_found" and kind in _ABSENT:
        return Meaning.NOT_FOUND
    raise AgencyRefused(said)


def _judge_fault(kind: Kind, heard: Heard, now: datetime) -> Meaning:
    fault = heard.fault
    assert fault is not None
    said = in_a_line(fault.text, _FAULT_LIMIT)
    if fault.mismatch:
        raise NotUnderstood(f"the agency does not speak this contract: {said}")
    # A code of the agency's own says nothing of whose fault it is; then the status does.
    blames_sender = fault.blames_sender
    if blames_sender is None:
        blames_sender = 400 <= heard.status < 500
    if blames_sender:
        raise AgencyRefused(said)
    if heard.status == 503 or not kind.changes_something:
        raise AgencyUnavailable(said, retry_after=retry_after(heard.headers, now))
    raise InDoubt(said, retry_after=retry_after(heard.headers, now))


def _judge_status(kind: Kind, heard: Heard, now: datetime) -> Meaning:
    status, said = heard.status, _said(heard)
    if 200 <= status < 300:
        if heard.unreadable is not None:
            unreadable = in_a_line(heard.unreadable, _TEXT_LIMIT)
            raise NotUnderstood(f"the answer does not fit the contract: {unreadable}")
        return Meaning.ANSWER
    if status < 400:
        target = heard.headers.get("location", "an address it does not name")
        raise NotUnderstood(
            f"the agency redirects to {target}, and redirects are not followed; put it into the endpoint"
        )
    told = f"status {status}" + (f": {said}" if said else "")
    # 408 and 425 (RFC 9110, RFC 8470): the request was not taken up.
    if status in (408, 425, 429, 503):
        raise AgencyUnavailable(told, retry_after=retry_after(heard.headers, now))
    if status == 404 and kind is Kind.LOOK_UP:
        return Meaning.NOT_FOUND
    if status < 500:
        raise AgencyRefused(told)
    if kind.changes_something:
        raise InDoubt(told, retry_after=retry_after(heard.headers, now))
    raise AgencyUnavailable(told, retry_after=retry_after(heard.headers, now))


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds an answer asks us to wait, if it does (RFC 9110 section 10.2.3: seconds, or a date)."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isdecimal():
        seconds = float(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)


def _said(heard: Heard) -> str:
    if heard.fault is not None:
        return in_a_line(heard.fault.text, _FAULT_LIMIT)
    # What an agency says in its own form is told whole; of a page of HTML the beginning is enough.
    return in_a_line(heard.text, _FAULT_LIMIT if isinstance(heard.reply, dict | list) else _TEXT_LIMIT)


def as_text(value: Any) -> str | None:
    """A value as text; None for null and for blank text. Raises Misfit for lists and mappings."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (str, int, float)):
        return str(value).strip() or None
    found = json.dumps(value, ensure_ascii=False, default=str)
    raise Misfit(f"a single value was expected, not {in_a_line(found, _TEXT_LIMIT)}")


def as_name(value: Any, what: str) -> str | None:
    """
    What names or dates something, as text; None for null and for blank text. Raises Misfit for lists and
    mappings, and for what is longer than any name.
    """
    text = as_text(value)
    if text is not None and len(text) > _LONGEST_NAME:
        raise Misfit(f"{what} has {len(text)} characters; at most {_LONGEST_NAME} are taken")
    return text


class ReceiptReader:
    """How an answer is read as a receipt."""

    def __init__(self, file: ReceiptReading, variables: Collection[str]) -> None:
        self._reference = Expression(file.reference, variables) if file.reference is not None else None
        self._values = {name: Expression(text, variables) for name, text in file.values.items()}

    def values(self, context: Context) -> dict[str, str]:
        """
        What is to be remembered for later requests; what the answer leaves out or blank is not in it.

        Raises Misfit, ExpressionFailed.
        """
        read = {}
        for name, expression in self._values.items():
            value = as_text(expression.evaluate(context))
            if value is None:
                continue
            if len(value) > _LONGEST_VALUE:
                raise Misfit(
                    f"the value {name} of the receipt has {len(value)} characters; {_LONGEST_VALUE} are kept"
                )
            read[name] = value
        return read

    def reference(self, context: Context) -> str | None:
        """The agency's reference, if it gives one. Raises Misfit, ExpressionFailed."""
        if self._reference is None:
            return None
        return as_name(self._reference.evaluate(context), "the reference of the receipt")


class DecisionReader:
    """How an answer or a message of one agency is read as a decision."""

    def __init__(
        self,
        file: DecisionReading,
        variables: Collection[str],
        *,
        agency: str,
        verdicts: Mapping[str, Verdict],
        zone: ZoneInfo,
    ) -> None:
        def expression(text: str | None) -> Expression | None:
            return None if text is None else Expression(text, variables)

        self._when = expression(file.when)
        self._word = Expression(file.word, variables)
        self._reference = expression(file.reference)
        self._remarks = expression(file.remarks)
        self._decided_at = expression(file.decided_at)
        self._items = expression(file.items)
        self._id = expression(file.id)
        self._revision = expression(file.revision)
        self._agency = agency
        self._verdicts = verdicts
        self._zone = zone

    def read(
        self,
        context: Context,
        *,
        referral: str,
        key: str,
        referred: Sequence[int] | None,
        via: Via,
        received_at: datetime,
        evidence: str | None,
    ) -> tuple[Decision, ...]:
        """
        The decision that is told, if there is one. Raises Misfit, ExpressionFailed.

        `key` stands for the referral in the decision's id when the agency gives it none; `referred` are the
        goods items that were referred, where that is known: an agency that speaks of another is not
        understood.
        """
        if self._when is not None:
            told = self._when.evaluate(context)
            if not isinstance(told, bool):
                raise Misfit(f"`when` of the decision is {told!r}, neither true nor false")
            if not told:
                return ()
        word = as_name(self._word.evaluate(context), "the verdict")
        if word is None:
            raise Misfit("the answer tells no verdict")
        verdict = self._verdicts.get(word)
        if verdict is None:
            raise Misfit(
                f"the verdict {word!r} is unknown; this agency's words are {', '.join(self._verdicts)}"
            )
        reference = self._name(self._reference, context, "the reference of the decision")
        decided_text = self._name(self._decided_at, context, "the time of the decision")
        decided_at = received_at if decided_text is None else _instant(decided_text, self._zone)
        stated_at = decided_at if decided_at - received_at > _CLOCKS_DIFFER else None
        items = None if self._items is None else _numbers(self._items.evaluate(context))
        if items is not None and referred is not None and (strange := sorted(set(items) - set(referred))):
            raise Misfit(f"the decision speaks of goods items {strange}, which were not referred")
        told_id = self._name(self._id, context, "the id of the decision")
        about = None if self._revision is None else _revision(self._revision.evaluate(context))
        said = (key, word, reference, decided_text, items)
        return (
            Decision(
                id=told_id or self._hash(*said, *(() if about is None else (about,))),
                referral=referral,
                verdict=verdict,
                items=items,
                word=word,
                reference=reference,
                remarks=self._said(context),
                decided_at=decided_at if stated_at is None else received_at,
                stated_at=stated_at,
                received_at=received_at,
                via=via,
                exchange=evidence,
                about=about,
            ),
        )

    def _hash(self, *said: object) -> str:
        return content_id([self._agency, *said])

    def _said(self, context: Context) -> str | None:
        text = None if self._remarks is None else as_text(self._remarks.evaluate(context))
        return None if text is None else cut(text, _LONGEST_REMARKS)

    @staticmethod
    def _name(expression: Expression | None, context: Context, what: str) -> str | None:
        return None if expression is None else as_name(expression.evaluate(context), what)


def content_id(content: object) -> str:
    """An id for what has none of its own: the same content has the same id."""
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    # JSON can escape half of a surrogate pair, which UTF-8 cannot hold.
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _instant(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return in_utc(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))
    except ValueError as wrong:
        raise Misfit(f"the time of the decision is {text!r}; RFC 3339 was expected") from wrong


def _revision(value: Any) -> int | None:
    """The revision that is named; None when none is. Raises Misfit."""
    text = as_name(int(value) if isinstance(value, float) and value.is_integer() else value, "the revision")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise Misfit(f"the revision of the application was expected as a whole number, not {text!r}")
    return int(text)


def _numbers(value: Any) -> tuple[int, ...] | None:
    """Goods item numbers; None when none are named, which means all of them. Raises Misfit."""
    listed = value if isinstance(value, list) else [value]
    numbers = []
    for one in listed:
        text = as_name(one, "a goods item number")
        if text is None:
            continue
        if not text.isdecimal() or len(text) > _MOST_DIGITS:
            raise Misfit(f"a goods item number was expected, not {text!r}")
        numbers.append(int(text))
    return tuple(dict.fromkeys(numbers)) or None
