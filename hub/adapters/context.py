"""
A dossier as the expressions of a channel see it.

Everything is plain data. What was not declared is the empty text, whatever its type, and nested parts are
always there with empty texts inside; so a mapping can name any element of the declaration without asking
first whether it is there, and a request leaves out what comes to an empty text (see `shape.trim`). Decimals
are exact text, instants RFC 3339 text in UTC, goods item numbers and numbers of packages whole numbers. Only
`attributes` holds just what was declared: what attributes there are is configuration.
"""

from __future__ import annotations

import base64
import typing
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

from pydantic import BaseModel

from hub.config.models import AgencyFile
from hub.domain.declaration import Declaration
from hub.domain.exchange import Dossier, InformationContent
from hub.domain.withdrawal import Withdrawal


def rfc3339(moment: datetime) -> str:
    """An instant in UTC, as `2026-03-01T09:30:00Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def agency_context(file: AgencyFile) -> dict[str, Any]:
    """The roots that every expression of an agency sees."""
    return {
        "agency": {"slug": file.agency, "name": file.name.get("en", file.agency)},
        "table": file.tables,
    }


def dossier_context(dossier: Dossier, file: AgencyFile) -> dict[str, Any]:
    """
    The roots of `FOLLOW_UP`.

    `items` holds the goods items that this referral concerns, and `declaration` all else: an agency is told
    nothing of goods that are none of its business.
    """
    terms = dossier.terms
    concerned = set(terms.items)
    declaration = {
        name: absent if (held := getattr(dossier.declaration, name)) is None else _plain(held)
        for name, absent in _blanks_of(Declaration)
        if name != "items"
    }
    return {
        "referral": {
            "id": terms.id,
            "mrn": terms.mrn,
            "service": terms.service,
            "service_name": terms.service_name.get("en", terms.service),
            "law": terms.law.get("en", ""),
            "document": terms.document,
            "items": list(terms.items),
            "revision": terms.revision,
            "former": list(dossier.former),
            "due_at": rfc3339(terms.due_at),
            "accepted_at": rfc3339(dossier.accepted_at),
        },
        "declaration": declaration,
        "items": [_plain(item) for item in dossier.declaration.items if item.number in concerned],
        "receipt": {
            "reference": (dossier.receipt.reference if dossier.receipt else None) or "",
            "values": dict(dossier.receipt.values) if dossier.receipt else {},
        },
        **agency_context(file),
    }


def withdrawal_context(withdrawal: Withdrawal | None) -> dict[str, Any]:
    """What `WITHDRAW` adds: why it is taken back; empty texts where the declaration goes on without it."""
    return {
        "withdrawal": {
            "reason": withdrawal.reason if withdrawal else "",
            "remarks": withdrawal.remarks if withdrawal else "",
        }
    }


def information_context(information: InformationContent) -> dict[str, Any]:
    """What `INFORM` adds: the answer, and its documents in Base64."""
    return {
        "information": {
            "id": information.id,
            "request": information.request,
            "request_reference": information.request_reference or "",
            "text": information.text,
            "given_at": rfc3339(information.given_at),
        },
        "documents": [
            {
                "name": one.name,
                "type": one.media_type,
                "sha256": one.sha256,
                "size": len(one.content),
                "base64": base64.b64encode(one.content).decode("ascii"),
            }
            for one in information.enclosures
        ],
    }


def _absent(annotation: Any) -> Any:
    """What stands for a part of the declaration that was not declared; never changed, so it may be shared."""
    for kind in (annotation, *typing.get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return dict(_blanks_of(kind))
    return ""


@cache
def _blanks_of(model: type[BaseModel]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, _absent(field.annotation)) for name, field in model.model_fields.items())


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, BaseModel):
        read = {}
        for name, absent in _blanks_of(type(value)):
            held = getattr(value, name)
            read[name] = absent if held is None else _plain(held)
        return read
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    raise TypeError(f"{type(value).__name__} has no plain form")
