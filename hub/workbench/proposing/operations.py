"""What an operation is like: its verbs, what must go in, whose reference it bears, what it answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from hub.adapters.shape import Part, Shape
from hub.workbench.proposing.listing import item_list
from hub.workbench.proposing.places import Dialect, joined, places
from hub.workbench.proposing.readings import Answer
from hub.workbench.proposing.survey import Offer
from hub.workbench.proposing.words import words

SUBMITS = {
    "submission",
    "application",
    "request",
    "register",
    "send",
    "declaration",
    "report",
    "notice",
    "review",
    "check",
    "entry",
    "form",
    "create",
    "lodge",
    "file",
    "put",
    "insert",
    "save",
    "add",
    "upload",
    "new",
    "enter",
    "post",
}
ASKS = {
    "find",
    "get",
    "retrieve",
    "fetch",
    "read",
    "ask",
    "status",
    "state",
    "list",
    "poll",
    "tracking",
    "result",
    "show",
    "view",
}
ENDS = {
    "acknowledge",
    "webhook",
    "callback",
    "hook",
    "confirm",
    "delete",
    "remove",
    "reject",
    "validate",
    "upload",
    "ping",
    "echo",
    "health",
    "version",
    "print",
}
HOOKS = {"webhook", "callback", "hook"}
CHANGES = {"amend", "withdraw", "update", "replace", "patch", "resubmit", "remind", "supplement"}
LOGS_IN = {"login", "token", "logout"}
FEW = 4


@dataclass(frozen=True)
class Names:
    """The names under which the two references stand in the submission and in its answer."""

    ours: set[str] = field(default_factory=set)
    theirs: set[str] = field(default_factory=set)


def names_of(submit: Offer, ours: set[str], offers: Iterable[Offer] = ()) -> Names:
    """
    How the two references are called: where a referral is submitted, and in the paths below that.

    What is created by a POST to `/orders` stands at `/orders/{x}`, whatever x is called.
    """
    receipt = answer_of(submit).receipt(ours) if submit.replies else None
    if receipt is None:
        return Names(ours, set())
    below = re.compile(re.escape(submit.keys.get("path", "")) + r"/\{([^{}/]+)\}(?:/[^{}]*)?")
    found = [below.fullmatch(offer.keys.get("path", "")) for offer in offers if submit.method]
    return Names(ours, {receipt.name} | {one[1] for one in found if one is not None} - ours)


def answer_of(offer: Offer) -> Answer:
    """Its answer; good answers of several kinds as one."""
    shape = joined(offer.replies) if offer.replies else Shape({})
    return Answer(shape, Dialect("reply[0]" if shape.many else "reply", nulls=not offer.method))


def verbs(offer: Offer) -> tuple[str, ...]:
    return words(f"{offer.name.rpartition(' ')[2]} {offer.also.rpartition('/')[2]}")


def leading(offer: Offer) -> str:
    """The word its name begins with: the verb, mostly."""
    named = words(offer.also.rpartition("/")[2] or offer.name)
    return named[0] if named else ""


def simple_parts(offer: Offer) -> list[Part]:
    # Headers name the exchange, not what it is about.
    held = [one.part for one in offer.parameters if one.where != "header"]
    if offer.request is not None:
        held += [place.part for place in places(offer.request) if place.lists < 2]
    return held


def required(offer: Offer) -> list[Part]:
    """What must go in, whatever else does."""
    held = [one.part for one in offer.parameters if one.part.required and one.where != "header"]
    if offer.request is not None:
        held += [place.part for place in places(offer.request) if all(step.required for step in place.steps)]
    return held


def asks(offer: Offer) -> bool:
    """Whether it only asks: little goes in, and something comes out."""
    if offer.one_way or not offer.replies or (offer.method and offer.method not in ("GET", "POST")):
        return False
    if set(verbs(offer)) & (CHANGES | LOGS_IN) or leading(offer) in ENDS - {"confirm"}:
        return False
    if offer.request is not None and item_list(offer.request) is not None:
        return False
    if offer.method == "POST" and (not set(verbs(offer)) & ASKS or leading(offer) in SUBMITS):
        return False
    return len(required(offer)) <= FEW


def bears(part: Part, names: set[str]) -> bool:
    """Whether a part is called as one of these, or by words that mean the same."""
    mine = set(words(part.name)) - _SAYS_LITTLE
    return part.name in names or any(mine and mine == set(words(name)) - _SAYS_LITTLE for name in names)


_SAYS_LITTLE = {"number", "id", "code", "value"}
"""A `ticket` and a `ticketNo` are the same."""


def messages_of(pull: Offer) -> tuple[str, Part, Shape] | None:
    """The list of messages in a feed's answer: the way to it, the part, and one message."""
    if not pull.replies:
        return None
    answer = joined(pull.replies)
    found = None
    if answer.many and Answer(answer, Dialect("message", nulls=False)).decision():
        return "reply", Part("reply", many=True), answer
    for place in places(answer):
        for number, step in enumerate(place.steps[:-1], start=1):
            inner = step.inner
            if step.many and inner is not None and Answer(inner, Dialect("message", nulls=False)).decision():
                way = ".".join(["reply", *(one.name for one in place.steps[:number])])
                found = found or (way, step, inner)
    return found
