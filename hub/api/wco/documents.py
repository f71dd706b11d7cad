"""AdditionalDocument: LPCOs, and claims that a law does not apply."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from hub.api.wco.draft import Slip
from hub.api.wco.node import Node
from hub.api.wco.values import MUTUALLY_DEFINED, decimal_of, instant_of, measure_of

_EXEMPTION = re.compile(r"[0-9]{2}[A-Z][0-9]{2}")


def read_documents(slip: Slip, documents: Iterable[Node], zone: ZoneInfo, *, claims: bool) -> None:
    """
    Documents into `lpcos`, and with `claims` into `exemptions`.

    CategoryCode and TypeCode together are the type (`C` + `644` is C644). An LPCOExemptionCode of the form
    two digits, letter, two digits (13A01) is a claim under that law, its ID the document that proves it;
    any other LPCOExemptionCode is the status of the document.
    """
    for document in documents:
        code = document.first("LPCOExemptionCode")
        if claims and code is not None and _EXEMPTION.fullmatch(code.text):
            claim = slip.add("exemptions", document)
            claim.put("code", code.text, code)
            claim.text("document", document.first("ID"))
            continue
        _lpco(slip, document, code, zone)


def _lpco(slip: Slip, document: Node, code: Node | None, zone: ZoneInfo) -> None:
    instant = partial(instant_of, zone=zone)
    lpco = slip.add("lpcos", document)
    category, type_code = document.first("CategoryCode"), document.first("TypeCode")
    kind = "".join(part.text for part in (category, type_code) if part is not None)
    if kind:
        lpco.put("type", kind, type_code or category or document)
    else:
        lpco.wrong("type", document, "the document has neither CategoryCode nor TypeCode", below="TypeCode")
    lpco.text("id", document.first("ID"))
    lpco.text("issuer", document.first("Submitter/Name", "Submitter/ID", "Issuer/Name", "Issuer/ID"))
    lpco.text("status", code)
    lpco.read("issued_at", document.first("IssueDateTime", "EffectiveDateTime"), instant)
    lpco.read("valid_until", document.first("ExpirationDateTime"), instant)
    quantity = document.first("WriteOff/QuantityQuantity")
    if quantity is not None:
        lpco.read("quantity", quantity, measure_of)
    else:
        lpco.read("quantity", document.first("WriteOff/AmountAmount", "WriteOff/Amount"), _amount_of)


def _amount_of(node: Node) -> dict[str, Any]:
    """An amount that is written off; its currency stands as the unit. Raises Misread."""
    return {"value": decimal_of(node), "unit": node.attribute("currencyID") or MUTUALLY_DEFINED}
