"""
Plain data as XML, along the types of a contract.

Not by zeep's own writer: that one drops a choice whose value is 0 or false, cannot repeat a group, knows no
SOAP encoding and no substitution, and passes over names that it does not know. Nothing that was given is lost
here: what has no place in the contract is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lxml import etree
from zeep.xsd import elements as xsd_elements
from zeep.xsd.types.collection import ListType
from zeep.xsd.types.simple import AnySimpleType

from hub.adapters.shape import Part
from hub.adapters.soap import namespaces as ns
from hub.adapters.soap.kinds import (
    Zeep,
    array_item,
    is_anything,
    is_array,
    item_name,
    members,
    type_name,
)
from hub.adapters.soap.scalars import base_name, lexical
from hub.adapters.soap.types import VALUE, XSI_TYPE, SoapPart, Types
from hub.adapters.wire import Misfit, Plain

_NIL = f"{{{ns.XSI}}}nil"
_TYPE = f"{{{ns.XSI}}}type"
_ARRAY_TYPE = f"{{{ns.ENCODING_11}}}arrayType"
_ITEM_TYPE = f"{{{ns.ENCODING_12}}}itemType"
_ARRAY_SIZE = f"{{{ns.ENCODING_12}}}arraySize"


@dataclass
class _Given:
    """What was given for the children of one element, and not yet written."""

    named: dict[str, list[Plain]]
    others: dict[str, Plain] = field(default_factory=dict)
    """What the type does not name, for xsd:any."""

    def left(self) -> int:
        return sum(map(len, self.named.values())) + len(self.others)


class Writer:
    """Writes the parts of one message. For one message only."""

    def __init__(self, types: Types, encoding: str | None) -> None:
        """`encoding` is the namespace of the SOAP encoding, None for literal messages."""
        self._types = types
        self._encoded = encoding is not None
        self._encoding = encoding or ns.ENCODING_11

    def wrapper(self, name: str, version: str) -> etree._Element:
        """The element around the parts of an rpc message, in an envelope of this version."""
        namespace = etree.QName(name).namespace
        node = etree.Element(
            name, nsmap={"m": namespace, **self._prefixes()} if namespace else self._prefixes()
        )
        if self._encoded:
            node.set(f"{{{version}}}encodingStyle", self._encoding)
        return node

    def _prefixes(self) -> dict[str, str]:
        return {"xsi": ns.XSI, "xsd": ns.XSD, "enc": self._encoding} if self._encoded else {}

    def part(
        self, element: Zeep, value: Plain, at: str, parent: etree._Element | None = None
    ) -> etree._Element:
        """A part of a message, on its own or inside the element around the parts. Raises Misfit."""
        namespace = element.qname.namespace
        prefixes = {"m": namespace} if namespace else {}
        if parent is None:
            node = etree.Element(element.qname, nsmap={**prefixes, **self._prefixes()})
        else:
            # Not appended later: the library would then take away prefixes that stand in texts only.
            node = etree.SubElement(parent, element.qname)
        try:
            self._fill(node, element.type, value, at)
        except (ValueError, TypeError) as wrong:  # characters that XML cannot carry
            raise Misfit(f"{at or 'the request'} cannot be written: {wrong}") from wrong
        return node

    def _fill(self, node: etree._Element, kind: Zeep, value: Plain, at: str) -> None:
        if isinstance(kind, AnySimpleType) and not isinstance(value, dict) and not self._encoded:
            node.text = lexical(kind, value, at)
            return
        kind, value = self._chosen(node, kind, value, at)
        if value is None and not is_anything(kind) and self._encoded:
            node.set(_NIL, "true")
        elif isinstance(kind, AnySimpleType):
            if isinstance(value, dict) and set(value) <= {VALUE}:
                value = value.get(VALUE)
            node.text = lexical(kind, value, at)
        elif is_array(kind):
            self._array(node, kind, value, at)
        elif is_anything(kind):
            self._anything(node, value, at)
        else:
            self._complex(node, kind, value, at)

    def _chosen(self, node: etree._Element, kind: Zeep, value: Plain, at: str) -> tuple[Zeep, Plain]:
        """The type that the value names, or the declared one; what is sent says which where it must."""
        if isinstance(value, dict) and XSI_TYPE in value:
            value = dict(value)
            name = value.pop(XSI_TYPE)
            known = self._types.type(str(name))
            chosen = None if known is None else self._types.stands_for(type_name(known), kind)
            if chosen is None:
                raise Misfit(f"{at} cannot be a {name}: the contract has no such type in its place")
            _name(node, _TYPE, etree.QName(type_name(chosen)))
            return chosen, value
        if self._encoded and is_array(kind):
            _name(node, _TYPE, etree.QName(self._encoding, "Array"))
        elif self._encoded and not is_anything(kind):
            told = self._told_type(kind)
            if told:
                _name(node, _TYPE, etree.QName(told))
        elif is_anything(kind) and self._encoded and not isinstance(value, (dict, list)):
            word = {bool: "boolean", int: "long", float: "double"}.get(type(value), "string")
            _name(node, _TYPE, etree.QName(ns.XSD, word))
        return kind, value

    def _told_type(self, kind: Zeep) -> str:
        if self._types.is_named(kind):
            return type_name(kind)
        base = base_name(kind)
        return f"{{{ns.XSD}}}{base}" if base else ""

    def _complex(self, node: etree._Element, kind: Zeep, value: Plain, at: str) -> None:
        shape = self._types.shape(kind)
        assert shape is not None
        if value is None:
            value = {}
        if not isinstance(value, dict):
            if VALUE not in shape.parts:
                raise Misfit(f"{at} is a single value; the contract wants {', '.join(shape.parts)} inside it")
            value = {VALUE: value}
        given = dict(value)
        for name, attribute in kind.attributes:
            if attribute.name is not None and name in given:
                held = given.pop(name)
                if held is not None:
                    node.set(attribute.qname, lexical(attribute.type, held, f"{at}@{name}"))
        content = kind._element
        if isinstance(content, xsd_elements.Element):
            node.text = lexical(content.type, given.pop(VALUE, None), at)
            content = None
        named = {
            name: _several(held, _repeats(shape.parts[name]))
            for name, held in given.items()
            if name in shape.parts
        }
        others = {name: held for name, held in given.items() if name not in shape.parts}
        waiting = _Given(named, others)
        if content is not None:
            self._group(node, content, waiting, at)
        for name, left in waiting.named.items():
            if left:
                raise Misfit(
                    f"{_below(at, name)} has no place there: "
                    "the contract allows fewer, or another part instead"
                )
        for name in waiting.others:
            raise Misfit(f"{_below(at, name)} is not in the contract")

    # --- groups -------------------------------------------------------------------------------------------

    def _group(self, node: etree._Element, group: Zeep, given: _Given, at: str) -> None:
        """A sequence, choice, all or group, as often as there is something for it."""
        if group.min_occurs == group.max_occurs == 1:
            self._once(node, group, given, at)
            return
        most = group.max_occurs if isinstance(group.max_occurs, int) else None
        times = 0
        while (most is None or times < most) and self._waits(group, given):
            before = given.left()
            self._once(node, group, given, at)
            times += 1
            if given.left() == before:
                break
        if times == 0 and group.min_occurs > 0:
            self._once(node, group, given, at)

    def _once(self, node: etree._Element, group: Zeep, given: _Given, at: str) -> None:
        if isinstance(group, xsd_elements.Group):
            self._group(node, group.child, given, at)
            return
        if isinstance(group, xsd_elements.Choice):
            self._choice(node, group, given, at)
            return
        for member in members(group):
            self._member(node, member, given, at)

    def _member(self, node: etree._Element, member: Zeep, given: _Given, at: str) -> None:
        if isinstance(member, xsd_elements.Element):
            self._elements(node, member, given, at)
        elif isinstance(member, xsd_elements.Any):
            for name in list(given.others):
                self._free(node, name, given.others.pop(name), at)
        else:
            self._group(node, member, given, at)

    def _choice(self, node: etree._Element, choice: Zeep, given: _Given, at: str) -> None:
        branches = list(members(choice))
        waiting = [self._waits(branch, given) for branch in branches]
        most = max(waiting, default=0)
        if most:
            self._member(node, branches[waiting.index(most)], given, at)
        elif branches and all(branch.min_occurs > 0 for branch in branches):
            names = ", ".join(name for branch in branches for name in self._names(branch))
            raise Misfit(f"{at or 'the request'} needs one of {names}")

    def _elements(self, node: etree._Element, element: Zeep, given: _Given, at: str) -> None:
        most = element.max_occurs if isinstance(element.max_occurs, int) else None
        written = 0
        for each in self._types.alternatives(element):
            waiting = given.named.get(each.attr_name, [])
            while waiting and (most is None or written < most):
                self._element(node, each, waiting.pop(0), _below(at, each.attr_name))
                written += 1
        if written == 0 and element.min_occurs > 0:
            if not element.nillable:
                raise Misfit(f"{_below(at, element.attr_name)} is required by the contract and missing")
            etree.SubElement(node, element.qname).set(_NIL, "true")

    def _element(self, node: etree._Element, element: Zeep, value: Plain, at: str) -> None:
        child = etree.SubElement(node, element.qname)
        if value is None and element.nillable:
            child.set(_NIL, "true")
        else:
            self._fill(child, element.type, value, at)

    def _waits(self, particle: Zeep, given: _Given) -> int:
        """For how many of its names something is still to be written."""
        if isinstance(particle, xsd_elements.Any):
            return len(given.others)
        if isinstance(particle, xsd_elements.Element):
            return sum(bool(given.named.get(name)) for name in self._names(particle))
        return sum(self._waits(member, given) for member in members(particle))

    def _names(self, particle: Zeep) -> list[str]:
        if isinstance(particle, xsd_elements.Element):
            return [each.attr_name for each in self._types.alternatives(particle)]
        if isinstance(particle, xsd_elements.Any):
            return ["anything"]
        return [name for member in members(particle) for name in self._names(member)]

    # --- what the contract leaves open --------------------------------------------------------------------

    def _array(self, node: etree._Element, kind: Zeep, value: Plain, at: str) -> None:
        name, item = item_name(kind), array_item(kind)
        given = value if isinstance(value, dict) else {name: value}
        strange = set(given) - {name}
        if strange:
            raise Misfit(f"{_below(at, min(strange))} is not in the contract; it knows {name}")
        held = _several(given.get(name), many=True)
        told = (self._told_type(item) if not is_anything(item) else "") or f"{{{ns.XSD}}}anyType"
        if is_array(item):
            told = f"{{{self._encoding}}}Array"
        if self._encoding == ns.ENCODING_12:
            _name(node, _ITEM_TYPE, etree.QName(told))
            node.set(_ARRAY_SIZE, str(len(held)))
        else:
            # The library finds the prefix for a name; the size is then written behind it.
            _name(node, _ARRAY_TYPE, etree.QName(told))
            node.set(_ARRAY_TYPE, f"{node.get(_ARRAY_TYPE)}[{len(held)}]")
        for one in held:
            self._fill(etree.SubElement(node, name), item, one, _below(at, name))

    def _anything(self, node: etree._Element, value: Plain, at: str) -> None:
        if isinstance(value, dict):
            for name, held in value.items():
                self._free(node, name, held, at)
        elif isinstance(value, list):
            raise Misfit(f"{at} is a list, and nothing says what its members are called")
        elif value is not None:
            node.text = lexical(_ANY_TEXT, value, at)

    def _free(self, node: etree._Element, name: str, value: Plain, at: str) -> None:
        """An element that the type does not name: one of the contract's own, or `{namespace}name`."""
        element = self._types.element(name)
        at = _below(at, name)
        for one in _several(value, many=not (element is not None and isinstance(element.type, ListType))):
            if element is not None:
                self._element(node, element, one, at)
                continue
            namespace = etree.QName(node).namespace
            qname = name if name.startswith("{") or not namespace else f"{{{namespace}}}{name}"
            self._anything(etree.SubElement(node, qname), one, at)


_AnySimpleType: Any = AnySimpleType
_ANY_TEXT = _AnySimpleType()


def _several(value: Plain, many: bool) -> list[Plain]:
    """What was given for a name, as the values of its elements."""
    if not isinstance(value, list):
        return [] if value is None else [value]
    return list(value) if many else [value]


def _name(node: etree._Element, attribute: str, name: etree.QName) -> None:
    """Set an attribute to a name, with a prefix that stands in the element."""
    value: Any = name  # the library takes names here, which its stubs do not know
    node.set(attribute, value)


def _repeats(part: Part) -> bool:
    """Whether a list is one value for each of several elements, and not the one value of an xs:list."""
    return part.repeats if isinstance(part, SoapPart) else part.many


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
