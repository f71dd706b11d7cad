"""
A message held against the contract's own schemas, facets and all, by libxml2.

libxml2 takes one schema document for each namespace and imports that are written down. Contracts are looser:
several documents share a namespace, and an inline schema uses another without importing it. So the documents
are joined anew: one for each namespace that includes all of it, and imports of whatever is used. Nothing is
fetched: every address leads to a document of the contract.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lxml import etree

from hub.adapters.soap import namespaces as ns
from hub.adapters.soap.files import SchemaDocument

_X = f"{{{ns.XSD}}}"
_PARTS = "urn:single-window-hub:message-parts"
"""The namespace of elements that stand for message parts which have a type and no element of their own."""
_NAMES = re.compile(r"\{[^{}']*\}")
# libxml2's xmlSchemaValidError: content models, and attributes that are required or unknown.
_STRUCTURE = {1845, 1846, 1867, 1868, 1871, 1872, 1877, 1833, 1834, 1835, 1841}


class CannotCompile(Exception):
    """libxml2 cannot make a schema of the contract's documents. The message says why."""


@dataclass(frozen=True)
class Violation:
    """One place at which a message breaks the contract."""

    path: tuple[str, ...]
    """Local names down to the element; those of a message part's own children come first."""
    what: str
    structural: bool
    """Elements missing, unknown or out of order, rather than a value that does not fit."""
    within: str = "request"
    """The key of the file that it is under: `request` or `soap_header`."""

    def __str__(self) -> str:
        return f"{'.'.join(self.path) or self.within}: {self.what}"


class Validator:
    """The schemas of one contract, compiled. For use from several threads."""

    def __init__(self, documents: Iterable[SchemaDocument], types: Iterable[str]) -> None:
        """
        `types` are the `{namespace}name` of types that message parts have without an element of their own.

        Raises CannotCompile.
        """
        joined = _Joined(list(documents))
        self._names = {kind: f"part{number}" for number, kind in enumerate(types)}
        root = joined.root({name: kind for kind, name in self._names.items()})
        parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
        try:
            # From files: lxml's resolvers go by a loader of the whole process, which any other thread that
            # parses something takes away; then an import is left out, and nobody is told.
            with tempfile.TemporaryDirectory(prefix="hub-schemas-") as folder:
                for name, text in joined.texts.items():
                    Path(folder, name).write_bytes(text)
                tree = etree.fromstring(root, parser, base_url=f"{folder}/root.xsd")
                self._schema = etree.XMLSchema(tree)
        except (etree.XMLSchemaParseError, etree.XMLSyntaxError) as wrong:
            raise CannotCompile(_cleaned(str(wrong))) from wrong
        self._lock = threading.Lock()

    def violations(self, part: etree._Element, kind: str | None = None) -> list[Violation]:
        """What is wrong with a message part; `kind` is its type where it has no element of its own."""
        tag = part.tag
        if kind is not None:
            part.tag = f"{{{_PARTS}}}{self._names[kind]}"
        try:
            with self._lock:
                if self._schema(part):
                    return []
                # The log is the schema's, not the call's.
                log: Any = list(cast(Any, self._schema.error_log))
            return list(_told(part, log))
        finally:
            part.tag = tag


