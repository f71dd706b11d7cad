"""
Declarations in the WCO Data Model 3.x (MetaData/Declaration), as customs services publish it.

What is read is in `header`, `goods` and `documents`. What is not read: AuthorisationHolder,
ObligationGuarantee, DutyTaxFee, TradeTerms, ValuationAdjustment, Warehouse, SupervisingOffice, Carrier,
Itinerary, Seal, DangerousGoods, InvoiceAmount, TotalPackageQuantity, GovernmentProcedure (but for TypeCode
CO) and statements other than attributes: they bear on duties and movement, not on which agencies must
consent. Elements outside the `urn:wco:datamodel` namespaces are not read either.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from zoneinfo import ZoneInfo

from lxml import etree

from hub.api.wco.documents import read_documents
from hub.api.wco.draft import Draft, Slip
from hub.api.wco.goods import ATTRIBUTE, read_goods_item
from hub.api.wco.header import read_header
from hub.api.wco.node import FAMILY, Node
from hub.api.wco.values import Misread, whole_of
from hub.domain.catalogue import Attribute
from hub.domain.declaration import MAX_GOODS_ITEMS

__all__ = ["Draft", "read_wco"]

_FUNCTIONS: Mapping[str, str] = {
    "1": "a cancellation",
    "4": "a change",
    "5": "a replacement",
    "13": "a request to amend",
}
"""UN/EDIFACT 1225."""

_ORIGINAL = "9"


def read_wco(root: etree._Element, attributes: Mapping[str, Attribute], zone: ZoneInfo) -> Draft:
    """
    The declaration in a WCO document, with every fault of its form.

    `attributes` are those of the catalogue; dates without an offset are local to `zone`.
    """
    draft = Draft()
    declaration = _declaration_in(draft, Node(root))
    if declaration is None or not _is_original(draft, declaration):
        return draft
    shipments = declaration.children("GoodsShipment")
    if len(shipments) != 1:
        draft.fault(
            declaration,
            f"one GoodsShipment is lodged at a time; there are {len(shipments)}",
            below="GoodsShipment",
        )
        return draft
    shipment = shipments[0]
    items = shipment.children("GovernmentAgencyGoodsItem")
    if len(items) > MAX_GOODS_ITEMS:
        told = f"a declaration has at most {MAX_GOODS_ITEMS} goods items; there are {len(items)}"
        draft.fault(shipment, told)
        return draft
    slip = Slip(draft, "", declaration)
    read_header(slip, shipment, zone)
    read_documents(
        slip,
        chain(
            declaration.children("AdditionalDocument"),
            shipment.children("AdditionalDocument"),
            shipment.all("Consignment/AdditionalDocument"),
        ),
        zone,
        claims=False,
    )
    for statement in chain(
        declaration.children("AdditionalInformation"), shipment.children("AdditionalInformation")
    ):
        if statement.word("StatementTypeCode") == ATTRIBUTE:
            draft.fault(statement, "attributes are declared for each goods item, not for the declaration")
    for item in items:
        read_goods_item(slip.add("items", item), attributes, zone)
    if not items:
        slip.wrong("items", shipment, "there is no goods item", below="GovernmentAgencyGoodsItem")
    _count_items(draft, declaration, len(items))
    draft.content = slip.values
    return draft


def _count_items(draft: Draft, declaration: Node, found: int) -> None:
    """A declaration that was cut short on its way says how many goods items it had."""
    said = declaration.first("GoodsItemQuantity")
    if said is None:
        return
    try:
        count = whole_of(said)
    except Misread as error:
        draft.fault(said, str(error))
        return
    if count != found:
        draft.fault(said, f"GoodsItemQuantity says {count} goods items; there are {found}")


def _declaration_in(draft: Draft, root: Node) -> Node | None:
    if not root.in_family:
        draft.fault(root, f"the root element is not of the WCO Data Model: its namespace must begin {FAMILY}")
        return None
    if root.name == "Declaration":
        return root
    declarations = root.children("Declaration")
    if root.name == "MetaData" and len(declarations) == 1:
        return declarations[0]
    draft.fault(
        root, f"one MetaData/Declaration is lodged at a time; there are {len(declarations)} in {root.name}"
    )
    return None


def _is_original(draft: Draft, declaration: Node) -> bool:
    function = declaration.first("FunctionCode")
    if function is None:
        draft.fault(
            declaration,
            f"FunctionCode is missing; {_ORIGINAL} is an original declaration",
            below="FunctionCode",
        )
        return False
    if function.text != _ORIGINAL:
        meaning = _FUNCTIONS.get(function.text, "not an original declaration")
        draft.fault(
            function,
            f"FunctionCode {function.text[:10]} is {meaning}; only originals ({_ORIGINAL}) are taken: to "
            "amend one, post the whole of it, as an original, to its amendments",
        )
        return False
    return True
