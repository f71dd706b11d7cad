"""A declaration out of a request's body, or every fault that stands in its way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from hub.api.body import MediaType, Unreadable
from hub.api.json_body import pointer, read_json
from hub.api.problems import ApiProblem, ProblemFault
from hub.api.validation import NOT_AN_INSTANT, faults_of, faults_of_sound_items, unstorable
from hub.api.wco import Draft, read_wco
from hub.api.xml_body import read_xml
from hub.domain.declaration import Declaration
from hub.domain.intake import Fault, Rulebook, find_faults

JSON = "application/json"
XML = frozenset({"application/xml", "text/xml"})
ACCEPTED = frozenset({JSON}) | XML

MAX_FAULTS = 1000
"""Faults told in one answer; a body may hold more of them than anybody could read."""

_INSTANTS = frozenset({"arrives_at", "issued_at", "valid_until"})
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class Lodged:
    """A well-formed declaration, and how a fault found later is told in terms of what was sent."""

    def __init__(self, declaration: Declaration, draft: Draft | None = None) -> None:
        self.declaration = declaration
        self._draft = draft

    def check(self, rulebook: Rulebook) -> None:
        """Raises ApiProblem (422) with every fault that the catalogue knows of."""
        refuse_if_any(self.told(find_faults(self.declaration, rulebook.catalogue)))

    def told(self, faults: Iterable[Fault]) -> list[ProblemFault]:
        """Faults with pointers into the body as it was sent."""
        if self._draft is None:
            return [ProblemFault(pointer=fault.pointer, detail=fault.detail) for fault in faults]
        return [self._draft.told(fault) for fault in faults]


def read_declaration(body: bytes, media_type: MediaType, rulebook: Rulebook) -> Lodged:
    """The declaration in a body. Raises ApiProblem: 400 when it cannot be read, 422 with every fault."""
    try:
        if media_type.name in XML:
            return _from_xml(body, media_type.charset, rulebook)
        return _from_json(body, rulebook)
    except Unreadable as error:
        raise ApiProblem("unreadable-body", str(error)) from error


def refuse_if_any(faults: list[ProblemFault]) -> None:
    """Raises ApiProblem (422) if there is a fault."""
    if not faults:
        return
    told = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}: see errors"
    if len(faults) > MAX_FAULTS:
        told += f", which lists the first {MAX_FAULTS}"
    raise ApiProblem("invalid-declaration", told, faults=faults[:MAX_FAULTS])


def _from_json(body: bytes, rulebook: Rulebook) -> Lodged:
    data = read_json(body)
    faults = _dress(_instant_faults(data))
    try:
        # Strict, so that no value is bent into another type: a number is no instant and "1" no whole number.
        Declaration.model_validate_json(json.dumps(data, default=_as_number), strict=True)
    except ValidationError as error:
        faults += _dress(faults_of(error, data))
    if faults:
        faults += _dress(faults_of_sound_items(data, rulebook.catalogue))
        refuse_if_any(_once(faults))
    # The strict reading takes numbers for floats; this one keeps the decimals exactly as they were written.
    declaration = Declaration.model_validate(data)
    refuse_if_any(_dress(unstorable(declaration.model_dump())))
    return Lodged(declaration)


def _from_xml(body: bytes, charset: str | None, rulebook: Rulebook) -> Lodged:
    draft = read_wco(read_xml(body, charset), rulebook.catalogue.attributes, rulebook.zone)
    if draft.content is None:
        refuse_if_any(draft.faults)
    faults = list(draft.faults)
    declaration = None
    try:
        declaration = Declaration.model_validate(draft.content)
    except ValidationError as error:
        faults += [
            draft.told(fault)
            for fault in faults_of(error, draft.content)
            if fault.pointer not in draft.complained
        ]
    if declaration is None or faults:
        faults += [draft.told(f) for f in faults_of_sound_items(draft.content, rulebook.catalogue)]
        refuse_if_any(_once(faults))
    assert declaration is not None
    refuse_if_any([draft.told(fault) for fault in unstorable(declaration.model_dump())])
    return Lodged(declaration, draft)


def _once(faults: list[ProblemFault]) -> list[ProblemFault]:
    """The faults without those that repeat a place already complained of."""
    first: dict[tuple[str | None, str], ProblemFault] = {}
    for fault in faults:
        first.setdefault((fault.pointer, fault.detail), fault)
    return list(first.values())


def _dress(faults: Iterable[Fault]) -> list[ProblemFault]:
    return [ProblemFault(pointer=fault.pointer, detail=fault.detail) for fault in faults]


def _as_number(value: object) -> int | float:
    assert isinstance(value, Decimal)
    return int(value) if value == value.to_integral_value() and value.adjusted() < 30 else float(value)


def _instant_faults(data: Any, place: str = "") -> list[Fault]:
    """Instants written as digits only: the model would take them for seconds since 1970."""
    faults: list[Fault] = []
    if isinstance(data, dict):
        for key, value in data.items():
            here = place + pointer(key)
            if key in _INSTANTS and isinstance(value, str) and not _RFC3339.fullmatch(value):
                faults.append(Fault(here, NOT_AN_INSTANT))
            elif key != "attributes":
                faults += _instant_faults(value, here)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            faults += _instant_faults(value, f"{place}/{index}")
    return faults
