"""Declaration, GoodsShipment and Consignment: everything but the goods items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from zoneinfo import ZoneInfo

from hub.api.wco.draft import Slip
from hub.api.wco.node import Node
from hub.api.wco.values import instant_of
from hub.domain.declaration import Procedure

_EDIFACT_TYPES: Mapping[str, Procedure] = {
    "929": Procedure.IMPORT,
    "830": Procedure.EXPORT,
    "950": Procedure.TRANSIT,
}
"""UN/EDIFACT 1001: goods declarations for importation, exportation and customs transit."""

_EXPORTING = frozenset({"1", "2", "3"})
"""First digit of a requested procedure (EU DE 1/10) by which goods leave: export, re-export and the like."""

_MAX_UCR = 35


def read_header(slip: Slip, shipment: Node, zone: ZoneInfo) -> None:
    """The declaration without its goods items into the object of `slip`."""
    declaration = slip.node
    lrn = declaration.first("FunctionalReferenceID")
    if lrn is None:
        slip.wrong("lrn", declaration, "the declarant's reference is missing", below="FunctionalReferenceID")
    slip.text("lrn", lrn)
    procedure = _procedure(slip, shipment)
    _declarant(slip, shipment, procedure)
    _party(
        slip,
        "importer",
        _first_of((shipment, declaration), "Importer")
        or _first_of((shipment, declaration), "Consignee", "Consignment/Consignee")
        or shipment.first("Buyer"),
    )
    _party(
        slip,
        "exporter",
        _first_of((declaration, shipment), "Exporter")
        or _first_of((shipment, declaration), "Consignor", "Consignment/Consignor")
        or shipment.first("Seller"),
    )
    slip.text(
        "office", declaration.first("DeclarationOfficeID", "DeclarationOffice/ID", "PresentationOffice/ID")
    )
    _consignment(slip, shipment, zone, procedure)


def _first_of(nodes: tuple[Node, ...], *paths: str) -> Node | None:
    for path in paths:
        for node in nodes:
            found = node.first(path)
            if found is not None:
                return found
    return None


def _procedure(slip: Slip, shipment: Node) -> Procedure | None:
    """IM, EX, CO (by the goods items' requested procedures) and T as in the EU, or a UN/EDIFACT 1001 code."""
    node = slip.node.first("TypeCode")
    if node is None:
        slip.wrong("procedure", slip.node, "the declaration has no TypeCode", below="TypeCode")
        return None
    code = node.text.upper()
    procedure = _EDIFACT_TYPES.get(code)
    if code.startswith("IM"):
        procedure = Procedure.IMPORT
    elif code.startswith("EX"):
        procedure = Procedure.EXPORT
    elif code.startswith("T"):
        procedure = Procedure.TRANSIT
    elif code.startswith("CO"):
        procedure = _procedure_of_items(slip, shipment, node)
        if procedure is None:
            return None
    if procedure is None:
        slip.wrong("procedure", node, f"TypeCode {code[:10]!r} is none of IM*, EX*, CO*, T*, 929, 830, 950")
        return None
    slip.put("procedure", procedure, node)
    return procedure


def _procedure_of_items(slip: Slip, shipment: Node, node: Node) -> Procedure | None:
    """Trade within a customs union's territory goes both ways: the requested procedure tells which."""
    found: set[Procedure] = set()
    for item in shipment.children("GovernmentAgencyGoodsItem"):
        code = item.first("GovernmentProcedure/CurrentCode")
        if code is not None:
            found.add(Procedure.EXPORT if code.text[:1] in _EXPORTING else Procedure.IMPORT)
    if len(found) == 1:
        return found.pop()
    said = "both in and out" if found else "nothing"
    slip.wrong(
        "procedure",
        node,
        f"TypeCode CO needs GovernmentProcedure/CurrentCode to tell the way; it says {said}",
    )
    return None


def _declarant(slip: Slip, shipment: Node, procedure: Procedure | None) -> None:
    """
    Who declares, in the order of customs law (EU Regulation 952/2013 articles 5(15) and 18).

    Declarant; else an indirect representative (Agent with FunctionCode 3), who declares in its own name; else
    the importer or exporter, in whose name a direct representative declares; else whoever signs: Agent, then
    Submitter.
    """
    declaration = slip.node
    agent = declaration.first("Agent")
    trader = (
        _first_of((declaration, shipment), "Exporter")
        if procedure is Procedure.EXPORT
        else _first_of((shipment, declaration), "Importer")
    )
    candidates = [
        declaration.first("Declarant"),
        agent if agent is not None and agent.word("FunctionCode") == "3" else None,
        trader,
        agent,
        declaration.first("Submitter"),
    ]
    for party in candidates:
        if party is not None and party.first("ID") is not None:
            declarant = slip.into("declarant", party)
            declarant.text("id", party.first("ID"))
            declarant.text("name", party.first("Name"))
            return
    slip.wrong(
        "declarant", declaration, "nobody declares: there is no Declarant with an ID", below="Declarant/ID"
    )


def _party(slip: Slip, key: str, node: Node | None) -> None:
    if node is None:
        return
    party = slip.into(key, node)
    party.text("id", node.first("ID"))
    party.text("name", node.first("Name"))
    party.text("country", node.first("Address/CountryCode", "CountryCode"))
    lines = [
        line.text
        for path in ("Line", "CityName", "CountrySubDivisionName", "PostcodeID")
        for line in node.all(f"Address/{path}")
    ]
    address = node.first("Address")
    if lines and address is not None:
        party.put("address", ", ".join(lines), address)


def _consignment(slip: Slip, shipment: Node, zone: ZoneInfo, procedure: Procedure | None) -> None:
    declaration = slip.node
    consignments = [*shipment.children("Consignment"), *declaration.children("Consignment")]
    consignment = slip.into("consignment", consignments[0] if consignments else shipment)
    _ucr(consignment, slip, shipment)
    consignment.text("cargo_management_number", _cargo_management_number(shipment))

    def first(*paths: str) -> Node | None:
        return _first_of(tuple(consignments), *paths)

    border = "BorderTransportMeans"
    inland = "DepartureTransportMeans" if procedure is Procedure.EXPORT else "ArrivalTransportMeans"
    consignment.text(
        "transport_mode",
        declaration.first(f"{border}/ModeCode") or first(f"{border}/ModeCode", f"{inland}/ModeCode"),
    )
    consignment.text(
        "transport_id", declaration.first(f"{border}/ID") or first(f"{border}/ID", f"{inland}/ID")
    )
    containers: dict[str, Node] = {}
    equipment = chain(
        *(node.all("TransportEquipment/ID") for node in consignments),
        shipment.all("GovernmentAgencyGoodsItem/Commodity/TransportEquipment/ID"),
    )
    for container in equipment:
        containers.setdefault(container.text, container)
    if containers:
        consignment.put("containers", list(containers), next(iter(containers.values())))
        for index, node in enumerate(containers.values()):
            slip.draft.place(f"{consignment.at}/containers/{index}", node)
    consignment.text("country_of_dispatch", _common(shipment, "ExportCountry/ID"))
    consignment.text("country_of_destination", _common(shipment, "Destination/CountryCode"))
    consignment.text("location", first("GoodsLocation/Name", "GoodsLocation/ID"))
    consignment.read(
        "arrives_at",
        declaration.first(f"{border}/ArrivalDateTime")
        or first("ArrivalDateTime", f"{inland}/ArrivalDateTime"),
        partial(instant_of, zone=zone),
    )


def _common(shipment: Node, path: str) -> Node | None:
    """What the shipment says or, when it says nothing, what its goods items agree on."""
    own = shipment.first(path)
    if own is not None:
        return own
    of_items = list(shipment.all(f"GovernmentAgencyGoodsItem/{path}"))
    return of_items[0] if len({node.text for node in of_items}) == 1 else None


def _previous_documents(shipment: Node, *types: str) -> Iterator[Node]:
    for kind in types:
        for document in chain(
            shipment.children("PreviousDocument"),
            shipment.all("Consignment/PreviousDocument"),
            shipment.all("GovernmentAgencyGoodsItem/PreviousDocument"),
        ):
            number = document.first("ID")
            if number is not None and document.word("TypeCode") == kind:
                yield number


def _ucr(consignment: Slip, slip: Slip, shipment: Node) -> None:
    """
    The unique consignment reference: the shipment's UCR, the consignment's, the first goods item's; else the
    first previous document that is a declaration UCR (DCR), its part (DCS) or a master UCR (MCR); else, since
    every consignment must have a name, the lrn.
    """
    written = shipment.first(
        *(
            f"{level}UCR/{name}"
            for level in ("", "Consignment/", "GovernmentAgencyGoodsItem/")
            for name in ("TraderAssignedReferenceID", "ID")
        )
    )
    if written is not None:
        consignment.text("ucr", written)
        return
    for number in _previous_documents(shipment, "DCR", "DCS", "MCR"):
        if len(number.text) <= _MAX_UCR:
            consignment.text("ucr", number)
            return
    lrn = slip.node.first("FunctionalReferenceID")
    if lrn is not None:
        consignment.text("ucr", lrn)
    else:
        # The missing lrn has been told already.
        slip.draft.complained.add(f"{consignment.at}/ucr")


def _cargo_management_number(shipment: Node) -> Node | None:
    """The number of the cargo in its manifest: a previous document of type 785 (UN/EDIFACT 1001)."""
    return next(_previous_documents(shipment, "785"), None)
