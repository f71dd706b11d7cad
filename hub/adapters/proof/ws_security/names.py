"""Names of Web Services Security 1.1, its profiles, and the XML signature."""

from __future__ import annotations

from lxml import etree

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
_USERNAME = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
_X509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0"
SOAP_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"

PASSWORD_TEXT = f"{_USERNAME}#PasswordText"
PASSWORD_DIGEST = f"{_USERNAME}#PasswordDigest"
BASE64 = f"{SOAP_SECURITY}#Base64Binary"
X509_V3 = f"{_X509}#X509v3"
X509_PATH = f"{_X509}#X509PKIPathv1"
ID = f"{{{WSU}}}Id"


def wsse(name: str) -> str:
    return f"{{{WSSE}}}{name}"


def wsu(name: str) -> str:
    return f"{{{WSU}}}{name}"


def ds(name: str) -> str:
    return f"{{{DS}}}{name}"


def soap(envelope: etree._Element, name: str) -> str:
    """A name in the namespace of this very envelope: SOAP 1.1 or 1.2."""
    return f"{{{etree.QName(envelope).namespace}}}{name}"
