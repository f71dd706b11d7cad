"""
What is legal in an agency's file and unwise: told as a warning, with what to do instead.

Only what an agency's engineer can act on, and what has cost somebody something: a warning that is always
there is read by nobody.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from hub.config.faults import Key
from hub.config.models import AgencyFile, ChannelFile, DecisionReading, OperationFile
from hub.config.schema_faults import FileReport
from hub.domain.deadlines import NotATerm, parse_duration
from hub.domain.referral import OnExpiry
from hub.expressions import roots

SHORTEST_EVERY = 30.0
"""Seconds between two questions about the same referral, or two pulls, that no agency need mind."""
LONGEST_TIMEOUT = 60.0
"""Seconds that a request may hold a slot without a warning."""
FEWEST_OPEN_POLLS = 100
"""Open referrals that an agency's rate should be enough to poll."""

_CHANGES = frozenset({"amend", "withdraw", "inform", "remind"})
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+|\+?[0-9][0-9 ()/-]{5,}|https?://")


def advise(file: AgencyFile, report: FileReport) -> None:
    """Every warning that the file itself gives reason for."""
    channel = file.channel
    if not _ADDRESS.search(file.contact):
        report.warn(
            ("contact",),
            "this is no address: nobody knows whom to call when the agency's system is in trouble",
            "write an e-mail address or a telephone number",
        )
    _verdicts(file, report)
    _services(file, report)
    _idempotency(channel, report)
    _limits(channel, report)
    _look_up(channel, report)
    _receipt(channel, report)
    _changes(channel, report)
    _decisions(channel, report)


def _verdicts(file: AgencyFile, report: FileReport) -> None:
    alike: dict[str, list[str]] = defaultdict(list)
    for word in file.verdicts:
        alike["".join(unicodedata.normalize("NFKC", word).casefold().split())].append(word)
    for first, *others in alike.values():
        for other in others:
            report.warn(
                ("verdicts", other),
                f"{other!r} looks like {first!r}; words are compared exactly",
                "keep the one that the agency's contract has, if only one of them is said",
            )


def _services(file: AgencyFile, report: FileReport) -> None:
    for code, service in file.services.items():
        if service.on_expiry is OnExpiry.DEEMED_APPROVED and service.confidence == "assumed":
            report.warn(
                ("services", code, "on_expiry"),
                "silence counts as consent, and that the law says so is only assumed",
                "look the law up and correct `confidence`, or write hold or escalate",
            )


def _idempotency(channel: ChannelFile, report: FileReport) -> None:
    asked = channel.submit
    said = _said(asked)
    known = "referral.id" in said or ("referral.mrn" in said and "referral.service" in said)
    if not known and channel.look_up is None:
        report.warn(
            ("channel", "submit"),
            "nothing that is sent tells one referral from another, and there is no `look_up`: a submission "
            "whose answer is lost is sent again, and opens a second case",
            "send =referral.id where the contract has a reference of the sender, or add `look_up`",
        )


def _limits(channel: ChannelFile, report: FileReport) -> None:
    limits = channel.limits
    timeout = _seconds(limits.timeout)
    if timeout > LONGEST_TIMEOUT:
        report.warn(
            ("channel", "limits", "timeout"),
            f"{limits.timeout} is long: a system that hangs keeps each of its {limits.concurrency} slots so "
            "long",
            "write 60s or less; what takes longer is better answered by poll, callback or feed",
        )
    for name, asked in (("poll", channel.poll), ("feed", channel.feed)):
        if asked is not None and _seconds(asked.every) < SHORTEST_EVERY:
            report.warn(
                ("channel", name, "every"),
                f"{asked.every} is short: the agency is asked {60 / _seconds(asked.every):g} times a minute"
                + (" about each referral" if name == "poll" else ""),
                "write 30s or more, unless the agency has agreed to it",
            )
    if channel.poll is not None and limits.per_second is not None:
        enough_for = limits.per_second * _seconds(channel.poll.every)
        if enough_for < FEWEST_OPEN_POLLS:
            report.warn(
                ("channel", "poll", "every"),
                f"at {limits.per_second:g} requests a second, {enough_for:g} open referrals polled every "
                f"{channel.poll.every} use up the agency's whole rate",
                f"poll less often, as every {_rounded(FEWEST_OPEN_POLLS / limits.per_second)}",
            )


def _look_up(channel: ChannelFile, report: FileReport) -> None:
    asked = channel.look_up
    if asked is None or asked.found is not None:
        return
    if any(rule.means == "not_found" for rule in asked.errors):
        return
    # A resource of the referral's own is answered 404 when it is not there; a list or a SOAP call is not.
    if channel.adapter == "soap" or "{" not in (asked.path or ""):
        report.warn(
            ("channel", "look_up"),
            "every answer is taken to mean that the agency has the referral: one that was lost on its way "
            "would never be sent again",
            "add `found`, as =size(reply.applications) > 0, or an error rule that means not_found",
        )


