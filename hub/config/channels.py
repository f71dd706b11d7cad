"""How: the channel of an agency's file, its operations, and every expression in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from hub.config.faults import Key
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
from hub.config.vocabulary import in_expression
from hub.domain.referral import Answers
from hub.expressions import Expression, ExpressionFault, PathTemplate, TreeFaults, TreeTemplate, roots

_SOAP_KEYS = ("operation", "service", "port")
_REST_KEYS = ("method", "path", "query", "headers")
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
    check_security(channel, around, report)
    _check_contract(channel.contract, folder, report)
    _check_terms(channel, report)
    check_maintenance(channel.maintenance, report)
    _check_answers(file, report)
    for operation in _operations(channel):
        _check_protocol(operation, channel.adapter, report)
        _check_operation(operation, report)
    _check_messages(channel, report)


def _operations(channel: ChannelFile) -> list[_Operation]:
    """The operations of a channel; where it does not log in there is no session to be seen."""
    found = _all_operations(channel)
    if channel.login is not None:
        return found
    return [replace(operation, request=operation.request - {"session"}) for operation in found]


def _all_operations(channel: ChannelFile) -> list[_Operation]:
    top: Key = ("channel",)
    found = [_Operation((*top, "submit"), channel.submit, roots.SUBMIT, roots.READING)]
    if channel.look_up is not None:
        found.append(_Operation((*top, "look_up"), channel.look_up, roots.FOLLOW_UP, roots.READING))
    if channel.poll is not None:
        found.append(_Operation((*top, "poll"), channel.poll, roots.FOLLOW_UP, roots.READING))
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
    channel = file.channel
    decided = channel.poll is not None and channel.poll.decision is not None
    there: dict[Answers, tuple[bool, str]] = {
        Answers.REPLY: (channel.submit.decision is not None, "channel.submit.decision"),
        Answers.CALLBACK: (channel.callback is not None, "channel.callback"),
        Answers.POLL: (decided, "channel.poll" if channel.poll is None else "channel.poll.decision"),
        Answers.FEED: (channel.feed is not None, "channel.feed"),
    }
    for code, service in file.services.items():
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
    if "found" in given and operation.key[-1] != "look_up":
        report.add((*operation.key, "found"), "`found` is read in look_up only", "remove it")


def _check_operation(operation: _Operation, report: FileReport) -> None:
    file, key = operation.file, operation.key
    credentials = [header for header in file.headers if header.lower() in _CREDENTIAL_HEADERS]
    if file.path is not None:
        path = file.path
        if not path.startswith("/"):
            report.add((*key, "path"), f"{path!r} does not begin with `/`", f"write /{path}")
        _report_tree((*key, "path"), lambda: PathTemplate(path, operation.request), path, report)
    for name, tree in (("query", file.query), ("headers", file.headers), ("request", file.request)):
        _check_tree(tree, (*key, name), operation.request, report)
        for at in _references(tree):
            if name == "headers" and at[0] in credentials:
                continue  # told below
            report.add(
                (*key, name, *at),
                "`env:` is not read here, so this very text would be sent",
                "give credentials under channel.auth; a text that begins so is an expression: '=\"env:...\"'",
            )
    for header in credentials:
        report.add(
            (*key, "headers", header), "a credential is no part of a mapping", "give it under channel.auth"
        )
    reading = operation.reading
    _check_expression(file.receipt.reference, (*key, "receipt", "reference"), reading, report)
    _check_expression(file.found, (*key, "found"), reading, report)
    if file.decision is not None:
        _check_decision(file.decision, (*key, "decision"), reading, report)
    for place, error in enumerate(file.errors):
        _check_expression(error.when, (*key, "errors", place, "when"), reading, report)
        _check_expression(error.text, (*key, "errors", place, "text"), reading, report)


def _check_messages(channel: ChannelFile, report: FileReport) -> None:
    if channel.callback is not None:
        _check_message(channel.callback, ("channel", "callback"), report)
    if channel.feed is not None:
        feed: Key = ("channel", "feed")
        _check_expression(channel.feed.messages, (*feed, "messages"), roots.FEED_READING, report)
        _check_message(channel.feed.message, (*feed, "message"), report)


def _check_message(reading: MessageReading, key: Key, report: FileReport) -> None:
    for name in ("id", "referral", "agency_reference"):
        _check_expression(getattr(reading, name), (*key, name), roots.MESSAGE, report)
    if reading.referral is None and reading.agency_reference is None:
        report.add(
            key,
            "a message could not be told to be about any referral",
            "add `referral` or `agency_reference`",
        )
    _check_decision(reading.decision, (*key, "decision"), roots.MESSAGE, report)


def _check_decision(
    reading: DecisionReading, key: Key, variables: Collection[str], report: FileReport
) -> None:
    for name in DecisionReading.model_fields:
        _check_expression(getattr(reading, name), (*key, name), variables, report)


# --- expressions ------------------------------------------------------------------------------------------


def _check_expression(text: str | None, key: Key, variables: Collection[str], report: FileReport) -> None:
    if text is None:
        return
    if not text.startswith("="):
        report.add(key, f"{text!r} is no expression: it does not begin with `=`", f'write "={text}"')
        return
    try:
        Expression(text, variables)
    except ExpressionFault as fault:
        report.add(key, in_expression(fault, text), fault.cure)


def _references(tree: Any) -> Iterator[Key]:
    """The ways to texts in a template that look like a reference to a variable."""
    if isinstance(tree, str):
        if tree.lstrip().startswith("env:"):
            yield ()
        return
    parts: Iterable[tuple[str | int, Any]] = ()
    if isinstance(tree, Mapping):
        parts = tree.items()
    elif isinstance(tree, list | tuple):
        parts = enumerate(tree)
    for step, part in parts:
        for inner in _references(part):
            yield (step, *inner)


def _check_tree(tree: Any, key: Key, variables: Collection[str], report: FileReport) -> None:
    _report_tree(key, lambda: TreeTemplate(tree, variables), "", report)


def _report_tree(key: Key, compile_template: Callable[[], object], text: str, report: FileReport) -> None:
    try:
        compile_template()
    except TreeFaults as faults:
        for inner, fault in faults.faults:
            report.add((*key, *inner), in_expression(fault, text), fault.cure)
