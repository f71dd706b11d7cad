"""What an agency is told after the submission: which operation does it, and what its elements hold."""

from __future__ import annotations

from collections.abc import Sequence

from hub.workbench.proposing.listing import item_list
from hub.workbench.proposing.operations import Names, bears, leading, simple_parts, verbs
from hub.workbench.proposing.places import places
from hub.workbench.proposing.survey import Offer
from hub.workbench.proposing.trial import WHOLE_NUMBERS
from hub.workbench.proposing.words import words

CHANGES = ("amend", "withdraw", "inform", "remind")
"""Keys of a channel, in their order."""
_VERBS = {
    "amend": {"amend", "update", "replace", "patch"},
    "withdraw": {"withdraw"},
    "inform": {"supplement"},
    "remind": {"remind"},
}
_METHODS = {"amend": ("PUT", "PATCH"), "withdraw": ("DELETE",), "inform": (), "remind": ()}
"""What a method alone says, at the address of one submission."""
_NUMBERED = {"number", "sequence", "version", "revision"}
_CODES = {"code", "kind", "type", "ground"}
_OTHERWISE = '"TODO the code of the agency, by code of policy.yaml"'


def guessed(name: str, offers: Sequence[Offer], submit: Offer, names: Names) -> Offer | None:
    """The operation that does it: by what it is called, else by method and address."""
    for offer in offers:
        if offer.method == "GET" or not _is_akin(offer, submit) or not _names_one(offer, names):
            continue
        if set(verbs(offer)) & _VERBS[name] and leading(offer) not in ("get", "find", "list"):
            return offer
    for offer in offers:
        if offer.method in _METHODS[name] and _is_one_of(offer, submit):
            return offer
    return None


def aliases(name: str, offer: Offer, names: Names) -> dict[str, str]:
    """What the elements of its request hold, by name."""
    known = dict.fromkeys(names.ours, "referral.id") | dict.fromkeys(names.theirs, "receipt.reference")
    # The number of a goods item counts the items, not the contents.
    listed = {id(place.part) for place in places(offer.request) if place.lists} if offer.request else set()
    for part in simple_parts(offer):
        counts = part.base in WHOLE_NUMBERS and id(part) not in listed
        told = _meaning(name, set(words(part.name)), counts=counts)
        if told is not None and not bears(part, set(known)) and not part.values:
            known[part.name] = told
    return known


def _meaning(name: str, named: set[str], *, counts: bool) -> str | None:
    numbered = named & _NUMBERED
    match name:
        case "amend" if (named & {"amend"} and numbered) or named & {"revision"}:
            return "referral.revision"
        case "amend" if counts and named <= _NUMBERED:
            return "referral.revision"
        case "withdraw" if named & {"note", "withdraw", "ground"} and named & _CODES:
            return f"lookup({{}}, withdrawal.reason, {_OTHERWISE})"
        case "withdraw" if named & {"note"}:
            return 'withdrawal.remarks == "" ? withdrawal.reason : withdrawal.remarks'
        case "inform" if named & {"supplement"} and named & {"number", "id"}:
            return "information.id"
        case "inform" if named & {"note", "answer"}:
            return "information.text"
    return None


def _is_akin(offer: Offer, submit: Offer) -> bool:
    """Whether it is about the same kind of thing, as far as its path tells."""
    return offer.keys.get("path", "").startswith(submit.keys.get("path", ""))


def _is_one_of(offer: Offer, submit: Offer) -> bool:
    rest = offer.keys.get("path", "").removeprefix(submit.keys.get("path", "\0"))
    return rest.startswith("/{") and rest.endswith("}") and rest.count("/") == 1


def _names_one(offer: Offer, names: Names) -> bool:
    """Whether it says by one of the two references, or by a path, which submission is meant."""
    if any(one.where == "path" for one in offer.parameters):
        return True
    parts = simple_parts(offer)
    if any(bears(part, names.ours | names.theirs) for part in parts):
        return True
    return offer.request is not None and item_list(offer.request) is not None
