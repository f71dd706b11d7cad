"""
References inside an answer, put in their places.

Sources: SOAP 1.1 section 5.4.1, SOAP 1.2 part 2 section 3.1.5.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from lxml import etree

from hub.adapters.soap import namespaces as ns
from hub.adapters.wire import Misfit

_MOST_ELEMENTS = 50_000
"""An answer that refers to itself over and over would otherwise fill the memory."""
_ID = (f"{{{ns.ENCODING_12}}}id", "id")
_REFERENCE = (f"{{{ns.ENCODING_12}}}ref", "ref", "href")


def inline(body: etree._Element) -> None:
    """
    Put what references mean in the place of the references, in a SOAP Body, in place. Raises Misfit.

    What is only referred to is then no longer beside the answer itself. Serialisation roots and ids that
    nobody refers to are left alone.
    """
    known = {_first(element, _ID): element for element in body.iter() if _first(element, _ID)}
    if not known:
        return
    used: set[str] = set()
    budget = [_MOST_ELEMENTS]
    roots = [child for child in body if _first(child, _ID) is None] or list(body)[:1]
    for root in roots:
        _put(root, known, used, (), budget)
    for child in list(body):
        if child not in roots and _first(child, _ID) in used:
            body.remove(child)


def _put(
    element: etree._Element,
    known: dict[str | None, etree._Element],
    used: set[str],
    inside: tuple[str, ...],
    budget: list[int],
) -> None:
    budget[0] -= bool(inside)
    if budget[0] < 0:
        raise Misfit(f"its references stand for more than {_MOST_ELEMENTS} elements")
    told = _first(element, _REFERENCE)
    wanted = (told or "").removeprefix("#")
    is_reference = told is not None and len(element) == 0 and (told.startswith("#") or wanted in known)
    if is_reference:
        target = known.get(wanted)
        if target is None:
            raise Misfit(f"it refers to {told}, which is not in the answer")
        if wanted in inside:
            raise Misfit(f"{told} holds itself")
        used.add(wanted)
        inside = (*inside, wanted)
        for attribute in _REFERENCE:
            if attribute in element.attrib:
                del element.attrib[attribute]
        for name, value in target.attrib.items():
            if name not in _ID and name not in element.attrib:
                moved: Any = _prefixed(str(value), target, element)  # the library takes names as values
                element.set(name, moved)
        element.text = target.text
        for child in target:
            element.append(deepcopy(child))
    for child in element:
        _put(child, known, used, inside, budget)


def _prefixed(value: str, source: etree._Element, target: etree._Element) -> str | etree.QName:
    """An attribute's value, with the prefix it needs in its new place where it is a prefixed name."""
    prefix, colon, name = value.partition(":")
    namespace = source.nsmap.get(prefix)
    if not colon or namespace is None or target.nsmap.get(prefix) == namespace:
        return value
    if "[" in name:
        return value
    try:
        return etree.QName(namespace, name)
    except ValueError:
        return value


def _first(element: etree._Element, names: tuple[str, ...]) -> str | None:
    return next((element.get(name) for name in names if element.get(name)), None)
