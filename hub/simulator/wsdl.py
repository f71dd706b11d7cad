"""A WSDL as the side that serves it reads it: which operations there are, and what their messages are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from hub.simulator.errors import Invalid
from hub.simulator.xml import local_name, namespace_of, parse

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP11 = "{http://schemas.xmlsoap.org/wsdl/soap/}"
_SOAP12 = "{http://schemas.xmlsoap.org/wsdl/soap12/}"
_XSD = "http://www.w3.org/2001/XMLSchema"


@dataclass(frozen=True)
class Operation:
    """One operation of the binding."""

    name: str
    one_way: bool


class Wsdl:
    """
    One WSDL 1.1 file with its own schema in one piece, one binding, and no imports.

    Read once; `operation` and `check` cost a dictionary look-up and a pass of libxml2's validator.
    """

    def __init__(self, path: Path) -> None:
        root = parse(path.read_bytes())
        self.namespace = root.get("targetNamespace", "")
        binding = root.find(f"{_WSDL}binding")
        schema = root.find(f"{_WSDL}types/{{{_XSD}}}schema")
        if binding is None or schema is None:
            raise ValueError(f"{path.name} lacks a binding or a schema")
        self.soap12 = binding.find(f"{_SOAP12}binding") is not None
        style = binding.find(f"{_SOAP12 if self.soap12 else _SOAP11}binding")
        self.rpc = style is not None and style.get("style") == "rpc"
        messages = {message.get("name", ""): message for message in root.iter(f"{_WSDL}message")}
        # Standing alone it must declare the prefixes that its types' names use.
        nsmap: Any = schema.nsmap
        alone = etree.Element(schema.tag, {"targetNamespace": self.namespace, **_form(schema)}, nsmap=nsmap)
        alone.extend(schema)
        schema = alone
        self._by_element: dict[str, Operation] = {}
        for operation in root.iterfind(f"{_WSDL}portType/{_WSDL}operation"):
            name = operation.get("name", "")
            taken, given = operation.find(f"{_WSDL}input"), operation.find(f"{_WSDL}output")
            if taken is None:
                raise ValueError(f"{path.name}: {name} takes nothing")
            known = Operation(name, one_way=given is None)
            if self.rpc:
                self._by_element[name] = known
                _add_wrapper(schema, name, messages[_local(taken.get("message"))])
                if given is not None:
                    _add_wrapper(schema, f"{name}Response", messages[_local(given.get("message"))])
            else:
                part = messages[_local(taken.get("message"))].find(f"{_WSDL}part")
                self._by_element[_local(part.get("element")) if part is not None else name] = known
        # The schema of an rpc/literal contract has no elements: the wrappers follow from the messages (WS-I
        # Basic Profile 1.1, section 4.7.10), so they are added to it, and one validator serves every style.
        self._schema = etree.XMLSchema(schema)

    def operation(self, element: etree._Element) -> Operation:
        """The operation that the first element of a Body asks for. Raises Invalid."""
        found = self._by_element.get(local_name(element))
        if found is None or namespace_of(element) != self.namespace:
            raise Invalid(f"there is no operation for {element.tag}")
        return found

    def check(self, element: etree._Element) -> None:
        """Raise Invalid, with every place at which a message does not fit the schema."""
        if not self._schema.validate(element):
            log: Any = self._schema.error_log
            wrong = "; ".join(entry.message for entry in log)
            raise Invalid(wrong or f"{element.tag} does not fit the schema")


def _form(schema: etree._Element) -> dict[str, str]:
    form = schema.get("elementFormDefault")
    return {} if form is None else {"elementFormDefault": form}


def _local(qualified: str | None) -> str:
    return (qualified or "").rpartition(":")[2]


def _add_wrapper(schema: etree._Element, name: str, message: etree._Element) -> None:
    nsmap = {prefix: uri for prefix, uri in message.nsmap.items() if prefix}
    element = etree.SubElement(schema, f"{{{_XSD}}}element", {"name": name}, nsmap=nsmap)
    sequence = etree.SubElement(etree.SubElement(element, f"{{{_XSD}}}complexType"), f"{{{_XSD}}}sequence")
    for part in message.iterfind(f"{_WSDL}part"):
        etree.SubElement(
            sequence,
            f"{{{_XSD}}}element",
            {"name": part.get("name", ""), "type": part.get("type", ""), "form": "unqualified"},
        )
