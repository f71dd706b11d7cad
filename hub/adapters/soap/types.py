"""The types of a contract as zeep holds them, and the shapes they give to requests and answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lxml import etree
from zeep import exceptions
from zeep.xsd import elements as xsd_elements
from zeep.xsd.types import builtins
from zeep.xsd.types.collection import ListType
from zeep.xsd.types.complex import ComplexType
from zeep.xsd.types.simple import AnySimpleType

from hub.adapters.shape import Part, Shape
from hub.adapters.soap import namespaces as ns
from hub.adapters.soap.index import SchemaIndex
from hub.adapters.soap.kinds import (
    ANY_TEXT,
    Zeep,
    array_item,
    is_anything,
    is_array,
    item_name,
    members,
    type_name,
)
from hub.adapters.soap.scalars import base_name, is_text, reader, sample_of

VALUE = "_value_1"
"""The name of the text of an element that has attributes beside it (xs:simpleContent)."""
XSI_TYPE = "xsi:type"
"""The name under which plain data say which derived type stands in the place of a declared one."""


@dataclass(frozen=True)
class SoapPart(Part):
    """A part of a SOAP message, with zeep's type of it."""

    kind: Zeep = None
    array: bool = False
    """A SOAP-encoded array: its members count by their place, not by their names."""
    repeats: bool = False
    """The element may stand there several times, each with a value or a list of its own."""


