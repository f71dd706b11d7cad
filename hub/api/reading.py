"""A declaration out of a request's body, or every fault that stands in its way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from hub.api.body import MediaType, Unreadable
from hub.api.json_body import pointer, read_json
from hub.api.problems import ApiProblem, ProblemFault
from hub.api.validation import NOT_AN_INSTANT, faults_of, faults_of_sound_parts, unstorable
from hub.api.wco import Draft, read_wco
from hub.api.wco.draft import Misplaced
from hub.api.xml_body import read_xml
from hub.domain.declaration import MAX_GOODS_ITEMS, Declaration
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
        faults = find_faults(self.declaration, rulebook.catalogue)
        _refuse_if_any(faults if self._draft is None else [self._draft.told(fault) for fault in faults])


def read_declaration(body: bytes, media_type: MediaType, rulebook: Rulebook) -> Lodged:
    """The declaration in a body. Raises ApiProblem: 400 when it cannot be read, 422 with every fault."""
    try:
        if media_type.name in XML:
            return _from_xml(body, media_type.charset, rulebook)
        return _from_json(body, rulebook)
    except Unreadable as error:
        raise ApiProblem("unreadable-body", str(error)) from error


def _from_json(body: bytes, rulebook: Rulebook) -> Lodged:
    data = read_json(body)
    items = data.get("items") if isinstance(data, dict) else None
    if isinstance(items, list) and len(items) > MAX_GOODS_ITEMS:
        # Said before looking at them: millions of faulty items take minutes to complain of.
        _refuse_if_any([Fault("/items", f"may have at most {MAX_GOODS_ITEMS} members")])
    faults = _instant_faults(data)
    try:
        # Strict, so that no value is bent into another type: a number is no instant and "1" no whole number.
        Declaration.model_validate_json(json.dumps(data, default=_as_number), strict=True)
    except ValidationError as error:
        faults += faults_of(error, data)
    if faults:
        _refuse_if_any(_once([*faults, *faults_of_sound_parts(data, rulebook.catalogue)]))
    # The strict reading takes numbers for floats; this one keeps the decimals exactly as they were written.
    declaration = Declaration.model_validate(data)
    _refuse_if_any(unstorable(declaration.model_dump()))
    return Lodged(declaration)


def _from_xml(body: bytes, charset: str | None, rulebook: Rulebook) -> Lodged:
    draft = read_wco(read_xml(body, charset), rulebook.catalogue.attributes, rulebook.zone)
    faults = draft.faults
    declaration = None
    if draft.content is not None:
        try:
            declaration = Declaration.model_validate(draft.content)
        except ValidationError as error:
            faults += [
                draft.told(fault)
                for fault in faults_of(error, draft.content)
                if fault.pointer not in draft.complained
            ]
        if declaration is None or faults:
            faults += [draft.told(f) for f in faults_of_sound_parts(draft.content, rulebook.catalogue)]
    if declaration is None or faults:
        _refuse_if_any(_once(faults))
        raise AssertionError("a declaration that does not validate has a fault")
    _refuse_if_any([draft.told(fault) for fault in unstorable(declaration.model_dump())])
    return Lodged(declaration, draft)


def _refuse_if_any(faults: Sequence[Fault | Misplaced]) -> None:
    """Raises ApiProblem (422) if there is a fault."""
    if not faults:
        return
    told = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}: see errors"
    if len(faults) > MAX_FAULTS:
        told += f", which lists the first {MAX_FAULTS}"
    raise ApiProblem("invalid-declaration", told, faults=[_told(fault) for fault in faults[:MAX_FAULTS]])


def _told(fault: Fault | Misplaced) -> ProblemFault:
    if isinstance(fault, Misplaced):
        return ProblemFault(pointer=fault.path, line=fault.line, detail=fault.detail)
    return ProblemFault(pointer=fault.pointer, detail=fault.detail)


def _once(faults: Iterable[Fault | Misplaced]) -> list[Fault | Misplaced]:
    """The faults without repetitions: two checks may find the same."""
    return list(dict.fromkeys(faults))


def _as_number(value: object) -> int | float:
    assert isinstance(value, Decimal)
    return int(value) if value == value.to_integral_value() else float(value)


def _instant_faults(data: Any, place: str = "") -> list[Fault]:
    """Instants that are not RFC 3339: the model would take digits for seconds since 1970."""
    faults: list[Fault] = []
    if isinstance(data, dict):
        for key, value in data.items():
            if key in _INSTANTS and isinstance(value, str) and not _RFC3339.fullmatch(value):
                faults.append(Fault(place + pointer(key), NOT_AN_INSTANT))
            elif key != "attributes" and isinstance(value, (dict, list)):
                faults += _instant_faults(value, place + pointer(key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            if isinstance(value, (dict, list)):
                faults += _instant_faults(value, f"{place}/{index}")
    return faults
