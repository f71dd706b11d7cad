"""Which operation does what: guessed from what it is called, what it wants and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from hub.workbench.proposing import changing
from hub.workbench.proposing.listing import item_list
from hub.workbench.proposing.meanings import Scope, guess
from hub.workbench.proposing.operations import (
    ASKS,
    CHANGES,
    ENDS,
    FEW,
    HOOKS,
    LOGS_IN,
    SUBMITS,
    Names,
    answer_of,
    asks,
    bears,
    leading,
    messages_of,
    names_of,
    required,
    simple_parts,
    verbs,
)
from hub.workbench.proposing.places import Dialect
from hub.workbench.proposing.readings import message
from hub.workbench.proposing.survey import Offer, Survey
from hub.workbench.proposing.words import words


class NoOperation(Exception):
    """The contract has nothing to submit with, or not the operation that was asked for."""


@dataclass(frozen=True)
class Wanted:
    """Operations that somebody chose by name; `none` for no such operation."""

    submit: str | None = None
    look_up: str | None = None
    poll: str | None = None
    feed: str | None = None
    acknowledge: str | None = None
    login: str | None = None
    amend: str | None = None
    withdraw: str | None = None
    inform: str | None = None
    remind: str | None = None


@dataclass(frozen=True)
class Roles:
    """The operations of a channel."""

    submit: Offer
    look_up: Offer | None = None
    poll: Offer | None = None
    pull: Offer | None = None
    acknowledge: Offer | None = None
    login: Offer | None = None
    amend: Offer | None = None
    withdraw: Offer | None = None
    inform: Offer | None = None
    remind: Offer | None = None
    unused: tuple[Offer, ...] = ()
    """What else the contract has for changing something."""

    def of(self, offer: Offer) -> str:
        """What an operation is used for; "" for nothing."""
        for name in ("submit", "look_up", "poll", "pull", "acknowledge", "login", *changing.CHANGES):
            if getattr(self, name) == offer:
                return "feed" if name == "pull" else name
        return ""


def choose(survey: Survey, wanted: Wanted, ours_in: Callable[[Offer], set[str]]) -> Roles:
    """
    `ours_in` tells under which names our reference stands in a submission. Raises NoOperation.
    """
    login = _chosen(survey, wanted.login, "login") if wanted.login else _login(survey)
    submit = _chosen(survey, wanted.submit, "submit") if wanted.submit else _submit(survey, login)
    if submit is None:
        raise NoOperation("a channel needs an operation to submit with; name it with --submit")
    names = names_of(submit, ours_in(submit), survey.offers)
    left = [offer for offer in survey.offers if offer not in (submit, login) and _same_place(offer, submit)]
    poll = _given(survey, wanted.poll, "poll", lambda: _poll(left, names))
    look_up = _given(
        survey, wanted.look_up, "look-up", lambda: _look_up([o for o in left if o != poll], names)
    )
    left = [offer for offer in left if offer not in (poll, look_up)]
    pull = _given(survey, wanted.feed, "feed", lambda: _pull(left, names))
    acknowledge = None
    if pull is not None:
        fed = pull
        rest = [offer for offer in left if offer != pull]
        acknowledge = _given(survey, wanted.acknowledge, "acknowledge", lambda: _acknowledge(rest, fed))
        if acknowledge is None and wanted.feed is None:
            pull = None  # messages that cannot be acknowledged are no feed
    roles = Roles(submit, look_up, poll, pull, acknowledge, login)
    for change in changing.CHANGES:
        rest = [offer for offer in left if not roles.of(offer)]
        guessed = partial(changing.guessed, change, rest, submit, names)
        chosen: dict[str, Any] = {change: _given(survey, getattr(wanted, change), change, guessed)}
        roles = replace(roles, **chosen)
    unused = [offer for offer in left if set(verbs(offer)) & CHANGES and _akin(offer, submit)]
    return replace(roles, unused=tuple(offer for offer in unused if not roles.of(offer)))


# --- choosing -------------------------------------------------------------------------------------------


def _chosen(survey: Survey, name: str, role: str) -> Offer | None:
    if name == "none":
        return None
    found = survey.named(name)
    if not found:
        known = ", ".join(dict.fromkeys(offer.name for offer in survey.offers)) or "none"
        raise NoOperation(f"the contract has no operation {name!r} to {role} with; it has {known}")
    return found[0]


def _given(survey: Survey, name: str | None, role: str, guessed: Callable[[], Offer | None]) -> Offer | None:
    return _chosen(survey, name, role) if name else guessed()


def _same_place(offer: Offer, submit: Offer) -> bool:
    """SOAP: the same operation in another port is not another operation."""
    return offer.name != submit.name or bool(offer.method)


def _akin(offer: Offer, submit: Offer) -> bool:
    """Whether it is about the same kind of thing, as far as its path tells."""
    return offer.keys.get("path", "").startswith(submit.keys.get("path", ""))


def _submit(survey: Survey, login: Offer | None) -> Offer | None:
    offers = [offer for offer in survey.offers if offer is not login]
    if not offers:
        raise NoOperation("the contract has no operation at all that the hub can speak")
    return max(offers, key=_submit_score)


def _submit_score(offer: Offer) -> float:
    parts = simple_parts(offer)
    keys = {told.meaning.key for part in parts if (told := guess(Scope.HEADER, part.name)) is not None}
    score = 2.0 * min(len(parts), 15) + 4.0 * len(keys)
    if offer.request is not None and item_list(offer.request) is not None:
        score += 40
    named = set(verbs(offer))
    score += 15 if named & SUBMITS else 0
    score -= 35 if leading(offer) in ASKS | ENDS or named & HOOKS else 0
    score -= 30 if named & (CHANGES | LOGS_IN | {"delete", "acknowledge"}) else 0
    # Below something that is there already, it adds to that.
    score -= 25 * sum(one.where == "path" for one in offer.parameters)
    score -= {"GET": 60, "DELETE": 80, "PATCH": 30, "PUT": 5}.get(offer.method, 0)
    return score


def _poll(offers: list[Offer], names: Names) -> Offer | None:
    best: tuple[float, Offer] | None = None
    for offer in offers:
        score = _poll_score(offer, names)
        if score > 0 and (best is None or score > best[0]):
            best = (score, offer)
    return best[1] if best else None


def _poll_score(offer: Offer, names: Names) -> float:
    if not asks(offer) or answer_of(offer).decision() is None:
        return 0
    parts = simple_parts(offer)
    told = [bears(part, names.theirs) for part in parts]
    if any(told):
        score = 40.0
    elif any(bears(part, names.ours) for part in parts) and not names.theirs:
        score = 30.0
    elif any(one.where == "path" for one in offer.parameters):
        score = 15.0 if len([one for one in offer.parameters if one.where == "path"]) == 1 else 0
    elif not offer.method and parts and not any(bears(part, names.ours) for part in parts):
        score = 10.0
    else:
        return 0
    named = set(verbs(offer))
    score -= 12 * max(0, sum(one.where == "path" for one in offer.parameters) - 1)
    return score + (8 if named & {"status", "result", "decision", "state"} else 0) - 2 * len(required(offer))


def _look_up(offers: list[Offer], names: Names) -> Offer | None:
    for offer in offers:
        wanted = required(offer) or simple_parts(offer)
        if (
            asks(offer)
            and len(wanted) <= FEW
            and any(bears(part, names.ours) for part in simple_parts(offer))
        ):
            return offer
    return None


_MESSAGES = {"message", "outbox", "notification", "notifications", "event", "events"}


def _pull(offers: list[Offer], names: Names) -> Offer | None:
    for offer in offers:
        if not asks(offer) or any(one.where == "path" for one in offer.parameters):
            continue
        if [part for part in required(offer) if part.base not in ("integer", "int", "date", "dateTime")]:
            continue
        told = messages_of(offer)
        if offer.method == "POST" or told is None:
            continue
        read, _ = message(told[2], Dialect("message", nulls=False), names.ours, names.theirs)
        # What cannot be told apart, or bears no reference, is no feed of decisions.
        if "id" not in read.entries or "TODO" in str(read.entries.get("referral", "")):
            continue
        return offer
    return None


def _acknowledge(offers: list[Offer], pull: Offer) -> Offer | None:
    ways = [{"acknowledge"}, {"confirm", "receipt"}]
    if _MESSAGES & {*words(pull.name), *words(pull.summary)}:
        # Whatever else is deleted is not acknowledged by it, but gone.
        ways.append({"delete", "remove"})
    for wanted in ways:
        for offer in offers:
            named = set(verbs(offer)) | set(words(offer.summary)[:2])
            deletes = offer.method == "DELETE" and "delete" in wanted and _below(offer, pull)
            if offer.method == "DELETE" and not _below(offer, pull):
                continue
            if (named & wanted or deletes) and offer.method != "GET":
                return offer
    return None


def _below(offer: Offer, pull: Offer) -> bool:
    return offer.keys.get("path", "").startswith(pull.keys.get("path", "/"))


def _login(survey: Survey) -> Offer | None:
    for offer in survey.offers:
        named = set(verbs(offer))
        if not named & {"login", "token"} or offer.method in ("GET", "DELETE"):
            continue
        secret = any({"password", "key"} & set(words(part.name)) for part in simple_parts(offer))
        if secret and offer.replies and answer_of(offer).has_token() is not None:
            return offer
    return None
