"""How a WSDL says that callers prove themselves: WS-Policy with WS-SecurityPolicy 1.1 to 1.3."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from hub.workbench.proposing.survey import Proof


def proofs(roots: Iterable[etree._Element]) -> tuple[Proof, ...]:
    """What the policies of a contract ask for; none where it has none."""
    asked = _assertions(roots)
    found: list[Proof] = []
    security: dict[str, object] = {}
    if "UsernameToken" in asked:
        security |= {"username": "{USER}", "password": "{PASSWORD}", "digest": "HashPassword" in asked}
    if "IncludeTimestamp" in asked:
        security["timestamp"] = "5m"
    if asked & {"AsymmetricBinding", "X509Token", "EndorsingSupportingTokens"}:
        security["signature"] = {
            "certificate": "{CERTIFICATE}",
            "key": "{KEY}",
            "agency_certificate": "{AGENCY_CERTIFICATE}",
        }
    if security and set(security) != {"timestamp"}:
        found.append(Proof({"ws_security": security}, "WS-SecurityPolicy"))
    if "HttpBasicAuthentication" in asked and not found:
        found.append(Proof({"basic": {"username": "{USER}", "password": "{PASSWORD}"}}, "WS-SecurityPolicy"))
    if "RequireClientCertificate" in asked:
        found.append(Proof({"mtls": {"certificate": "{CERTIFICATE}", "key": "{KEY}"}}, "WS-SecurityPolicy"))
    return tuple(found)


def _assertions(roots: Iterable[etree._Element]) -> set[str]:
    """The names of all security assertions, whichever version's namespace they are in."""
    found = set()
    for root in roots:
        for node in root.iter():
            if not isinstance(node.tag, str):
                continue
            name = etree.QName(node)
            if "securitypolicy" in (name.namespace or "").lower():
                found.add(name.localname)
                # Version 1.1 says it in an attribute.
                found |= {
                    etree.QName(str(key)).localname for key, value in node.attrib.items() if value == "true"
                }
    return found
