"""What zeep's reading of the schemas leaves out: derivation, substitution, documentation, facets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lxml import etree

from hub.adapters.soap import namespaces as ns
from hub.adapters.soap.files import SchemaDocument
from hub.adapters.soap.names import qualified
from hub.domain.shortening import in_a_line

_X = f"{{{ns.XSD}}}"
_LONGEST_WORDS = 400
_DEEPEST = 32


@dataclass(frozen=True)
class Words:
    """What a schema says about an element or attribute, for people who fill it in."""

    documentation: str = ""
    values: tuple[str, ...] = ()
    pattern: str = ""
    longest: int | None = None


class SchemaIndex:
    """The schema documents of a contract, by the names of what they declare."""

    def __init__(self, documents: Iterable[SchemaDocument]) -> None:
        self.types: dict[str, etree._Element] = {}
        """Global types by `{namespace}name`."""
        self.elements: dict[str, etree._Element] = {}
        """Global elements by `{namespace}name`."""
        self._members: dict[str, list[str]] = {}
        self._bases: set[str] | None = None
        self._declared: dict[str, list[etree._Element]] = {}
        self._attribute_uses: dict[tuple[str | None, str], etree._Element] = {}
        for document in documents:
            self._read(document)

    def _read(self, document: SchemaDocument) -> None:
        for child in document.root:
            name = child.get("name")
            if name is None:
                continue
            whole = f"{{{document.namespace}}}{name}" if document.namespace else name
            if child.tag in (f"{_X}complexType", f"{_X}simpleType"):
                self.types.setdefault(whole, child)
            elif child.tag == f"{_X}element":
                self.elements.setdefault(whole, child)
                for head in child.get("substitutionGroup", "").split():
                    members = self._members.setdefault(qualified(head, child), [])
                    if whole not in members:
                        members.append(whole)
        for tag in ("element", "attribute"):
            for node in document.root.iter(f"{_X}{tag}"):
                name = node.get("name")
                if name:
                    self._declared.setdefault(name, []).append(node)

        for node in document.root.iter(f"{_X}attribute"):
            if node.get("ref"):
                name = node.get("ref", "").rpartition(":")[2]
                self._attribute_uses.setdefault((_owner(node), name), node)

    def attribute_use(self, name: str, owner: str | None) -> tuple[bool, str]:
        """
        Of an attribute that is declared elsewhere and referred to: whether it is required, and the only value
        it may have ("" where any will do). zeep takes both from where it is declared.
        """
        node = self._attribute_uses.get((owner, name))
        return (False, "") if node is None else (node.get("use") == "required", node.get("fixed", ""))

    def substitutes(self, head: str) -> Iterator[str]:
        """The elements that may stand in the place of a global element, those of theirs too."""
        seen = {head}
        waiting = list(self._members.get(head, ()))
        while waiting:
            member = waiting.pop(0)
            if member not in seen:
                seen.add(member)
                yield member
                waiting += self._members.get(member, ())

    def is_abstract(self, name: str) -> bool:
        """Whether a global element is abstract: only others may stand in its place."""
        node = self.elements.get(name)
        return node is not None and node.get("abstract") in ("true", "1")

    def is_abstract_type(self, name: str) -> bool:
        node = self.types.get(name)
        return node is not None and node.get("abstract") in ("true", "1")

    def derives(self, name: str, base: str) -> bool:
        """Whether a type is the other one, or is derived from it at any remove."""
        for _ in range(_DEEPEST):
            if name == base:
                return True
            node = self.types.get(name)
            above = None if node is None else _base(node)
            if above is None:
                return base == f"{_X}anyType"
            name = above
        return False

    def is_base(self, name: str) -> bool:
        """Whether other types of the contract are derived from a complex type, and may stand in its place."""
        if self._bases is None:
            found = (_base(node) for node in self.types.values() if node.tag == f"{_X}complexType")
            self._bases = {base for base in found if base is not None}
        return name in self._bases and name in self.types

    def derived(self, base: str) -> list[str]:
        """The types that may stand where this one is declared, itself left out."""
        return [name for name in self.types if name != base and self.derives(name, base)]

    def words(self, name: str, owner: str | None, kind: str | None) -> Words:
        """
        What is said about an element or attribute.

        `owner` is the local name of the type or element around it, `kind` the `{namespace}name` of its type.
        """
        nodes = self._declared.get(name, [])
        if len(nodes) > 1:
            nodes = [node for node in nodes if _owner(node) == owner] or nodes
        typed = self.types.get(kind) if kind else None
        if typed is None and nodes:
            typed = nodes[0].find(f"{_X}simpleType")
        documentation = next(filter(None, map(_documentation, nodes[:1])), "")
        if not documentation and typed is not None:
            documentation = _documentation(typed)
        values, pattern, longest = self._facets(typed)
        return Words(documentation, values, pattern, longest)

    def _facets(self, node: etree._Element | None) -> tuple[tuple[str, ...], str, int | None]:
        values: tuple[str, ...] = ()
        pattern, longest = "", None
        for _ in range(_DEEPEST):
            restriction = None if node is None else node.find(f"{_X}restriction")
            if restriction is None:
                break
            values = values or tuple(each.get("value", "") for each in restriction.iter(f"{_X}enumeration"))
            pattern = pattern or next(
                (each.get("value", "") for each in restriction.iter(f"{_X}pattern")), ""
            )
            for tag in ("maxLength", "length"):
                found = restriction.find(f"{_X}{tag}")
                if longest is None and found is not None and found.get("value", "").isdecimal():
                    longest = int(found.get("value", ""))
            base = restriction.get("base")
            node = (
                restriction.find(f"{_X}simpleType")
                if base is None
                else self.types.get(qualified(base, restriction))
            )
        return values, pattern, longest


def _base(node: etree._Element) -> str | None:
    for path in (
        f"{_X}complexContent/{_X}extension",
        f"{_X}complexContent/{_X}restriction",
        f"{_X}simpleContent/{_X}extension",
        f"{_X}simpleContent/{_X}restriction",
        f"{_X}restriction",
    ):
        found = node.find(path)
        if found is not None and found.get("base"):
            return qualified(found.get("base", ""), found)
    return None


def _owner(node: etree._Element) -> str | None:
    """The name of the nearest declaration around a node."""
    for above in node.iterancestors():
        if above.get("name"):
            return above.get("name")
    return None


def _documentation(node: etree._Element) -> str:
    text = " ".join(
        "".join(map(str, each.itertext())) for each in node.iterfind(f"{_X}annotation/{_X}documentation")
    )
    return in_a_line(text, _LONGEST_WORDS)
