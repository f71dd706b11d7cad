"""What speaking to an agency does not need of its WSDL: words, addresses, elements left over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

WSDL = "http://schemas.xmlsoap.org/wsdl/"
XSD = "http://www.w3.org/2001/XMLSchema"

Element = etree._Element


class Wording:
    """The WSDL documents of a contract, by name (WSDL 1.1, sections 2.4 to 2.7)."""

    def __init__(self, definitions: list[Element]) -> None:
        self._named: dict[tuple[str, str], Element] = {}
        for root in definitions:
            target = root.get("targetNamespace", "")
            for node in root:
                name = node.get("name")
                if isinstance(node.tag, str) and name and etree.QName(node).namespace == WSDL:
                    self._named.setdefault((local(node), f"{{{target}}}{name}"), node)

    def said(self, service: str, port: str, name: str) -> str:
        """The documentation of an operation."""
        binding = self._binding(service, port)
        kind = self._referred(binding, "type", "portType")
        for node in kind.iterfind(f"{{{WSDL}}}operation") if kind is not None else ():
            if node.get("name") == name.partition("/")[0]:
                return words_of(node)
        return ""

    def address(self, service: str, port: str) -> str:
        """The address in the contract, as it stands there."""
        node = self._port(service, port)
        for inner in node if node is not None else ():
            if local(inner) == "address":
                return str(inner.get("location") or "").strip()
        return ""

    def spoken(self) -> set[str]:
        """The local names of the elements that messages are made of."""
        return {
            part.get("element", "").rpartition(":")[2]
            for (kind, _), message in self._named.items()
            if kind == "message"
            for part in message
            if local(part) == "part" and part.get("element")
        }

    def _port(self, service: str, port: str) -> Element | None:
        for (kind, name), node in self._named.items():
            if kind == "service" and etree.QName(name).localname == service:
                for one in node.iterfind(f"{{{WSDL}}}port"):
                    if one.get("name") == port:
                        return one
        return None

    def _binding(self, service: str, port: str) -> Element | None:
        return self._referred(self._port(service, port), "binding", "binding")

    def _referred(self, node: Element | None, attribute: str, kind: str) -> Element | None:
        """What a qualified name in an attribute names."""
        text = node.get(attribute) if node is not None else None
        if node is None or not text:
            return None
        prefix, _, name = text.strip().rpartition(":")
        return self._named.get((kind, f"{{{node.nsmap.get(prefix or None) or ''}}}{name}"))


def local(node: Any) -> str:
    """The name of a node without its namespace; "" for comments."""
    return str(etree.QName(node).localname) if isinstance(node.tag, str) else ""


def words_of(node: Element) -> str:
    """The documentation of a node, as one line."""
    found = ["".join(map(str, inner.itertext())) for inner in node.iterfind(f"{{{WSDL}}}documentation")]
    return " ".join(" ".join(found).split())


def elements(schemas: Iterator[Element]) -> Iterator[str]:
    """Every global element, as `{namespace}name`."""
    for root in schemas:
        target = root.get("targetNamespace")
        for node in root.iterfind(f"{{{XSD}}}element"):
            name = node.get("name")
            if name:
                yield f"{{{target}}}{name}" if target else name
