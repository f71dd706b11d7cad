"""
WS-Security signatures made and checked without the code under test or its library.

Only lxml's canonicalisation and cryptography's keys, by the specifications: XML Signature 1.1 section 3,
X.509 Token Profile 1.1 section 3.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from tests.adapters.proof.certificates import Identity

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
WSSE = f"{_OASIS}-wssecurity-secext-1.0.xsd"
WSU = f"{_OASIS}-wssecurity-utility-1.0.xsd"
X509_V3 = f"{_OASIS}-x509-token-profile-1.0#X509v3"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
NAMES = {"s": SOAP, "wsse": WSSE, "wsu": WSU, "ds": DS}
_METHODS = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": hashes.SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": hashes.SHA512,
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256": hashes.SHA256,
}
_DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}


def one(root: etree._Element, path: str) -> etree._Element:
    [found] = root.xpath(path, namespaces=NAMES)
    return found


def canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def verified(message: bytes) -> tuple[x509.Certificate, list[str]]:
    """Who signed a message, and the names of the elements it signed. Any flaw is an error."""
    root = etree.fromstring(message)
    signature = one(root, "/s:Envelope/s:Header/wsse:Security/ds:Signature")
    info = one(signature, "ds:SignedInfo")
    assert one(info, "ds:CanonicalizationMethod").get("Algorithm") == EXCLUSIVE
    names = []
    for reference in info.findall(f"{{{DS}}}Reference"):
        target = one(root, f"//*[@wsu:Id='{reference.get('URI')[1:]}']")
        assert [t.get("Algorithm") for t in reference.iter(f"{{{DS}}}Transform")] == [EXCLUSIVE]
        method = _DIGESTS[one(reference, "ds:DigestMethod").get("Algorithm")]
        digest = hashlib.new(method, canonical(target)).digest()
        assert base64.b64decode(one(reference, "ds:DigestValue").text) == digest, target.tag
        names.append(etree.QName(target).localname)
    pointer = one(signature, "ds:KeyInfo/wsse:SecurityTokenReference/wsse:Reference")
    assert pointer.get("ValueType") == X509_V3
    token = one(root, f"//wsse:BinarySecurityToken[@wsu:Id='{pointer.get('URI')[1:]}']")
    certificate = x509.load_der_x509_certificate(base64.b64decode(token.text))
    value = base64.b64decode(one(signature, "ds:SignatureValue").text)
    hashed = _METHODS[one(info, "ds:SignatureMethod").get("Algorithm")]()
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(value, canonical(info), padding.PKCS1v15(), hashed)
    else:
        half = len(value) // 2
        pair = (int.from_bytes(value[:half]), int.from_bytes(value[half:]))
        key.verify(utils.encode_dss_signature(*pair), canonical(info), ec.ECDSA(hashed))
    return certificate, names


def envelope(body: str, *, stamp: tuple[datetime, datetime] | None = None) -> etree._Element:
    """An answer that is not signed yet, with a Timestamp if one is wanted."""
    times = ""
    if stamp is not None:
        created, expires = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in stamp)
        times = (
            f'<wsu:Timestamp wsu:Id="TS"><wsu:Created>{created}</wsu:Created>'
            f"<wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"
        )
    return etree.fromstring(
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}"><s:Header>'
        f"<wsse:Security>{times}</wsse:Security></s:Header>"
        f'<s:Body wsu:Id="B">{body}</s:Body></s:Envelope>'
    )


def sign(
    root: etree._Element,
    by: Identity,
    *,
    over: tuple[str, ...] = ("B",),
    show: bool = True,
    token: str = "",
    hashed: str = "sha256",
) -> bytes:
    """
    The envelope signed by an agency, over the elements with these Ids; `show` puts its certificate in.

    The reference to `token` is written as one to a SecurityTokenReference is.
    """
    security = one(root, "s:Header/wsse:Security")
    references = "".join(_reference(root, name, hashed, token) for name in over)
    method = {
        "sha1": f"{DS}rsa-sha1",
        "sha256": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    }[hashed]
    signature = etree.fromstring(
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/><ds:SignatureMethod Algorithm="{method}"/>'
        f"{references}</ds:SignedInfo><ds:SignatureValue/></ds:Signature>"
    )
    assert isinstance(by.key, rsa.RSAPrivateKey)
    algorithm = hashes.SHA1() if hashed == "sha1" else hashes.SHA256()
    value = by.key.sign(canonical(signature[0]), padding.PKCS1v15(), algorithm)
    signature[1].text = base64.b64encode(value).decode()
    if show:
        token = etree.SubElement(security, f"{{{WSSE}}}BinarySecurityToken", ValueType=X509_V3)
        token.set(f"{{{WSU}}}Id", "X")
        token.text = base64.b64encode(by.certificate.public_bytes(Encoding.DER)).decode()
        signature.append(
            etree.fromstring(
                f'<ds:KeyInfo xmlns:ds="{DS}"><wsse:SecurityTokenReference xmlns:wsse="{WSSE}">'
                f'<wsse:Reference URI="#X" ValueType="{X509_V3}"/></wsse:SecurityTokenReference></ds:KeyInfo>'
            )
        )
    security.append(signature)
    return etree.tostring(root)


def _reference(root: etree._Element, name: str, hashed: str, token: str) -> str:
    target = one(root, f"//*[@wsu:Id='{name}']")
    digest = base64.b64encode(hashlib.new(hashed, canonical(target)).digest()).decode()
    method = f"{DS}sha1" if hashed == "sha1" else "http://www.w3.org/2001/04/xmlenc#sha256"
    transform = f"{_OASIS}-soap-message-security-1.0#STR-Transform" if name == token else EXCLUSIVE
    return (
        f'<ds:Reference URI="#{name}"><ds:Transforms><ds:Transform Algorithm="{transform}"/></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{method}"/><ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>'
    )


def stamp(now: datetime, lasts: timedelta = timedelta(minutes=5)) -> tuple[datetime, datetime]:
    return now, now + lasts
