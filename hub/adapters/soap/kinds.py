"""zeep's types told apart: what a type is, what a group is made of, what an array holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zeep.xsd import elements as xsd_elements
from zeep.xsd.types.any import AnyType
from zeep.xsd.types.complex import ComplexType
from zeep.xsd.types.simple import AnySimpleType

from hub.adapters.soap import namespaces as ns

Zeep = Any
"""One of zeep's own objects, whose types zeep tells in part only."""

ARRAY_ITEM = "item"
"""The name of the members of a SOAP-encoded array whose schema does not name them."""


def members(group: Zeep) -> Iterator[Zeep]:
    """What a sequence, choice, all or group is made of."""
    if isinstance(group, xsd_elements.Group):
        yield group.child
    else:
        yield from list.__iter__(group)


_AnyType: Zeep = AnyType
_ANYTHING = _AnyType()
_AnySimpleType: Zeep = AnySimpleType
ANY_TEXT = _AnySimpleType()
"""The type of an attribute that has none."""


def is_anything(kind: Zeep) -> bool:
    """xsd:anyType itself."""
    return not isinstance(kind, (AnySimpleType, ComplexType)) and isinstance(kind, AnyType)


_ARRAY_TYPES = (
    f"{{{ns.ENCODING_11}}}arrayType",
    f"{{{ns.ENCODING_12}}}arrayType",
    f"{{{ns.ENCODING_12}}}itemType",
)


def is_array(kind: Zeep) -> bool:
    """Whether a type is a SOAP-encoded array (SOAP 1.1 section 5.4.2), or restricts one."""
    return isinstance(kind, ComplexType) and any(
        getattr(attribute, "qname", None) is not None and attribute.qname.text in _ARRAY_TYPES
        for attribute in kind._attributes_unwrapped
    )


def array_item(kind: Zeep) -> Zeep:
    """The type of an array's members."""
    for attribute in kind._attributes_unwrapped:
        found = getattr(attribute, "array_type", None)
        if found is not None:
            return found
    element = _only_element(kind)
    return _ANYTHING if element is None else element.type


def item_name(kind: Zeep) -> str:
    """The name of an array's members."""
    element = _only_element(kind)
    return ARRAY_ITEM if element is None else str(element.attr_name)


def _only_element(kind: Zeep) -> Zeep | None:
    content = kind._element
    while isinstance(content, xsd_elements.Group):
        content = content.child
    inner = list(members(content)) if content is not None else []
    return inner[0] if len(inner) == 1 and isinstance(inner[0], xsd_elements.Element) else None


def type_name(kind: Zeep) -> str:
    """`{namespace}name` of a type; of a nameless one, the name that zeep made up."""
    qname = getattr(kind, "qname", None)
    return "" if qname is None else str(qname.text)
