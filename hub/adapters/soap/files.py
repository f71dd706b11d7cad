"""The files of one contract: the WSDL and all it imports, read from the configuration folder only."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from lxml import etree

from hub.adapters.soap import namespaces as ns
from hub.adapters.soap.chameleon import dressed
from hub.adapters.soap.easing import ease, simple_types
from hub.adapters.soap.repairs import repair_schema, repair_wsdl
from hub.adapters.soap.tidying import tidy
from hub.adapters.wire import Misfit

_WELL_KNOWN = {
    ns.ENCODING_11: "soap-encoding.xsd",
    ns.ENCODING_12: "soap12-encoding.xsd",
    ns.XML: "xml.xsd",
    ns.XML_MIME: "xmlmime.xsd",
    ns.XOP: "xop-include.xsd",
    ns.APACHE: "apache-soap.xsd",
}
"""Namespaces that contracts import without bringing their schemas along."""
_SCHEMA = f"{{{ns.XSD}}}schema"
_REFERENCES = {f"{{{ns.XSD}}}import", f"{{{ns.XSD}}}include"}
_MOST_FILES = 2000
_OURS = "/well-known/"


class ContractUnreadable(Exception):
    """A contract file that is not there, or is not what it should be. The message says what is wrong."""


@dataclass(frozen=True)
class SchemaDocument:
    """One XML Schema document of a contract."""

    address: str
    namespace: str | None
    root: etree._Element
    included: bool
    """Reached by xsd:include only: its components are those of the document that includes it."""


class ContractFiles:
    """
    Every document of one contract, repaired, with the addresses in it made absolute.

    It is zeep's way to load files as well: what is not among them is not read, from the disk or from the
    network. An address on the network stands for a file of that name beside the contract.
    """

    session = None

    def __init__(self, path: Path, folder: Path) -> None:
        """Raises ContractUnreadable, with everything that is missing."""
        self._folder = folder.resolve()
        self._first = path.resolve()
        self._bytes: dict[str, bytes] = {}
        self._roots: dict[str, etree._Element] = {}
        self._schemas: dict[str, SchemaDocument] = {}
        self.definitions: list[etree._Element] = []
        """The WSDL documents, the contract itself first."""
        self.warnings: list[str] = []
        self._missing: list[str] = []
        self._document(self._first)
        if self._missing:
            raise ContractUnreadable("; ".join(dict.fromkeys(self._missing)))
        self._well_known(ns.ENCODING_11)

    def freeze(self) -> None:
        """Nothing is changed any more: from here on zeep may read."""
        known = simple_types((document.namespace, document.root) for document in self._schemas.values())
        for address, root in self._roots.items():
            copy = deepcopy(root)
            ease(copy, known)
            self._bytes[address] = etree.tostring(copy)

    @property
    def address(self) -> str:
        """Of the contract itself."""
        return str(self._first)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that were read, the contract itself first; not our own copies of well-known schemas."""
        names = [address.partition("#")[0] for address in self._roots]
        return tuple(Path(name) for name in dict.fromkeys(names) if not name.startswith(_OURS))

    def load(self, url: str) -> bytes:
        """One of the documents, for zeep."""
        if url == ns.ENCODING_11:
            url = self._well_known(ns.ENCODING_11)
        if url not in self._bytes:
            raise ContractUnreadable(f"{url} is not a file of this contract")
        return self._bytes[url]

    def schemas(self) -> Iterator[SchemaDocument]:
        """Every schema document, those inside a WSDL too."""
        yield from self._schemas.values()

    def _document(self, path: Path, namespace: str | None = None, *, included: bool = False) -> str:
        """Read a document and all that it refers to; its address."""
        address = str(path)
        if address in self._roots and not (included and namespace and self._has_no_namespace(address)):
            self._belongs(address, included)
            return address
        try:
            body = path.read_bytes()
        except OSError as wrong:
            raise ContractUnreadable(f"cannot read {path.name}: {wrong.strerror}") from wrong
        try:
            root, found = tidy(body)
        except Misfit as wrong:
            raise ContractUnreadable(f"{path.name} is not a WSDL or a schema: {wrong}") from wrong
        name = path.name
        if root.tag == _SCHEMA:
            if included and namespace and not root.get("targetNamespace"):
                # A document without a namespace takes that of the one that includes it (XML Schema part 1,
                # section 4.2.1), so that it is another document for each of them.
                root, address = dressed(root, namespace), f"{address}#{namespace}"
                if address in self._roots:
                    return address
            self._warn(name, found)
            self._schema(root, address, path, namespace, included=included)
        elif root.tag == f"{{{ns.WSDL}}}definitions":
            self._warn(name, found)
            self._wsdl(root, address, path)
        elif etree.QName(root).namespace == ns.WSDL_20:
            raise ContractUnreadable(f"{name} is WSDL 2.0; ask the agency for its WSDL 1.1")
        else:
            raise ContractUnreadable(
                f"{name} is not a WSDL or a schema: it begins with <{etree.QName(root).localname}>"
            )
        return address

    def _wsdl(self, root: etree._Element, address: str, path: Path) -> None:
        if len(self._roots) > _MOST_FILES:
            raise ContractUnreadable(f"more than {_MOST_FILES} files")
        self._roots[address] = root
        self._warn(path.name, repair_wsdl(root))
        self.definitions.append(root)
        for place in root.findall(f"{{{ns.WSDL}}}import"):
            location = place.get("location")
            if location:
                self._point(place, "location", location, path, place.get("namespace"))
        for number, schema in enumerate(root.findall(f"{{{ns.WSDL}}}types/{_SCHEMA}")):
            self._schema(schema, f"{address}#{number}", path, None, included=False, inline=True)

    def _schema(
        self,
        root: etree._Element,
        address: str,
        path: Path,
        namespace: str | None,
        *,
        included: bool,
        inline: bool = False,
    ) -> None:
        if len(self._schemas) > _MOST_FILES:
            raise ContractUnreadable(f"more than {_MOST_FILES} files")
        if not inline:
            self._roots[address] = root
        target = root.get("targetNamespace") or namespace
        self._schemas[address] = SchemaDocument(address, target, root, included)
        self._warn(path.name, repair_schema(root))
        imported = {child.get("namespace") for child in root if child.tag == f"{{{ns.XSD}}}import"}
        for known in _WELL_KNOWN.keys() & set(root.nsmap.values()) - imported - {target}:
            # Many a contract uses these as if they were built in.
            root.insert(0, etree.Element(f"{{{ns.XSD}}}import", namespace=known))
        for place in [child for child in root if child.tag in _REFERENCES]:
            is_include = place.tag == f"{{{ns.XSD}}}include"
            wanted = target if is_include else place.get("namespace")
            location = place.get("schemaLocation")
            if wanted in _WELL_KNOWN and not is_include:
                place.set("schemaLocation", self._well_known(str(wanted)))
            elif wanted == ns.XSD and not is_include:
                _without_location(place)
            elif location:
                self._point(place, "schemaLocation", location, path, wanted, included=is_include)
            elif is_include:
                root.remove(place)

    def _point(
        self,
        place: etree._Element,
        attribute: str,
        location: str,
        path: Path,
        namespace: str | None,
        *,
        included: bool = False,
    ) -> None:
        """Let a reference hold the address of the document it means, and read that."""
        found = self._find(location, path)
        if found is None:
            return
        address = self._document(found, namespace, included=included)
        place.set(attribute, address)
        actual = self._roots[address].get("targetNamespace")
        if actual and not included and actual != namespace:
            place.set("namespace", actual)
            if namespace is not None:
                self.warnings.append(f"{path.name}: {found.name} is imported as {namespace} and is {actual}")

    def _find(self, location: str, path: Path) -> Path | None:
        location = location.strip().replace("\\", "/")
        parts = urlsplit(location)
        if len(parts.scheme) > 1 and parts.scheme != "file":
            for folder in (path.parent, self._first.parent):
                for name in _names(location):
                    if self._is_ours(folder / name):
                        return (folder / name).resolve()
            name = _names(location)[-1]
            self._missing.append(
                f"{path.name} refers to {location}, and nothing is fetched from the network: "
                f"save it beside the contract as {name}"
            )
            return None
        candidate = (path.parent / unquote(parts.path)).resolve()
        if self._is_ours(candidate):
            return candidate
        # Published contracts are often flattened into one folder, and refer to where their parts once were.
        beside = next(
            (f for f in (path.parent, self._first.parent) if self._is_ours(f / candidate.name)), None
        )
        if beside is not None:
            self.warnings.append(
                f"{path.name}: {location} is not there; {candidate.name} in its folder is taken"
            )
            return (beside / candidate.name).resolve()
        inside = candidate.is_relative_to(self._folder)
        why = "there is no such file" if inside else "that lies outside the configuration folder"
        self._missing.append(
            f"{path.name} refers to {location}, and {why}: save {candidate.name} beside the contract"
        )
        return None

    def _is_ours(self, path: Path) -> bool:
        whole = path.resolve()
        return whole.is_relative_to(self._folder) and whole.is_file()

    def _well_known(self, namespace: str) -> str:
        """Our own copy of a schema that everybody refers to and nobody ships; its address."""
        name = _WELL_KNOWN[namespace]
        address = f"{_OURS}{name}"
        if address not in self._schemas:
            body = (resources.files("hub.adapters.soap") / "known" / name).read_bytes()
            root, _ = tidy(body)
            self._roots[address] = root
            self._schemas[address] = SchemaDocument(address, namespace, root, included=False)
        return address

    def _has_no_namespace(self, address: str) -> bool:
        return not self._roots[address].get("targetNamespace")

    def _belongs(self, address: str, included: bool) -> None:
        """Note that a document is imported too, where it was only included before."""
        known = self._schemas.get(address)
        if known is not None and known.included and not included:
            self._schemas[address] = SchemaDocument(address, known.namespace, known.root, included=False)

    def _warn(self, name: str, found: list[str]) -> None:
        self.warnings += [f"{name}: {what}" for what in found]


def _without_location(place: etree._Element) -> None:
    if "schemaLocation" in place.attrib:
        del place.attrib["schemaLocation"]


def _names(location: str) -> list[str]:
    """File names under which somebody may have saved an address; the last is the one to advise."""
    parts = urlsplit(location)
    base = unquote(parts.path).rstrip("/").rpartition("/")[2]
    names = [f"{base}?{parts.query}"] if parts.query else []
    for _, value in parse_qsl(parts.query):
        word = value.rpartition("/")[2]
        names += [word] if word.endswith((".xsd", ".wsdl")) else [word, f"{word}.wsdl", f"{word}.xsd"]
    if base and not parts.query:
        names.append(base)
    return [name for name in names if name not in ("", ".", "..")] or ["imported.xsd"]
