"""XML bodies by a schema's `xml` words (OpenAPI 3.1, 4.8.26), written and read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from hub.adapters.openapi import Node, NotWritten, RestContract
from hub.adapters.openapi.schema import kinds_of
from hub.adapters.rest.parameters import word
from hub.adapters.wire import Misfit, Plain
from hub.adapters.xml import MAX_DEPTH, local_name, plain_xml

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_NAME = re.compile(r"(?:\{([^{}]*)\})?(.+)")


class XmlBody:
    """The XML of one schema, or of none: then members are elements in the order in which they are given."""

    def __init__(self, contract: RestContract, schema: Node | None, root: str | None) -> None:
        """
        `root` is the outermost element, as `{namespace}name`, where the schema does not name it. Raises
        NotWritten where nobody does.
        """
        self._contract = contract
        self._schema = schema
        self._root = root if root is not None else self._named(schema)

    def write(self, value: Plain) -> bytes:
        """Raises Misfit."""
        found = _NAME.fullmatch(self._root)
        assert found is not None
        words = _xml(self._resolved(self._schema))
        namespace = found[1] or words.get("namespace")
        prefix = words.get("prefix")
        element = self._element(found[2], namespace, prefix, None)
        # A default namespace holds for what is inside; one with a prefix for what bears the prefix.
        self._fill(element, value, self._schema, None if prefix else namespace, 0)
        return etree.tostring(element, xml_declaration=True, encoding="UTF-8")

    def read(self, root: etree._Element) -> Plain:
        """What is inside the outermost element, by the schema. Raises Misfit."""
        return self._read(root, self._schema, 0)

    def _named(self, schema: Node | None) -> str:
        if schema is not None:
            name = _xml(self._resolved(schema)).get("name")
            if isinstance(name, str):
                return name
            reference = schema.get("$ref")
            if isinstance(reference, str):
                return reference.rpartition("/")[2]
        raise NotWritten("root", "the contract does not name the outermost element; add `root`")

    def _resolved(self, schema: Node | None) -> Node | None:
        return None if schema is None else self._contract.resolve(schema)

    # --- writing --------------------------------------------------------------------------------------

    def _fill(
        self, element: etree._Element, value: Plain, schema: Node | None, namespace: str | None, depth: int
    ) -> None:
        if depth > MAX_DEPTH:
            raise Misfit(f"XML nested more than {MAX_DEPTH} elements deep")
        if isinstance(value, list):
            # The outermost element, or an element of a list, is itself a list.
            items = self._items(schema)
            for one in value:
                name = _xml(self._resolved(items)).get("name") or "item"
                self._child(element, name, one, items, namespace, depth)
            return
        if not isinstance(value, dict):
            try:
                element.text = word(str(element.tag), value)
            except ValueError as wrong:
                raise Misfit(f"{local_name(element)} cannot be written as XML: {wrong}") from wrong
            return
        members = self._members(schema)
        for name, held in value.items():
            self._member(element, name, held, members.get(name), namespace, depth)

    def _member(
        self,
        element: etree._Element,
        name: str,
        held: Plain,
        member: Node | None,
        namespace: str | None,
        depth: int,
    ) -> None:
        words = _xml(self._resolved(member))
        if words.get("attribute"):
            key = words.get("name") or name
            space = words.get("namespace")
            element.set(f"{{{space}}}{key}" if space else key, word(name, held))
        elif not isinstance(held, list):
            self._child(element, words.get("name") or name, held, member, namespace, depth)
        else:
            items = self._items(member)
            inner = _xml(self._resolved(items)).get("name") or words.get("name") or name
            if words.get("wrapped"):
                space = words.get("namespace") or namespace
                element = self._element(words.get("name") or name, space, words.get("prefix"), element)
                namespace = namespace if words.get("prefix") else space
            for one in held:
                self._child(element, inner, one, items, namespace, depth)

    def _child(
        self,
        parent: etree._Element,
        name: str,
        held: Plain,
        schema: Node | None,
        namespace: str | None,
        depth: int,
    ) -> None:
        words = _xml(self._resolved(schema))
        space, prefix = words.get("namespace") or namespace, words.get("prefix")
        child = self._element(name, space, prefix, parent)
        self._fill(child, held, schema, namespace if prefix else space, depth + 1)

    @staticmethod
    def _element(
        name: str, namespace: str | None, prefix: str | None, parent: etree._Element | None
    ) -> etree._Element:
        try:
            tag = etree.QName(namespace or None, name)
            spaces: Any = {prefix or None: namespace} if namespace else {}
            if parent is None:
                return etree.Element(tag, nsmap=spaces)
            return etree.SubElement(parent, tag, nsmap=spaces)
        except ValueError as wrong:
            raise Misfit(f"{name!r} cannot be the name of an element: {wrong}") from wrong

    # --- reading --------------------------------------------------------------------------------------

    def _read(self, element: etree._Element, schema: Node | None, depth: int) -> Plain:
        if depth > MAX_DEPTH:
            raise Misfit(f"XML nested more than {MAX_DEPTH} elements deep")
        node = self._resolved(schema)
        members = self._members(schema)
        if node is not None and "array" in kinds_of(node):
            return [self._read(child, self._items(schema), depth + 1) for child in element]
        if not members:
            return self._single(element, node) if len(element) == 0 else plain_xml(element, depth)
        read: dict[str, Plain] = {}
        known: set[etree._Element] = set()
        for name, member in members.items():
            self._read_member(element, name, member, read, known, depth)
        for child in element:
            # What the contract does not know is read as it stands.
            if child not in known:
                _add(read, local_name(child), plain_xml(child, depth + 1))
        return read

    def _read_member(
        self,
        element: etree._Element,
        name: str,
        member: Node,
        read: dict[str, Plain],
        known: set[etree._Element],
        depth: int,
    ) -> None:
        node = self._resolved(member)
        assert node is not None
        words = _xml(node)
        called = words.get("name") or name
        if words.get("attribute"):
            space = words.get("namespace")
            held = element.get(f"{{{space}}}{called}" if space else called)
            if held is not None:
                read[name] = _value(held, node)
            return
        if "array" not in kinds_of(node):
            for child in _named(element, called):
                known.add(child)
                _add(read, name, self._read(child, member, depth + 1))
            return
        items = self._items(member)
        inner = _xml(self._resolved(items)).get("name") or called
        holders = _named(element, called) if words.get("wrapped") else [element]
        found = [child for holder in holders for child in _named(holder, inner)]
        known.update(holders if words.get("wrapped") else found)
        if holders and (found or words.get("wrapped")):
            read[name] = [self._read(child, items, depth + 1) for child in found]

    def _single(self, element: etree._Element, node: Node | None) -> Plain:
        text = (element.text or "").strip()
        if node is None:
            return text
        if element.get(f"{{{_XSI}}}nil") in ("true", "1"):
            return None
        return {} if "object" in kinds_of(node) and not text else _value(text, node)

    # --- the schema -----------------------------------------------------------------------------------

    def _items(self, schema: Node | None) -> Node | None:
        node = self._resolved(schema)
        items = None if node is None else node.child("items")
        return None if items is None or items.value is None else items

    def _members(self, schema: Node | None, depth: int = 0) -> dict[str, Node]:
        node = self._resolved(schema)
        if node is None or depth > MAX_DEPTH:
            return {}
        members: dict[str, Node] = {}
        for keyword in ("allOf", "oneOf", "anyOf"):
            for piece in node.child(keyword).elements():
                members |= {k: v for k, v in self._members(piece, depth + 1).items() if k not in members}
        return members | dict(node.child("properties").children())


def _xml(node: Node | None) -> Mapping[str, Any]:
    words = None if node is None else node.get("xml")
    return words if isinstance(words, dict) else {}


def _named(element: etree._Element, name: str) -> list[etree._Element]:
    return [child for child in element if local_name(child) == name]


def _add(read: dict[str, Plain], name: str, value: Plain) -> None:
    if name not in read:
        read[name] = value
    elif isinstance(read[name], list):
        read[name].append(value)
    else:
        read[name] = [read[name], value]


def _value(text: str, node: Node) -> Plain:
    """Text as its type has it; fractions stay text, as those of JSON do."""
    text, kinds = text.strip(), kinds_of(node)
    if "boolean" in kinds and text in ("true", "false", "1", "0"):
        return text in ("true", "1")
    if "integer" in kinds and re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return int(text)
    return text
