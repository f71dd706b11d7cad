"""Schemas without a namespace of their own, as the documents that include them see them."""

from __future__ import annotations

from typing import Any

from lxml import etree

from hub.adapters.soap import namespaces as ns

_NAMES = ("type", "ref", "base", "itemType", "substitutionGroup", "refer")
_PREFIX = "included"


def dressed(root: etree._Element, namespace: str) -> etree._Element:
    """
    The schema with a target namespace, and with the names that stood in none now standing in that.

    Source: XML Schema part 1, section 4.2.1, clause 2.3 (chameleon include).
    """
    prefixes: Any = {**root.nsmap, _PREFIX: namespace}  # the stub knows no default namespace
    dressed_root = etree.Element(root.tag, nsmap=prefixes)
    for name, content in root.attrib.items():
        dressed_root.set(name, content)
    dressed_root.set("targetNamespace", namespace)
    for child in list(root):
        dressed_root.append(child)
    for element in dressed_root.iter(f"{{{ns.XSD}}}*"):
        if None in element.nsmap:
            continue  # names without a prefix stand in the default namespace
        for attribute in _NAMES:
            value = element.get(attribute)
            if value and ":" not in value:
                element.set(attribute, f"{_PREFIX}:{value.strip()}")
        members = element.get("memberTypes")
        if members:
            words = [word if ":" in word else f"{_PREFIX}:{word}" for word in members.split()]
            element.set("memberTypes", " ".join(words))
    return dressed_root