class Types:
    """The types, elements and attributes of one contract. For use from several threads."""

    def __init__(self, schema: Zeep, index: SchemaIndex) -> None:
        self._schema = schema
        self.index = index
        self._shapes: dict[int, tuple[Zeep, Shape | None]] = {}
        self._alternatives: dict[int, tuple[Zeep, list[Zeep]]] = {}
        self._by_local_name: dict[str, list[Zeep]] | None = None

    # --- looking up ---------------------------------------------------------------------------------------

    def element(self, name: str) -> Zeep | None:
        """A global element by `{namespace}name`, or by its local name where only one bears it."""
        if name.startswith("{"):
            try:
                return self._schema.get_element(etree.QName(name.removeprefix("{}")))
            except (exceptions.Error, KeyError, ValueError):
                return None
        if self._by_local_name is None:
            known: dict[str, list[Zeep]] = {}
            for element in self._schema.elements:
                known.setdefault(element.name, []).append(element)
            self._by_local_name = known
        found = self._by_local_name.get(name, [])
        return found[0] if len(found) == 1 else None

    def type(self, name: str) -> Zeep | None:
        """A type by `{namespace}name`, by `xsd:name`, or by its local name where only one bears it."""
        prefix, colon, local = name.rpartition(":")
        if not name.startswith("{"):
            if colon and prefix in ("xsd", "xs"):
                name = f"{{{ns.XSD}}}{local}"
            else:
                found = [each for each in self.index.types if etree.QName(each).localname == name]
                if len(found) != 1:
                    return None
                [name] = found
        try:
            return self._schema.get_type(etree.QName(name), fail_silently=True)
        except (exceptions.Error, KeyError, ValueError):
            return None

    def alternatives(self, element: Zeep) -> list[Zeep]:
        """The elements that may stand where this one is declared: itself, and its substitution group."""
        if not element.is_global:
            return [element]
        known = self._alternatives.get(id(element))
        if known is None:
            known = (element, self._standing_for(element))  # the element is kept, for its id to stay its own
            self._alternatives[id(element)] = known
        return known[1]

    def _standing_for(self, element: Zeep) -> list[Zeep]:
        name = element.qname.text
        found = [] if self.index.is_abstract(name) else [element]
        for member in self.index.substitutes(name):
            other = None if self.index.is_abstract(member) else self.element(member)
            if other is not None:
                found.append(other.clone(None, min_occurs=0, max_occurs=element.max_occurs))
        return found or [element]

    def stands_for(self, name: str, declared: Zeep) -> Zeep | None:
        """The type called `{namespace}name`, if it may stand where `declared` is declared."""
        kind = self.type(name)
        if kind is None or is_anything(declared):
            return kind
        if isinstance(declared, ComplexType) and declared.qname is not None:
            return kind if self.index.derives(name, declared.qname.text) else None
        return None

    def is_named(self, kind: Zeep) -> bool:
        """Whether a type has a name that a message can tell: zeep names the nameless ones too."""
        name = type_name(kind)
        return name in self.index.types or name.startswith(f"{{{ns.XSD}}}")

    # --- shapes -------------------------------------------------------------------------------------------

    def shape(self, kind: Zeep) -> Shape | None:
        """The parts of a type by name; None for a single value."""
        known = self._shapes.get(id(kind))
        if known is None:
            known = (kind, self._shape(kind))  # the type is kept, for its id to stay its own
            self._shapes[id(kind)] = known
        return known[1]

    def _shape(self, kind: Zeep) -> Shape | None:
        if isinstance(kind, AnySimpleType):
            return None
        if not isinstance(kind, ComplexType):
            return Shape({}, open=True)
        if is_array(kind):
            item = array_item(kind)
            part = self.typed(item_name(kind), item, owner=None)
            return Shape({part.name: replace(part, many=True, repeats=True, array=True)})
        parts: dict[str, SoapPart] = {}
        is_open = False
        owner = None if kind.qname is None else kind.qname.localname
        content = kind._element
        if isinstance(content, xsd_elements.Element):  # xs:simpleContent: a value with attributes
            parts[VALUE] = replace(self.typed(VALUE, content.type, owner), required=True)
        elif content is not None:
            parts, is_open = self._group(content, owner)
        for name, attribute in kind.attributes:
            if isinstance(attribute, xsd_elements.AnyAttribute) or attribute.name is None:
                is_open = True
            else:
                kind_of = ANY_TEXT if is_anything(attribute.type) else attribute.type
                part = self.typed(name, kind_of, owner, attribute.name)
                required, fixed = self.index.attribute_use(attribute.name, owner)
                parts[name] = replace(
                    part,
                    required=bool(attribute.required) or required,
                    values=(fixed,) if fixed else part.values,
                    text=part.text and not fixed,
                    sample=fixed or part.sample,
                )
        if kind.qname is not None and self.index.is_base(kind.qname.text):
            parts[XSI_TYPE] = SoapPart(name=XSI_TYPE, text=True, sample="1")
            for derived in map(self.type, self.index.derived(kind.qname.text)):
                inside = self.shape(derived) if derived is not None else None
                for name, more in inside.parts.items() if inside is not None else ():
                    if name not in parts and isinstance(more, SoapPart):
                        parts[name] = replace(more, required=False)
        return Shape(parts, is_open)

    def _group(self, group: Zeep, owner: str | None) -> tuple[dict[str, SoapPart], bool]:
        """The parts of a sequence, choice, all or group, and whether it lets in any other element."""
        parts: dict[str, SoapPart] = {}
        is_open = False
        is_choice = isinstance(group, xsd_elements.Choice)
        for place, member in enumerate(members(group)):
            if isinstance(member, xsd_elements.Element):
                found = self._element(member, owner)
            elif isinstance(member, xsd_elements.Any):
                is_open = True
                continue
            else:
                found, inner_open = self._group(member, owner)
                is_open |= inner_open
            for name, part in found.items():
                if is_choice:
                    # zeep lets every element of a choice be missing, whatever the schema says.
                    needed = part.required or isinstance(member, xsd_elements.Element)
                    part = replace(part, alternative=place, needed=needed)
                parts[name] = _together(parts[name], part, is_choice) if name in parts else part
        if is_choice:
            mark = "|".join(parts)
            parts = {name: replace(part, required=False, choice=mark) for name, part in parts.items()}
        if group.min_occurs == 0:
            parts = {name: replace(part, required=False, choice="") for name, part in parts.items()}
        if group.accepts_multiple:
            parts = {name: replace(part, many=True, repeats=True) for name, part in parts.items()}
        return parts, is_open

    def _element(self, element: Zeep, owner: str | None) -> dict[str, SoapPart]:
        alternatives = self.alternatives(element)
        needed = element.min_occurs > 0 and not element.nillable
        several = len(alternatives) > 1
        parts = {}
        for place, each in enumerate(alternatives):
            part = self.typed(each.attr_name, each.type, owner, each.name)
            parts[part.name] = replace(
                part,
                required=needed and not several,
                many=part.many or element.accepts_multiple,
                repeats=element.accepts_multiple,
                choice="|".join(other.attr_name for other in alternatives) if needed and several else "",
                alternative=place,
                needed=True,
            )
        return parts

    def typed(self, name: str, kind: Zeep, owner: str | None = None, local: str | None = None) -> SoapPart:
        """A part called `name` of a type; `owner` and `local` lead to what the schema says about it."""
        named = type_name(kind) if self.is_named(kind) else None
        words = self.index.words(local or name, owner, named)
        text = is_text(kind)
        return SoapPart(
            name=name,
            many=isinstance(kind, ListType),
            # An empty text is a value where the schema lets it be one.
            text=text and not words.values and not words.pattern,
            shape=lambda: self.shape(kind),
            read=reader(kind),
            sample=words.values[0] if words.values else sample_of(kind),
            documentation=words.documentation,
            values=words.values,
            base=base_name(kind),
            type_name=named or "",
            pattern=words.pattern,
            longest=words.longest,
            kind=kind,
        )

    def part(self, element: Zeep) -> SoapPart:
        """One part of a message, on its own."""
        part = self.typed(element.attr_name, element.type, None, element.name)
        return replace(part, required=element.min_occurs > 0 and not element.nillable)

    def may_hold_binary(self, kind: Zeep, seen: set[int] | None = None) -> bool:
        """Whether something of this type may hold binary data, or anything at all."""
        seen = set() if seen is None else seen
        if id(kind) in seen:
            return False
        seen.add(id(kind))
        if isinstance(kind, AnySimpleType):
            return isinstance(kind, (builtins.Base64Binary, builtins.HexBinary))
        shape = self.shape(kind)
        if shape is None:
            return False
        return any(
            isinstance(part, SoapPart) and part.kind is not None and self.may_hold_binary(part.kind, seen)
            for part in shape.parts.values()
        )


def _together(one: SoapPart, other: SoapPart, is_choice: bool) -> SoapPart:
    """Two parts of the same name: either of two, or both."""
    if is_choice:
        return replace(one, many=one.many or other.many, repeats=one.repeats or other.repeats, required=False)
    return replace(one, many=True, repeats=True, required=one.required or other.required)
