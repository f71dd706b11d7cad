"""How: the channel of an agency's file, its operations, and every expression in them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from hub.config.faults import Key
from hub.config.feeds import check_feed
from hub.config.maintenance import check_maintenance
from hub.config.models import (
    AgencyFile,
    ChannelFile,
    DecisionReading,
    MessageReading,
    OperationFile,
)
from hub.config.schema_faults import FileReport
from hub.config.security import Surroundings, check_security
from hub.config.terms import check_term
from hub.config.written_expressions import WrittenExpressions, references
from hub.domain.referral import Answers
from hub.expressions import Expression, roots

_SOAP_KEYS = ("operation", "service", "port", "soap_header", "soap_action")
_REST_KEYS = ("method", "path", "query", "headers", "format", "root")
_READ_IN = {
    "found": ["look_up"],
    "receipt": ["submit", "look_up", "amend"],
    "decision": ["submit", "look_up", "poll", "amend", "inform"],
}
_PROVES = re.compile(r"^=.*\b(session|secret)\b", re.DOTALL)
_CREDENTIAL_HEADERS = {"authorization", "proxy-authorization", "cookie", "x-api-key"}


@dataclass(frozen=True)
class _Operation:
    """One operation of a channel, and what its expressions see."""

    key: Key
    file: OperationFile
    request: frozenset[str]
    reading: frozenset[str]


def check_channel(file: AgencyFile, folder: Path, around: Surroundings, report: FileReport) -> None:
    """Everything about a channel that its model does not say already."""
    channel = file.channel
    check_security(channel, folder, around, report)
    _check_contract(channel.contract, folder, report)
    _check_terms(channel, report)
    check_maintenance(channel.maintenance, report)
    _check_answers(file, report)
    written = WrittenExpressions(file, report)
    requests: dict[Key, list[Expression]] = {}
    for operation in _operations(channel):
        _check_protocol(operation, channel.adapter, report)
        requests[operation.key] = _check_operation(operation, written, report)
    _check_messages(channel, written, report)
    _check_signing(channel, written)
    _check_login(channel, written, report)
    if channel.feed is not None:
        of_feed = {str(key[-1]): held for key, held in requests.items() if key[:2] == ("channel", "feed")}
        check_feed(channel.feed, channel.adapter, of_feed, report)


def _check_signing(channel: ChannelFile, written: WrittenExpressions) -> None:
    if channel.auth.hmac is not None:
        written.expression(channel.auth.hmac.over, ("channel", "auth", "hmac", "over"), roots.SIGNING)


def _check_login(channel: ChannelFile, written: WrittenExpressions, report: FileReport) -> None:
    if channel.login is not None:
        for name in ("token", "expires_in"):
            text = getattr(channel.login, name)
            written.expression(text, ("channel", "login", name), roots.LOGIN_READING)
    for operation in _all_operations(channel):
        for place, error in enumerate(operation.file.errors):
            if error.means != "logged_out":
                continue
            key = (*operation.key, "errors", place, "means")
            if channel.login is None:
                report.add(key, "there is no session that could end", "add `channel.login`, or write refused")
            elif operation.file is channel.login:
                report.add(key, "logging in needs no session", "write refused")


def _operations(channel: ChannelFile) -> list[_Operation]:
    """The operations of a channel; where it does not log in, or has no secrets, none are to be seen."""
    there = {"session": channel.login is not None, "secret": bool(channel.secrets)}
    unseen = {name for name, is_there in there.items() if not is_there}
    return [replace(operation, request=operation.request - unseen) for operation in _all_operations(channel)]


def _all_operations(channel: ChannelFile) -> list[_Operation]:
    top: Key = ("channel",)
    found = [_Operation((*top, "submit"), channel.submit, roots.SUBMIT, roots.READING)]
    for name, writing in roots.FOLLOWING.items():
        file = getattr(channel, name)
        if file is not None:
            found.append(_Operation((*top, name), file, writing, roots.READING))
    if channel.feed is not None:
        feed: Key = (*top, "feed")
        found.append(_Operation((*feed, "pull"), channel.feed.pull, roots.PULL, roots.FEED_READING))
        found.append(
            _Operation(
                (*feed, "acknowledge"), channel.feed.acknowledge, roots.ACKNOWLEDGE, roots.FEED_READING
            )
        )
        if channel.feed.reject is not None:
            found.append(_Operation((*feed, "reject"), channel.feed.reject, roots.REJECT, roots.FEED_READING))
    if channel.login is not None:
        found.append(_Operation((*top, "login"), channel.login, roots.LOGIN, roots.LOGIN_READING))
    return found


def _check_contract(contract: str, folder: Path, report: FileReport) -> None:
    key: Key = ("channel", "contract")
    path = PurePosixPath(contract)
    if "\0" in contract or path.is_absolute() or ".." in path.parts:
        report.add(key, f"{contract!r} leads out of the folder", "write a path below it, as contracts/x.wsdl")
        return
    whole = (folder / path).resolve()
    if not whole.is_relative_to(folder.resolve()):
        report.add(key, f"{contract!r} is a link out of the folder", "copy the file into the folder")
    elif not whole.is_file():
        report.add(key, f"there is no file {contract!r} in the folder", "correct the path, or add the file")


def _check_terms(channel: ChannelFile, report: FileReport) -> None:
    check_term(channel.limits.timeout, ("channel", "limits", "timeout"), report)
    check_term(channel.limits.breaker_pause, ("channel", "limits", "breaker_pause"), report)
    if channel.poll is not None:
        check_term(channel.poll.every, ("channel", "poll", "every"), report)
    if channel.feed is not None:
        check_term(channel.feed.every, ("channel", "feed", "every"), report)


def _check_answers(file: AgencyFile, report: FileReport) -> None:
    if not report.is_sure(("channel",)):
        return
    channel = file.channel
    decided = channel.poll is not None and channel.poll.decision is not None
    there: dict[Answers, tuple[bool, str]] = {
        Answers.REPLY: (channel.submit.decision is not None, "channel.submit.decision"),
        Answers.CALLBACK: (channel.callback is not None, "channel.callback"),
        Answers.POLL: (decided, "channel.poll" if channel.poll is None else "channel.poll.decision"),
        Answers.FEED: (channel.feed is not None, "channel.feed"),
    }
    for code, service in file.services.items():
        if service.answers is Answers.DOOR:
            report.add(
                ("services", code, "answers"),
                "only customs' own control is answered at the hub's own door",
                f"write one of {', '.join(there)}: its people may decide by hand all the same",
            )
            continue
        is_there, part = there[service.answers]
        if not is_there:
            report.add(
                ("services", code, "answers"),
                f"it answers by {service.answers}, but there is no {part}",
                f"add `{part}`, or correct `answers`",
            )


def _check_protocol(operation: _Operation, adapter: str, report: FileReport) -> None:
    if not report.is_sure(("channel", "adapter")):
        return
    given = operation.file.model_fields_set
    needed, foreign = (("operation",), _REST_KEYS) if adapter == "soap" else (("method", "path"), _SOAP_KEYS)
    for name in needed:
        if getattr(operation.file, name) is None:
            report.add(
                (*operation.key, name), f"{name!r} is missing, and {adapter} needs it", f"add `{name}:`"
            )
    for name in foreign:
        if name in given:
            other = "rest" if adapter == "soap" else "soap"
            report.add(
                (*operation.key, name),
                f"{name!r} is a key of {other}; this channel is {adapter}",
                f"remove it, or write adapter: {other}",
            )
    for name, readers in _READ_IN.items():
        if name in given and operation.key[-1] not in readers:
            where = " and ".join([", ".join(readers[:-1]), readers[-1]] if readers[1:] else readers)
            report.add((*operation.key, name), f"`{name}` is read in {where} only", "remove it")
    if "format" in given and operation.file.request is None:
        report.add((*operation.key, "format"), "there is no request to be written so", "add `request`")
    if "root" in given and operation.file.format not in (None, "xml"):
        report.add((*operation.key, "root"), "only an XML body has a root", "remove it, or write format: xml")


def _check_operation(
    operation: _Operation, written: WrittenExpressions, report: FileReport
) -> list[Expression]:
    """The expressions of its request."""
    file, key = operation.file, operation.key
    found: list[Expression] = []
    credentials = [
        header
        for header, text in file.headers.items()
        if header.lower() in _CREDENTIAL_HEADERS and not _is_had_elsewhere(text)
    ]
    if file.path is not None:
        if not file.path.startswith("/"):
            report.add((*key, "path"), f"{file.path!r} does not begin with `/`", f"write /{file.path}")
        found += written.path(file.path, (*key, "path"), operation.request)
    for name in ("query", "headers", "soap_header", "request"):
        tree = getattr(file, name)
        found += written.tree(tree, (*key, name), operation.request)
        for at in references(tree):
            if name == "headers" and at[0] in credentials:
                continue  # told below
            report.add(
                (*key, name, *at),
                "`env:` is not read here, so this very text would be sent",
                "name it under channel.secrets, and write =secret.NAME here; "
                "a text that begins so is an expression: '=\"env:...\"'",
            )
    for header in credentials:
        report.add(
            (*key, "headers", header),
            "a credential is no part of a mapping",
            "give it under channel.auth, or under channel.secrets and write =secret.NAME",
        )
    reading = operation.reading
    written.expression(file.receipt.reference, (*key, "receipt", "reference"), reading)
    for name, text in file.receipt.values.items():
        written.expression(text, (*key, "receipt", "values", name), reading)
    written.expression(file.found, (*key, "found"), reading)
    if file.decision is not None:
        _check_decision(file.decision, (*key, "decision"), reading, written)
    for place, error in enumerate(file.errors):
        written.expression(error.when, (*key, "errors", place, "when"), reading)
        written.expression(error.text, (*key, "errors", place, "text"), reading)
    return found


def _is_had_elsewhere(text: Any) -> bool:
    """Whether a header holds the token of a session or one of the channel's secrets, which is in no file."""
    return isinstance(text, str) and _PROVES.search(text) is not None


def _check_messages(channel: ChannelFile, written: WrittenExpressions, report: FileReport) -> None:
    if channel.callback is not None:
        _check_message(channel.callback, ("channel", "callback"), written, report)
    if channel.feed is not None:
        feed: Key = ("channel", "feed")
        written.expression(channel.feed.messages, (*feed, "messages"), roots.FEED_READING)
        written.expression(channel.feed.next_page, (*feed, "next_page"), roots.FEED_READING)
        _check_message(channel.feed.message, (*feed, "message"), written, report)


def _check_message(
    reading: MessageReading, key: Key, written: WrittenExpressions, report: FileReport
) -> None:
    for name in ("id", "referral", "agency_reference"):
        written.expression(getattr(reading, name), (*key, name), roots.MESSAGE)
    if reading.referral is None and reading.agency_reference is None:
        report.add(
            key,
            "a message could not be told to be about any referral",
            "add `referral` or `agency_reference`",
        )
    _check_decision(reading.decision, (*key, "decision"), roots.MESSAGE, written)


def _check_decision(
    reading: DecisionReading, key: Key, variables: Collection[str], written: WrittenExpressions
) -> None:
    for name in DecisionReading.model_fields:
        written.expression(getattr(reading, name), (*key, name), variables)
