"""
Signatures between the hub and xmlsec1, a stack that shares no code with it.

Skipped where the program is not installed; `test_ws_security` says the same with Python alone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import etree

from hub.domain.errors import NotUnderstood
from tests.adapters.proof.certificates import Identity, issue
from tests.adapters.proof.signatures import DS, EXCLUSIVE, envelope, one, sign, stamp
from tests.adapters.proof.test_ws_security import RECEIPT, Channel, soap
from tests.adapters.support import NOW

XMLSEC = shutil.which("xmlsec1")
pytestmark = pytest.mark.skipif(XMLSEC is None, reason="xmlsec1 is not installed")
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"


def xmlsec(*arguments: str) -> subprocess.CompletedProcess[str]:
    ids = [part for name in ("Body", "Timestamp", "UsernameToken") for part in ("--id-attr:Id", name)]
    return subprocess.run(
        [XMLSEC or "", arguments[0], *ids, *arguments[1:]], capture_output=True, text=True, timeout=20
    )


def template(by: Identity, kind: str, *, inclusive: bool) -> bytes:
    """An envelope with an unfilled signature over Timestamp and Body; the program fills it."""
    root = envelope(RECEIPT, stamp=stamp(NOW))
    filler = sign(envelope(RECEIPT, stamp=stamp(NOW)), by, over=("TS", "B"))
    signature = one(etree.fromstring(filler), "//ds:Signature")
    for emptied in ("DigestValue", "SignatureValue"):
        for element in signature.iter(f"{{{DS}}}{emptied}"):
            element.text = ""
    one(signature, "//ds:SignatureMethod").set("Algorithm", _MORE + kind)
    if inclusive:
        for transform in signature.iter(f"{{{DS}}}Transform", f"{{{DS}}}CanonicalizationMethod"):
            etree.SubElement(transform, f"{{{EXCLUSIVE}}}InclusiveNamespaces", PrefixList="s wsse #default")
    security = one(root, "s:Header/wsse:Security")
    security.append(one(etree.fromstring(filler), "//wsse:BinarySecurityToken"))
    security.append(signature)
    return etree.tostring(root)


@pytest.mark.parametrize("algorithm", ["rsa-sha256", "rsa-sha512", "ecdsa-sha256"])
async def test_xmlsec_believes_what_we_sign(tmp_path: Path, algorithm: str) -> None:
    """And no longer, once a single character is another."""
    theirs, ours = issue("agency"), issue("hub", curve=algorithm.startswith("ecdsa"))
    channel = Channel(
        tmp_path,
        ours,
        theirs.pem,
        timestamp="5m",
        username="me",
        password="env:OURS",
        signature={"algorithm": algorithm},
    )
    _, running = await channel.submit(soap(sign(envelope(RECEIPT), theirs)))
    message = tmp_path / "sent.xml"
    message.write_bytes(running.heard[0].body)
    believed = xmlsec("--verify", "--pubkey-cert-pem", channel.variables["OURS"], str(message))
    assert believed.returncode == 0, believed.stderr
    assert re.search(r"SignedInfo References \(ok/all\): 3/3", believed.stdout + believed.stderr)
    message.write_bytes(running.heard[0].body.replace(b"1208112345", b"1208112346"))
    assert xmlsec("--verify", "--pubkey-cert-pem", channel.variables["OURS"], str(message)).returncode != 0


@pytest.mark.parametrize(
    ("kind", "inclusive"),
    [("rsa-sha256", False), ("rsa-sha384", True), ("rsa-sha512", False), ("ecdsa-sha256", True)],
)
async def test_we_believe_what_xmlsec_signs(tmp_path: Path, kind: str, inclusive: bool) -> None:
    """With and without prefixes that are to be kept; and a tampered answer is refused."""
    ours, theirs = issue("hub"), issue("agency", curve=kind.startswith("ecdsa"))
    unsigned, signed = tmp_path / "unsigned.xml", tmp_path / "signed.xml"
    show = theirs if kind.startswith("rsa") else issue("agency")
    unsigned.write_bytes(template(show, kind, inclusive=inclusive))
    if show is not theirs:  # the template is made by an RSA key; only its form is used
        root = etree.fromstring(unsigned.read_bytes())
        for element in (one(root, "//ds:KeyInfo"), one(root, "//wsse:BinarySecurityToken")):
            element.getparent().remove(element)
        unsigned.write_bytes(etree.tostring(root))
    _, key = theirs.put(tmp_path, "agency")
    made = xmlsec("--sign", "--privkey-pem", key, "--output", str(signed), str(unsigned))
    assert made.returncode == 0, made.stderr
    channel = Channel(tmp_path, ours, theirs.pem)
    submission, _ = await channel.submit(soap(signed.read_bytes()))
    assert submission.receipt.reference == "DC-0001"
    with pytest.raises(NotUnderstood, match="changed after it was signed"):
        await channel.submit(soap(signed.read_bytes().replace(b"DC-0001", b"DC-EVIL")))
