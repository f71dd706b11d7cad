"""A WSDL surveyed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hub.adapters.shape import Part, Shape
from hub.adapters.soap import SoapContract
from hub.domain.shortening import in_whole_words
from hub.workbench.proposing.policy import proofs
from hub.workbench.proposing.survey import Incoming, Offer, Survey
from hub.workbench.proposing.wsdl import Wording, elements

_MOST_INCOMING = 200
_WORDS = 120


def survey_soap(contract: SoapContract) -> Survey:
    """What a WSDL offers."""
    definitions = contract.definitions
    wording = Wording(definitions)
    listed = list(contract.operations())
    names = [name for _, _, name in listed]
    offers, warnings = [], list(contract.warnings)
    for service, port, name in listed:
        try:
            offers.append(_offer(contract, wording, service, port, name, alone=names.count(name) == 1))
        except LookupError as wrong:
            warnings.append(str(wrong))
    first = listed[0] if listed else None
    root = definitions[0]
    told = proofs(definitions)
    return Survey(
        adapter="soap",
        title=root.get("name") or (first[0] if first else ""),
        address=wording.address(first[0], first[1]) if first else "",
        offers=tuple(offers),
        incoming=tuple(_incoming(contract, wording)),
        proofs=told,
        warnings=tuple(warnings),
        proof_told=bool(told),
    )


def _offer(
    contract: SoapContract, wording: Wording, service: str, port: str, name: str, *, alone: bool
) -> Offer:
    operation = contract.find(name, service, port)
    request = contract.request_shape(operation)
    reply = operation.output.shape(contract.types) if operation.output is not None else None
    headers = operation.input.header_shape(contract.types).parts
    return Offer(
        name=name,
        keys={"operation": name} if alone else {"service": service, "port": port, "operation": name},
        also=f"{service}/{port}/{name}",
        summary=in_whole_words(wording.said(service, port, name), _WORDS),
        request=request,
        single=request is None,
        replies=()
        if reply is None
        else (_parts_apart(reply, rpc=operation.output is not None and operation.output.rpc),),
        one_way=operation.output is None,
        headers=tuple(headers.values()),
        place=f"{service}/{port}",
    )


def _parts_apart(shape: Shape, *, rpc: bool) -> Shape:
    """A part of an rpc message without a value is left out by some stacks, and read as null."""
    if not rpc:
        return shape
    return Shape({name: _optional(part) for name, part in shape.parts.items()}, shape.open)


def _optional(part: Part) -> Part:
    return replace(part, required=False)


def _incoming(contract: SoapContract, wording: Wording) -> Iterator[Incoming]:
    """Elements that no message of the contract has: perhaps what the agency posts to the hub."""
    spoken = wording.spoken()
    for place, name in enumerate(elements(contract.schemas())):
        short = name.rpartition("}")[2]
        if place > _MOST_INCOMING or short in spoken:
            continue
        element = contract.types.element(name)
        shape = contract.shape(element.type) if element is not None else None
        if shape is not None and shape.parts:
            yield Incoming(short, shape, "soap")
