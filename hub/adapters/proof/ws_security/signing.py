"""What is sent, signed with the hub's key (X.509 Certificate Token Profile 1.1)."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml import methods
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

from hub.adapters.proof.ws_security import names
from hub.adapters.proof.ws_security.names import ds, wsse
from hub.adapters.secrets import CredentialUnusable
from hub.config.certificates import Pair
from hub.config.models import WsSignature

_ALGORITHMS = {
    "rsa-sha256": (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA256, rsa.RSAPrivateKey),
    "rsa-sha512": (SignatureMethod.RSA_SHA512, DigestAlgorithm.SHA512, rsa.RSAPrivateKey),
    "ecdsa-sha256": (SignatureMethod.ECDSA_SHA256, DigestAlgorithm.SHA256, ec.EllipticCurvePrivateKey),
}


class Signer:
    """Signs envelopes with one key. For use from several threads."""

    def __init__(self, pair: Pair, auth: WsSignature) -> None:
        """Raises CredentialUnusable."""
        self._method, self._digest, kind = _ALGORITHMS[auth.algorithm]
        if not isinstance(pair.key, kind):
            raise CredentialUnusable(f"ws_security.signature: the key does not go with {auth.algorithm}")
        self._key = pair.key
        self._certificate = base64.b64encode(pair.certificate.public_bytes(Encoding.DER)).decode()

    def add_token(self, security: etree._Element) -> str:
        """Our certificate, as the BinarySecurityToken that the signature points to; its Id."""
        token = etree.SubElement(
            security, wsse("BinarySecurityToken"), EncodingType=names.BASE64, ValueType=names.X509_V3
        )
        token.text = self._certificate
        return identify(token, "X509")

    def sign(
        self, envelope: etree._Element, security: etree._Element, token: str, parts: Sequence[etree._Element]
    ) -> None:
        """Add the signature over these parts, each by exclusive C14N, to the Security header."""
        key_info = etree.Element(ds("KeyInfo"), nsmap={"ds": names.DS})
        reference = etree.SubElement(key_info, wsse("SecurityTokenReference"), nsmap={"wsse": names.WSSE})
        etree.SubElement(reference, wsse("Reference"), URI=f"#{token}", ValueType=names.X509_V3)
        # A signer keeps what it works on, so each signature has its own.
        signer = XMLSigner(
            method=methods.detached,
            signature_algorithm=self._method,
            digest_algorithm=self._digest,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        uris = [f"#{identify(part, etree.QName(part).localname)}" for part in parts]
        security.append(signer.sign(envelope, key=self._key, key_info=key_info, reference_uri=uris))


def identify(element: etree._Element, word: str) -> str:
    """The wsu:Id of an element, given one if it has none."""
    known = element.get(names.ID)
    if known:
        return str(known)
    fresh = f"{word}-{uuid.uuid4()}"
    element.set(names.ID, fresh)
    return fresh
