"""What is put right in a contract's documents before zeep sees them, each with a warning where it matters."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from hub.adapters.soap import namespaces as ns

_X = f"{{{ns.XSD}}}"
_W = f"{{{ns.WSDL}}}"
# XML Schema 1.1 beyond what zeep and libxml2 know; none of it changes what an instance looks like.
_BEYOND = {f"{_X}{name}" for name in ("assert", "alternative", "openContent", "defaultOpenContent")}


def repair_schema(root: etree._Element) -> list[str]:
    """Put right a schema document, in place; the warnings."""
    warnings = list(_without_duplicates(root))
    for element in list(root.iter(f"{_X}*")):
        parent = element.getparent()
        if element.tag in _BEYOND and parent is not None:
            parent.remove(element)
            warnings.append(f"xs:{etree.QName(element).localname} of XML Schema 1.1 is not read")
        elif element.tag in (f"{_X}redefine", f"{_X}override"):
            warnings.append(
                f"xs:{etree.QName(element).localname} is read as xs:include: changes are left out"
            )
            for child in list(element):
                element.remove(child)
            element.tag = f"{_X}include"
        elif element.tag == f"{_X}attribute" and element.get("use") == "prohibited" and parent is not None:
            parent.remove(element)
        elif element.tag == f"{_X}element":
            _repair_element(element, parent)
        elif _is_local_type(element, parent) and "name" in element.attrib:
            del element.attrib["name"]
    return list(dict.fromkeys(warnings))


def _is_local_type(element: etree._Element, parent: etree._Element | None) -> bool:
    is_type = element.tag in (f"{_X}simpleType", f"{_X}complexType")
    return is_type and parent is not None and parent.tag != f"{_X}schema"


def _without_duplicates(root: etree._Element) -> Iterator[str]:
    """Remove imports and includes that stand there twice."""
    seen = set()
    for child in list(root):
        if child.tag in (f"{_X}import", f"{_X}include"):
            key = (child.tag, child.get("namespace"), child.get("schemaLocation"))
            if key in seen:
                root.remove(child)
                yield f"{child.get('namespace') or child.get('schemaLocation')} is imported twice"
            seen.add(key)


def _repair_element(element: etree._Element, parent: etree._Element | None) -> None:
    if parent is not None and parent.tag == f"{_X}schema":
        for attribute in ("minOccurs", "maxOccurs"):
            if attribute in element.attrib:
                del element.attrib[attribute]
    elif "ref" in element.attrib:
        for attribute in ("name", "type", "nillable"):
            if attribute in element.attrib:
                del element.attrib[attribute]
    if element.get("nillable") == "1":
        element.set("nillable", "true")
    reference = element.get("ref", "")
    prefix, _, name = reference.rpartition(":")
    if name == "schema" and element.nsmap.get(prefix or None) == ns.XSD:
        # .NET's DataSet: a schema in the message, and then what it describes.
        for other in list(element.attrib):
            if other not in ("minOccurs", "maxOccurs"):
                del element.attrib[other]
        element.tag = f"{_X}any"
        element.set("namespace", ns.XSD)
        element.set("processContents", "skip")


def repair_wsdl(root: etree._Element) -> list[str]:
    """Put right a WSDL document, in place; the warnings."""
    warnings = []
    policies = [element for element in root.iter() if etree.QName(element).namespace in ns.POLICIES]
    if policies:
        warnings.append("its policies (wsp:Policy) are not read: write what they ask for under channel.auth")
    foreign = set()
    for binding in root.findall(f"{_W}binding"):
        spoken = _spoken(binding)
        if spoken is None:
            foreign.add(binding.get("name"))
            root.remove(binding)
            continue
        transport = spoken.get("transport", "").rstrip("/")
        if transport in ("", "http", "https"):
            warnings.append(f"binding {binding.get('name')} names no transport; HTTP is taken")
            transport = ns.HTTP_TRANSPORTS[0]
        if transport not in ns.HTTP_TRANSPORTS:
            foreign.add(binding.get("name"))
            root.remove(binding)
    if foreign:
        warnings.append(
            f"bindings other than SOAP over HTTP are not used: {', '.join(sorted(map(str, foreign)))}"
        )
    _without_ports(root, foreign)
    for operation in root.findall(f"{_W}portType/{_W}operation"):
        for message in list(operation):
            if message.tag in (f"{_W}input", f"{_W}output", f"{_W}fault") and not message.get("message"):
                operation.remove(message)
                warnings.append(f"operation {operation.get('name')} has a part without a message")
    return warnings


def _spoken(binding: etree._Element) -> etree._Element | None:
    """The soap:binding of a binding."""
    for namespace in (ns.SOAP_11, ns.SOAP_12):
        found = binding.find(f"{{{namespace}}}binding")
        if found is not None:
            return found
    return None


def _without_ports(root: etree._Element, foreign: set[str | None]) -> None:
    for service in root.findall(f"{_W}service"):
        for port in service.findall(f"{_W}port"):
            if port.get("binding", "").rpartition(":")[2] in foreign:
                service.remove(port)
