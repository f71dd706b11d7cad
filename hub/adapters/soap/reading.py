"""
XML as plain data, along the types of a contract.

Not by zeep's own reader: that one turns a value it cannot parse into nothing with a line in the log, gives an
answer another shape when its element happens to have a single child, and loses how a decimal or a time was
written.
"""

from __future__ import annotations

from lxml import etree
from zeep.xsd.types.collection import ListType

from hub.adapters.shape import Part, Shape
from hub.adapters.soap import namespaces as ns
from hub.adapters.soap.kinds import Zeep, is_anything
from hub.adapters.soap.types import VALUE, XSI_TYPE, SoapPart, Types
from hub.adapters.wire import Misfit, Plain
from hub.adapters.xml import local_name, plain_xml

_NIL = f"{{{ns.XSI}}}nil"
_TYPE = f"{{{ns.XSI}}}type"


class Reader:
    """Reads the parts of an answer. For use from several threads."""

    def __init__(self, types: Types) -> None:
        self._types = types

    def part(self, element: etree._Element, part: Part, at: str) -> Plain:
        """One element: null, a single value, or its parts by name. Raises Misfit."""
        if element.get(_NIL) in ("true", "1"):
            return None
        told = self._told_type(element, part)
        shape = part.inner if told is None else told.inner
        if shape is None:
            if len(element):
                raise Misfit(f"{at} has elements inside it; the contract wants a value")
            return _text(element.text or "", part if told is None else told, at)
        if shape.open and not shape.parts:
            return self._open(element, at)
        return self.parts(element, shape, at, None if told is None else told.type_name)

    def parts(self, element: etree._Element, shape: Shape, at: str, told: str | None = None) -> Plain:
        """
        What is inside an element, by name: lists where the schema allows several, null where an optional
        one is absent. Raises Misfit.
        """
        read: dict[str, Plain] = {}
        repeated: set[str] = set()
        array = next((p for p in shape.parts.values() if isinstance(p, SoapPart) and p.array), None)
        for child in element:
            name = local_name(child)
            part = array or shape.parts.get(name)
            if part is None or name in (VALUE, XSI_TYPE):
                if not shape.open:
                    raise Misfit(f"{at} has an element {name} that the contract does not know")
                _add(read, repeated, name, self._free(child, f"{at}.{name}"))
                continue
            value = self.part(child, part, f"{at}.{name}")
            if not part.many or (_is_list(part) and isinstance(value, list)):
                if part.name in read:
                    raise Misfit(f"{at} has {name} twice; the contract allows one")
                read[part.name] = value
            else:
                read.setdefault(part.name, []).append(value)
        for qualified, text in element.attrib.items():
            attribute = etree.QName(qualified)
            known = shape.parts.get(f"attr__{attribute.localname}") or shape.parts.get(attribute.localname)
            if attribute.namespace != ns.XSI and known is not None and known.name not in read:
                read[known.name] = _text(str(text), known, f"{at}@{known.name}")
        value_part = shape.parts.get(VALUE)
        if value_part is not None:  # xs:simpleContent: a value that has attributes
            read[VALUE] = _text(element.text or "", value_part, at)
        if told is not None:
            read[XSI_TYPE] = etree.QName(told).localname if told else None
        for name, missing in shape.parts.items():
            if name in read:
                continue
            if missing.required:
                raise Misfit(f"{at} lacks {name}")
            read[name] = [] if missing.many else _absent(missing)
        return read

    def _told_type(self, element: etree._Element, part: Part) -> SoapPart | None:
        """The part as the derived type that the element says it is, where it says so and may be."""
        text = element.get(_TYPE)
        if text is None or not isinstance(part, SoapPart) or part.kind is None:
            return None
        prefix, _, name = text.strip().rpartition(":")
        namespace = element.nsmap.get(prefix or None)
        whole = f"{{{namespace}}}{name}" if namespace else name
        if whole == part.type_name:
            return None
        kind = self._types.stands_for(whole, part.kind)
        if kind is None or is_anything(kind):
            return None
        return self._types.typed(part.name, kind)

    def _free(self, element: etree._Element, at: str) -> Plain:
        """An element where the schema lets any stand: along its own declaration where there is one."""
        known = self._declared(element)
        if known is None:
            return self._open(element, at)
        return self.part(element, self._types.part(known), at)

    def _open(self, element: etree._Element, at: str) -> Plain:
        """An element of which the schema says nothing."""
        if not any(self._declared(child) is not None for child in element):
            return plain_xml(element)
        read: dict[str, Plain] = {}
        repeated: set[str] = set()
        for child in element:
            _add(read, repeated, local_name(child), self._free(child, f"{at}.{local_name(child)}"))
        return read

    def _declared(self, element: etree._Element) -> Zeep | None:
        """The global declaration of an element."""
        name = etree.QName(element)
        return self._types.element(f"{{{name.namespace or ''}}}{name.localname}")


def _is_list(part: Part) -> bool:
    """Whether one element of it holds several values (xs:list), so that it does not stand there twice."""
    return isinstance(part, SoapPart) and isinstance(part.kind, ListType) and not part.repeats


def _add(read: dict[str, Plain], repeated: set[str], name: str, value: Plain) -> None:
    """Add what the schema does not name: a list where there are several."""
    if name in repeated:
        read[name].append(value)
    elif name in read:
        read[name] = [read[name], value]
        repeated.add(name)
    else:
        read[name] = value


def _absent(part: Part) -> Plain:
    """What stands for an optional element that is not there: null, or no entries if it only wraps a list."""
    shape = part.inner
    if shape is not None and len(shape.parts) == 1 and not shape.open:
        [inner] = shape.parts.values()
        if inner.many:
            return {inner.name: []}
    return None


def _text(text: str, part: Part, at: str) -> Plain:
    if part.read is None:
        return text
    if not text.strip() and not part.many:
        return None
    try:
        return part.read(text)
    except (ValueError, ArithmeticError) as wrong:
        raise Misfit(f"{at} is {text!r}: {wrong}") from wrong