class _Joined:
    """The schema documents of a contract under addresses of our own, one way in for each namespace."""

    def __init__(self, documents: list[SchemaDocument]) -> None:
        self._address = {
            document.address: f"document{number}.xsd" for number, document in enumerate(documents)
        }
        namespaces = dict.fromkeys(document.namespace for document in documents if not document.included)
        self._entry = {namespace: f"namespace{number}.xsd" for number, namespace in enumerate(namespaces)}
        self.texts: dict[str, bytes] = {}
        for document in documents:
            self.texts[self._address[document.address]] = self._document(document)
        for namespace, entry in self._entry.items():
            root = etree.Element(f"{_X}schema", nsmap={"xs": ns.XSD})
            if namespace is not None:
                root.set("targetNamespace", namespace)
            for document in documents:
                if document.namespace == namespace and not document.included:
                    etree.SubElement(root, f"{_X}include", schemaLocation=self._address[document.address])
            self.texts[entry] = etree.tostring(root)

    def _document(self, document: SchemaDocument) -> bytes:
        # A copy of the tree would leave out prefixes that are declared around it and used in texts only.
        root = etree.fromstring(etree.tostring(document.root, with_tail=False))
        if document.namespace is not None:
            root.set("targetNamespace", document.namespace)
        used = set()
        for element in root.iter(f"{_X}*"):
            used |= {namespace for namespace in element.nsmap.values() if namespace}
            # Facets are what counts here; who may build on what is not.
            for attribute in ("final", "finalDefault"):
                if attribute in element.attrib:
                    del element.attrib[attribute]
        for place in list(root):
            if place.tag == f"{_X}import":
                root.remove(place)
            elif place.tag == f"{_X}include":
                address = self._address.get(place.get("schemaLocation", ""))
                if address is None or address == self._address[document.address]:
                    root.remove(place)
                else:
                    place.set("schemaLocation", address)
        wanted: set[str | None] = {each for each in used if each in self._entry}
        wanted -= {document.namespace}
        if document.namespace is not None and None in self._entry:
            wanted.add(None)
        for namespace in sorted(wanted, key=str):
            root.insert(0, self._import(namespace))
        return etree.tostring(root)

    def _import(self, namespace: str | None) -> etree._Element:
        place = etree.Element(f"{_X}import", schemaLocation=self._entry[namespace])
        if namespace is not None:
            place.set("namespace", namespace)
        return place

    def root(self, types: Mapping[str, str]) -> bytes:
        """The schema from which all others are reached, with an element for each of these types by name."""
        root = etree.Element(f"{_X}schema", targetNamespace=_PARTS, nsmap={"xs": ns.XSD})
        for namespace in self._entry:
            root.append(self._import(namespace))
        for name, kind in types.items():
            qname = etree.QName(kind)
            prefixes = {"p": qname.namespace} if qname.namespace else {}
            element = etree.SubElement(root, f"{_X}element", name=name, nsmap=prefixes)
            element.set("type", f"p:{qname.localname}" if qname.namespace else qname.localname)
        return etree.tostring(root)


def _told(part: etree._Element, log: list[etree._LogEntry]) -> Iterator[Violation]:
    told: set[str] = set()
    for entry in log:
        path = entry.path or ""
        if path in told:
            continue  # a facet that is missed is told again as a value that is not of the type
        told.add(path)
        element = _at(part, path) if path else None
        steps: list[str] = []
        if isinstance(element, etree._Element):
            steps = [etree.QName(each).localname for each in element.iterancestors() if each is not part]
            steps = [*reversed(steps), etree.QName(element).localname] if element is not part else []
        attribute = re.search(r"attribute '(?:\{[^}]*\})?([^']+)':", entry.message)
        if attribute:
            steps.append(attribute[1])
        what = entry.message.partition(": ")[2] or entry.message
        yield Violation(tuple(steps), _cleaned(what), entry.type in _STRUCTURE)


def _at(part: etree._Element, path: str) -> etree._Element | None:
    """The element that libxml2 speaks of: its path has the prefixes of the document."""
    prefixes = {prefix: name for each in part.iter() for prefix, name in each.nsmap.items() if prefix}
    try:
        found = part.getroottree().xpath(path, namespaces=prefixes)
    except etree.XPathError:
        return None  # told without its place
    return found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else None


def _cleaned(text: str) -> str:
    """libxml2's words without the namespaces, which drown them."""
    return " ".join(_NAMES.sub("", text).split())


# libxml2 makes its own types with the first schema of a process, and not safely when several threads do.
etree.XMLSchema(etree.Element(f"{_X}schema"))
