"""
Whether an answer is the agency's own: signed by it, over the very Body that is read, and not stale.

Against wrapped signatures (McIntosh and Austel, 2005): what counts is not that some element was signed, but
that the Body which is read and the Timestamp which is believed are the elements that the signature points to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature as KeyDoesNotFit
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from hub.adapters.proof.ws_security import trust
from hub.adapters.proof.ws_security.names import DS, SOAP_SECURITY, WSSE, ds, soap, wsse, wsu
from hub.adapters.wire import Unproven

SKEW = timedelta(minutes=5)
"""How far the agency's clock may be from ours."""

# SHA-1 is out: two texts with the same hash can be made (Leurent and Peyrin, 2020). HMAC is out: there is no
# certificate behind it.
_METHODS = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
        SignatureMethod.SHA256_RSA_MGF1,
        SignatureMethod.SHA384_RSA_MGF1,
        SignatureMethod.SHA512_RSA_MGF1,
    }
)
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
# Only these: a filtering transform could leave out of the digest what is read afterwards. The one that leaves
# out the signature itself takes nothing from a Body, since the signature stands in the header.
_TRANSFORMS = frozenset(method.value for method in CanonicalizationMethod) | {f"{DS}enveloped-signature"}
_OF_A_TOKEN = f"{SOAP_SECURITY}#STR-Transform"


def check_answer(root: etree._Element, trusted: trust.Trusted, now: datetime) -> None:
    """Raises Unproven unless this envelope is the agency's own."""
    header, body = root.find(soap(root, "Header")), _only(root, soap(root, "Body"))
    security, signature = _signature(header)
    signed = _signed_elements(root, signature)
    if not any(element is body for element in signed):
        raise Unproven("the signature is not over the Body of the answer")
    stamps = list(security.iterchildren(wsu("Timestamp")))
    if len(stamps) > 1:
        raise Unproven("the answer has several Timestamps")
    _verify(root, signature, trusted.signers(trust.told(signature, security), now), now)
    # Only now is the time worth anything: it is part of what was signed.
    for stamp in stamps:
        if not any(element is stamp for element in signed):
            raise Unproven("the signature is not over the Timestamp of the answer")
        _check_time(stamp, now)


def _only(parent: etree._Element, name: str) -> etree._Element:
    found = parent.findall(name)
    if len(found) != 1:
        raise Unproven(f"the answer has {len(found) or 'no'} {etree.QName(name).localname}")
    return found[0]


def _signature(header: etree._Element | None) -> tuple[etree._Element, etree._Element]:
    """The one signature in the Security headers, and the header that it stands in."""
    securities = [] if header is None else list(header.iterchildren(wsse("Security")))
    found = [(security, one) for security in securities for one in security.iterchildren(ds("Signature"))]
    if not found:
        raise Unproven("the answer is not signed")
    if len(found) > 1:
        raise Unproven(f"the answer bears {len(found)} signatures, and which of them counts is not known")
    return found[0]


def _signed_elements(root: etree._Element, signature: etree._Element) -> list[etree._Element]:
    """The elements that the signature points to, each of them without a doubt which."""
    info = _only(signature, ds("SignedInfo"))
    _only(signature, ds("SignatureValue"))
    references = info.findall(ds("Reference"))
    by_id: dict[str, list[etree._Element]] = {}
    for element in root.iter(etree.Element):
        for value in _ids(element):
            by_id.setdefault(value, []).append(element)
    signed = []
    for reference in references:
        uri = str(reference.get("URI", ""))
        if not uri.startswith("#") or len(uri) < 2 or uri.startswith(("##", "#xpointer(")):
            raise Unproven(f"the signature points to {uri!r}, which is no element by its Id")
        meant = by_id.get(uri[1:], [])
        if len(meant) != 1:
            raise Unproven(f"the signature points to {uri}, and {len(meant) or 'no'} elements have that Id")
        for name in ("DigestMethod", "DigestValue"):
            _only(reference, ds(name))
        for transform in reference.iter(ds("Transform")):
            if transform.get("Algorithm") not in _TRANSFORMS and not _is_of_a_token(reference):
                raise Unproven(f"the signature uses the transform {transform.get('Algorithm')}")
        if not _is_of_a_token(reference):
            signed.append(meant[0])
    return signed


def _is_of_a_token(reference: etree._Element) -> bool:
    """Whether it is over the certificate that a SecurityTokenReference means (SOAP Message Security 8.3)."""
    return any(one.get("Algorithm") == _OF_A_TOKEN for one in reference.iter(ds("Transform")))


class _Verifier(XMLVerifier):
    """
    Passes over references to the signer's own certificate.

    A policy may ask the agency to sign its certificate too (WS-SecurityPolicy 1.2, ProtectTokens). Nothing
    hangs on it here: whose certificate it must be is in the agency's file, not in the answer.
    """

    def _verify_reference(self, reference: etree._Element, *rest: Any) -> Any:
        if _is_of_a_token(reference):
            return None
        return super()._verify_reference(reference, *rest)  # type: ignore[no-untyped-call]


def _ids(element: etree._Element) -> Iterable[str]:
    """Whatever a verifier may take for an element's Id: wsu:Id, Id, ID, id, xml:id."""
    return {
        str(value)
        for name, value in element.attrib.items()
        if etree.QName(str(name)).localname.lower() in ("id", "assertionid")
    }


def _verify(
    root: etree._Element,
    signature: etree._Element,
    signers: Sequence[x509.Certificate],
    now: datetime,
) -> None:
    expected = SignatureConfiguration(
        location=f"./{soap(root, 'Header')}/{{{WSSE}}}Security/",
        expect_references=len(signature.findall(f"{ds('SignedInfo')}/{ds('Reference')}")),
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        verification_time=now,
    )
    trouble = "no certificate is trusted"
    for signer in signers:
        try:
            # Not by its schema, which knows nothing of the prefix lists that exclusive C14N may have; how a
            # signature is built has been looked at above.
            _Verifier().verify(root, x509_cert=signer, expect_config=expected, validate_schema=False)
            return
        except InvalidDigest as wrong:
            # The signature itself fits: what it was made over has been changed since.
            raise Unproven(f"the answer was changed after it was signed: {wrong}") from wrong
        except (SignXMLException, KeyDoesNotFit, UnsupportedAlgorithm, etree.LxmlError) as wrong:
            trouble = str(wrong)
        except (ValueError, TypeError, KeyError, AttributeError, AssertionError) as wrong:
            trouble = f"it is not built as signatures are: {wrong}"
    method = signature.find(f"{ds('SignedInfo')}/{ds('SignatureMethod')}")
    algorithm = "" if method is None else str(method.get("Algorithm", "")).removeprefix(DS)
    raise Unproven(
        f"the signature of the answer ({algorithm}) does not hold with the agency's certificate: {trouble}"
    )


def _check_time(stamp: etree._Element, now: datetime) -> None:
    created, expires = _moment(stamp, "Created"), _moment(stamp, "Expires")
    if created is not None and created > now + SKEW:
        raise Unproven(f"the answer was made at {created.isoformat()}, which is still to come")
    if expires is not None and expires < now - SKEW:
        raise Unproven(f"the answer expired at {expires.isoformat()}")
    if expires is None and (created is None or created < now - 2 * SKEW):
        raise Unproven("the answer is old: its Timestamp has no end, and did not begin just now")


def _moment(stamp: etree._Element, name: str) -> datetime | None:
    text = (stamp.findtext(wsu(name)) or "").strip()
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise Unproven(f"{name} of the Timestamp is {text!r}, which is no time") from wrong
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
