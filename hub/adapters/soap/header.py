"""The header parts of an answer, as plain data."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from hub.adapters.shape import Part, Shape
from hub.adapters.soap import namespaces as ns
from hub.adapters.soap.message import MessagePart
from hub.adapters.soap.reading import Reader
from hub.adapters.soap.types import Types
from hub.adapters.wire import Misfit, Plain
from hub.adapters.xml import local_name, plain_xml


class HeaderReader:
    """Reads what an answer's envelope holds in its Header. For use from several threads."""

    def __init__(self, types: Types, parts: Sequence[MessagePart]) -> None:
        """`parts` are those that the binding declares."""
        self._reader = Reader(types)
        self._parts: dict[str, Part] = {str(p.element.qname.text): types.part(p.element) for p in parts}

    @property
    def shape(self) -> Shape:
        """The declared parts, each by the name of its element."""
        return Shape({etree.QName(name).localname: part for name, part in self._parts.items()}, open=True)

    def read(self, root: etree._Element) -> dict[str, Plain]:
        """
        The parts that came, each by its local name; lists where one came several times.

        Declared ones are read along the contract, others as plain XML. So are declared ones that do not fit:
        what the Body says does not hang on them. What other layers speak there (Web Services Security,
        WS-Addressing) is left out. Never raises; what is not XML's plain form is left out too.
        """
        version = etree.QName(root).namespace
        header = root.find(f"{{{version}}}Header") if version else None
        read: dict[str, list[Plain]] = {}
        for element in () if header is None else header:
            if etree.QName(element).namespace in ns.OTHER_LAYERS:
                continue
            try:
                read.setdefault(local_name(element), []).append(self._part(element))
            except Misfit:
                continue  # nested deeper than anybody reads
        return {name: parts[0] if len(parts) == 1 else parts for name, parts in read.items()}

    def _part(self, element: etree._Element) -> Plain:
        """Raises Misfit."""
        declared = self._parts.get(str(etree.QName(element).text))
        if declared is not None:
            try:
                return self._reader.part(element, declared, local_name(element))
            except Misfit:
                pass  # below, as it came
        return plain_xml(element)
