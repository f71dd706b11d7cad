"""What the gateway made of an answer, in the words of golden files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.domain.errors import CallbackRefused, ChannelError
from hub.domain.exchange import Answer, Feed, LookUp, Message, Submission
from hub.domain.referral import Decision

Outcome = Submission | LookUp | Answer | Feed | Message | ChannelError | CallbackRefused | None
"""What asking an agency, or listening to it, came to."""

_TOLD_OF_DECISION = ("verdict", "word", "decided_at", "reference", "remarks")


def meaning_of(outcome: Outcome) -> dict[str, Any]:
    """The `means` of a golden file, whole."""
    match outcome:
        case ChannelError():
            told: dict[str, Any] = {"error": type(outcome).__name__, "says": [str(outcome)]}
            if outcome.retry_after is not None:
                told["retry_after"] = outcome.retry_after
            return told
        case CallbackRefused():
            return {"error": type(outcome).__name__, "says": [str(outcome)]}
        case LookUp():
            found = outcome.submission
            return {"found": found is not None, **({} if found is None else meaning_of(found))}
        case Submission():
            values = {"values": dict(outcome.receipt.values)} if outcome.receipt.values else {}
            return {
                "receipt": outcome.receipt.reference,
                **values,
                "decisions": _decisions(outcome.decisions),
            }
        case Answer():
            return {"decisions": _decisions(outcome.decisions)}
        case Feed():
            told = {"messages": [_message(message) for message in outcome.messages]}
            if outcome.next is not None:
                page = outcome.next.model_dump(mode="json", exclude_none=True)
                told["next_page"] = {name: value for name, value in page.items() if value != ""}
            return told
        case Message():
            return _message(outcome)
        case None:
            return {}


def disagreements(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """
    What a file expects and what came of it, both cut down to what the file speaks of; None when they agree.

    Texts under `says` and `trouble` need only be part of what was said. An error that the file does not
    expect, and a trouble, always disagree.
    """
    if ("error" in actual) != ("error" in expected):
        return dict(expected), dict(actual)
    shown = {name: _shown(name, expected[name], actual.get(name)) for name in expected}
    if "trouble" in actual and "trouble" not in expected:
        shown["trouble"] = actual["trouble"]
    return None if shown == dict(expected) else (dict(expected), shown)


def _shown(name: str, expected: Any, actual: Any) -> Any:
    """What stands for the actual value: the expected one where the two agree."""
    if name == "says" and isinstance(actual, list):
        return expected if all(any(word in said for said in actual) for word in expected) else actual
    if name == "trouble" and isinstance(actual, str):
        return expected if expected in actual else actual
    if name == "messages" and isinstance(actual, list) and len(actual) == len(expected):
        pairs = zip(expected, actual, strict=True)
        return [e if disagreements(e, a) is None else a for e, a in pairs]
    return actual


def _message(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"message_id": message.message_id}
    for name in ("referral", "agency_reference"):
        if getattr(message, name) is not None:
            told[name] = getattr(message, name)
    told["decisions"] = _decisions(message.decisions)
    return told | ({"trouble": message.trouble} if message.trouble is not None else {})


def _decisions(decisions: tuple[Decision, ...]) -> list[dict[str, Any]]:
    return [_decision(decision) for decision in decisions]


def _decision(decision: Decision) -> dict[str, Any]:
    held = decision.model_dump(mode="json")
    told = {name: held[name] for name in _TOLD_OF_DECISION if held[name] is not None}
    if decision.about is not None:
        told["revision"] = decision.about
    return told | ({"items": list(decision.items)} if decision.items is not None else {})
