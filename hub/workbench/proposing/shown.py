"""Operations in a few words, for a table on a terminal."""

from __future__ import annotations

from hub.adapters.shape import Shape
from hub.workbench.proposing.survey import Offer

_MOST = 7


def inside(offer: Offer) -> str:
    """What goes in: parameters, and the body's first level; `[]` marks lists, `?` what may be left out."""
    named = [
        one.part.name + ("" if one.part.required else "?")
        for one in offer.parameters
        if one.where != "header"
    ]
    if offer.single:
        named.append("a value")
    elif offer.request is not None:
        named += _names(offer.request)
    return _few(named) or "nothing"


def outside(offer: Offer) -> str:
    """What comes out."""
    if offer.one_way:
        return "one-way"
    named = list(dict.fromkeys(name for shape in offer.replies for name in _names(shape)))
    return _few(named) or ("not told" if offer.method else "a value")


def _names(shape: Shape) -> list[str]:
    return [
        part.name + ("[]" if part.many else "") + ("" if part.required or part.choice else "?")
        for part in shape.parts.values()
        if not part.name.startswith("xsi:")
    ]


def _few(named: list[str]) -> str:
    more = f" +{len(named) - _MOST}" if len(named) > _MOST else ""
    return ", ".join(named[:_MOST]) + more
