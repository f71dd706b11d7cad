"""Whose signature an answer bears: the agency's own certificate, or one of its authority."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import verification
from lxml import etree

from hub.adapters.proof.ws_security import names
from hub.adapters.proof.ws_security.names import ds, wsse
from hub.adapters.wire import Unproven
from hub.config.certificates import ended, subject


class Trusted:
    """
    The certificates that `agency_certificate` names.

    Each of them may be the agency's own, the one in use and the one to come, or an authority's.
    """

    def __init__(self, certificates: Sequence[x509.Certificate]) -> None:
        self._known = tuple(certificates)

    def signers(self, told: Sequence[x509.Certificate], now: datetime) -> list[x509.Certificate]:
        """
        Who may have signed: the certificate that the answer shows, if it is to be believed.

        Where it shows none, and only names one, each of ours may be meant. Raises Unproven.
        """
        if told:
            signer = told[0]
            if signer not in self._known:
                self._must_descend(signer, told[1:], now)
            possible = [signer]
        else:
            possible = list(self._known)
        valid = [one for one in possible if ended([one], now) is None]
        if not valid:
            raise Unproven(f"the answer is signed, but {ended(possible, now)}")
        return valid

    def _must_descend(
        self, signer: x509.Certificate, between: Sequence[x509.Certificate], now: datetime
    ) -> None:
        over = ended([signer], now)
        if over is not None:
            raise Unproven(f"the answer is signed, but {over}")
        builder = (
            verification.PolicyBuilder()
            .store(verification.Store(list(self._known)))
            .time(now)
            .extension_policies(ee_policy=_SIGNER, ca_policy=_AUTHORITY)
        )
        try:
            builder.build_client_verifier().verify(signer, list(between))
        except (verification.VerificationError, ValueError, UnsupportedAlgorithm) as wrong:
            raise Unproven(
                f"the answer is signed with the certificate of {subject(signer)}, issued by "
                f"{signer.issuer.rfc4514_string()}: neither `agency_certificate` nor issued by it ({wrong})"
            ) from wrong


def _may_sign(_: object, __: object, usage: x509.KeyUsage | None) -> None:
    # Certificates for signing documents often have content commitment (non-repudiation) alone.
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise ValueError("its key is not for signing")


def _is_authority(_: object, __: object, constraints: x509.BasicConstraints | None) -> None:
    if constraints is None or not constraints.ca:
        raise ValueError("it is no authority's certificate")


def _may_issue(_: object, __: object, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("its key is not for issuing certificates")


# Authorities of governments do not follow the rules of the Web's authorities in every extension; what makes
# an authority one (RFC 5280 sections 4.2.1.3 and 4.2.1.9) is asked all the same.
_ANY = verification.Criticality.AGNOSTIC
_SIGNER = verification.ExtensionPolicy.permit_all().may_be_present(x509.KeyUsage, _ANY, _may_sign)
_AUTHORITY = (
    verification.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, _ANY, _is_authority)
    .may_be_present(x509.KeyUsage, _ANY, _may_issue)
)


def told(signature: etree._Element, security: etree._Element) -> list[x509.Certificate]:
    """
    The certificates that a signature's KeyInfo shows, the signer's first; none where it only names one.

    Raises Unproven for one that cannot be read.
    """
    info = signature.find(ds("KeyInfo"))
    if info is None:
        return []
    encoded = [one.text for one in info.iter(ds("X509Certificate"))]
    for reference in info.iter(wsse("Reference")):
        uri = str(reference.get("URI", ""))
        encoded += [
            token.text
            for token in security.iterchildren(wsse("BinarySecurityToken"))
            if uri == f"#{token.get(names.ID)}" and token.get("ValueType", names.X509_V3) == names.X509_V3
        ]
    encoded += [one.text for one in info.iter(wsse("KeyIdentifier")) if one.get("ValueType") == names.X509_V3]
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(text or "")) for text in encoded]
    except (ValueError, binascii.Error) as wrong:
        raise Unproven("the answer shows a certificate that cannot be read") from wrong