def _receipt(channel: ChannelFile, report: FileReport) -> None:
    if channel.submit.receipt.reference is not None:
        return
    asking = [name for name, asked in _following(channel) if "receipt.reference" in _said(asked)]
    if asking:
        report.warn(
            ("channel", "submit", "receipt"),
            f"{asking[0]} asks by receipt.reference, and nothing reads one from the answer to submit",
            "add `receipt: {reference: =reply...}` to submit",
        )


def _changes(channel: ChannelFile, report: FileReport) -> None:
    if channel.withdraw is None:
        report.warn(
            ("channel",),
            "it cannot withdraw: when a declaration is taken back or amended, a person must tell the agency, "
            "and confirm at the hub that it has been told",
            "add `withdraw`, where the contract has an operation for it",
        )
    for name, asked in _following(channel):
        said = _said(asked)
        if name in _CHANGES and "referral." not in said and "receipt." not in said:
            report.warn(
                ("channel", name),
                "nothing that is sent tells which referral is meant",
                "send =receipt.reference or =referral.id, as the contract has it",
            )


def _following(channel: ChannelFile) -> Iterator[tuple[str, OperationFile]]:
    """The operations there are about a referral that the agency has."""
    for name in roots.FOLLOWING:
        asked: OperationFile | None = getattr(channel, name)
        if asked is not None:
            yield name, asked


def _said(asked: OperationFile) -> str:
    """All that a request is made of, in one text."""
    trees = (asked.request, asked.query, asked.headers, asked.path, asked.soap_header)
    return " ".join(text for tree in trees for text in _texts(tree))


def _decisions(channel: ChannelFile, report: FileReport) -> None:
    if channel.poll is not None and channel.poll.decision is not None and channel.poll.decision.when is None:
        pending = any(rule.means in ("not_found", "unavailable") for rule in channel.poll.errors)
        if not pending:
            report.warn(
                ("channel", "poll", "decision"),
                "every answer is read as a decision: one that says `not yet` would call a person",
                'add `when`, as =reply.state == "DECIDED"',
            )
    answers: list[tuple[Key, OperationFile | None]] = [
        (("channel", "submit"), channel.submit),
        (("channel", "poll"), channel.poll),
        (("channel", "amend"), channel.amend),
    ]
    if channel.amend is not None:
        _about(channel, report)
    for key, asked in answers:
        if asked is not None and asked.decision is not None:
            _tellable(asked.decision, (*key, "decision"), report)
    if channel.callback is not None:
        _in_order(channel.callback.decision, ("channel", "callback", "decision"), report)
    if channel.feed is not None:
        _in_order(channel.feed.message.decision, ("channel", "feed", "message", "decision"), report)


def _about(channel: ChannelFile, report: FileReport) -> None:
    """Of an agency that is told other content under the same reference."""
    assert channel.amend is not None
    readings: list[tuple[Key, DecisionReading]] = [
        (("channel", name, "decision"), asked.decision)
        for name in ("submit", "look_up", "poll", "amend", "inform")
        if (asked := getattr(channel, name)) is not None and asked.decision is not None
    ]
    if channel.callback is not None:
        readings.append((("channel", "callback", "decision"), channel.callback.decision))
    if channel.feed is not None:
        readings.append((("channel", "feed", "message", "decision"), channel.feed.message.decision))
    silent = [key for key, reading in readings if reading.revision is None]
    if silent:
        where = ", ".join(".".join(map(str, key)) for key in silent)
        report.warn(
            ("channel", "amend"),
            f"nothing says which amendment a decision is about ({where}): one that is made before the answer "
            "to an amendment has come, or after that was lost, is taken for one about the old content",
            "read `revision` there, the number that amend has told; ask the agency to say it",
        )
    elif readings and "referral.revision" not in _said(channel.amend):
        report.warn(
            ("channel", "amend"),
            "`revision` of a decision is read, and nothing tells the agency the number of the amendment",
            "send =referral.revision",
        )


def _tellable(reading: DecisionReading, key: Key, report: FileReport) -> None:
    if reading.id is None and reading.decided_at is None:
        report.warn(
            key,
            "neither `id` nor `decided_at` is read: an agency that goes back to an earlier word is taken to "
            "repeat itself",
            "read the one that the answer has",
        )


def _in_order(reading: DecisionReading, key: Key, report: FileReport) -> None:
    if reading.decided_at is None:
        report.warn(
            key,
            "`decided_at` is not read: of messages that overtake each other the one received last counts",
            "read the time of the decision, where the message has one",
        )


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for part in tree.values():
            yield from _texts(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _texts(part)


def _seconds(duration: str) -> float:
    try:
        return max(parse_duration(duration).total_seconds(), 0.001)
    except NotATerm:
        return LONGEST_TIMEOUT  # a fault, and told as such


def _rounded(seconds: float) -> str:
    return f"{round(seconds)}s" if seconds < 120 else f"{round(seconds / 60)}m"
