"""WS-Security: what is sent is signed so that others can check it, and what is answered is checked."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from hub.adapters.proof.ws_security import names
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyRefused, InDoubt, NotUnderstood
from hub.domain.exchange import Submission
from tests.adapters.proof import signatures
from tests.adapters.proof.certificates import YEAR, Identity, issue
from tests.adapters.proof.signatures import SOAP, WSSE, WSU, envelope, one, sign, stamp
from tests.adapters.support import NOW, agency, changed, dossier, gateway_to
from tests.adapters.system import Heard, Say, System, answer, system

DAPA = agency("dapa")
RECEIPT = (
    '<a:SubmitLicenceCaseResponse xmlns:a="http://controlled.agency.example/licence/2009">'
    "<a:CaseId>DC-0001</a:CaseId><a:Phase>pending</a:Phase></a:SubmitLicenceCaseResponse>"
)
NOBODY = RECEIPT.replace("DC-0001", "DC-EVIL")


@pytest.fixture(scope="module")
def ours() -> Identity:
    return issue("hub")


@pytest.fixture(scope="module")
def authority() -> Identity:
    return issue("agency authority", authority=True, curve=True)


@pytest.fixture(scope="module")
def theirs(authority: Identity) -> Identity:
    return issue("agency", authority)


@pytest.fixture(scope="module")
def stranger() -> Identity:
    return issue("stranger")


class Channel:
    """The agency's channel with a signature, and the files that it names."""

    def __init__(self, folder: Path, ours: Identity, agency_certificate: bytes, **auth: Any) -> None:
        certificate, key = ours.put(folder, "ours")
        pinned = folder / "theirs.pem"
        pinned.write_bytes(agency_certificate)
        self.variables = {"OURS": certificate, "OURS_KEY": key, "THEIRS": str(pinned)}
        signature = {
            "certificate": "env:OURS",
            "key": "env:OURS_KEY",
            "agency_certificate": "env:THEIRS",
            **auth.pop("signature", {}),
        }
        self.file = with_auth({"signature": signature, **auth})

    async def submit(self, say: Say | Callable[[Heard], Say]) -> tuple[Submission, System]:
        with system(say) as running:
            async with gateway_to(running.url, self.file, extra=self.variables) as gateway:
                return await gateway.submit(dossier(self.file)), running


def with_auth(ws_security: Mapping[str, Any]) -> AgencyFile:
    data = DAPA.model_dump(mode="json")
    data["channel"]["auth"] = {"ws_security": ws_security}
    return changed(AgencyFile.model_validate(data), limits={"attempts": 1, "timeout": "5s"})


def soap(body: bytes | str, status: int = 200) -> Say:
    return answer(status, body, Content_Type="text/xml; charset=utf-8")


# --- what is sent ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["rsa-sha256", "rsa-sha512", "ecdsa-sha256"])
async def test_a_signature_is_over_body_timestamp_and_user(
    tmp_path: Path, theirs: Identity, algorithm: str
) -> None:
    """Anybody with the specification can check it: digests, key, and what it points to."""
    ours = issue("hub", curve=algorithm.startswith("ecdsa"))
    channel = Channel(
        tmp_path,
        ours,
        theirs.pem,
        username="me",
        password="env:PASSWORD",
        timestamp="5m",
        signature={"algorithm": algorithm},
    )
    channel.variables["PASSWORD"] = "open sesame"
    submission, running = await channel.submit(soap(sign(envelope(RECEIPT), theirs)))
    message = running.heard[0].body
    signer, signed = signatures.verified(message)
    assert signer == ours.certificate
    assert signed == ["Body", "Timestamp", "UsernameToken"]
    root = etree.fromstring(message)
    security = one(root, "/s:Envelope/s:Header/wsse:Security")
    assert security.get(f"{{{SOAP}}}mustUnderstand") == "1"
    assert [etree.QName(part).localname for part in security] == [
        "Timestamp",
        "BinarySecurityToken",
        "UsernameToken",
        "Signature",
    ]
    assert submission.receipt.reference == "DC-0001"
    assert "open sesame" not in submission.model_dump_json()


async def test_what_is_signed_and_then_changed_does_not_verify(
    tmp_path: Path, ours: Identity, theirs: Identity
) -> None:
    """The check of the test itself can fail."""
    channel = Channel(tmp_path, ours, theirs.pem)
    _, running = await channel.submit(soap(sign(envelope(RECEIPT), theirs)))
    forged = running.heard[0].body.replace(b"1208112345", b"1208112346")
    assert forged != running.heard[0].body
    with pytest.raises(AssertionError, match="Body"):
        signatures.verified(forged)


@pytest.mark.parametrize("digest", [True, False])
async def test_a_user_is_told_with_nonce_and_time(digest: bool) -> None:
    """UsernameToken Profile 1.1: the digest is over nonce, time and password; or the password in the open."""
    file = with_auth({"username": "me", "password": "env:PASSWORD", "digest": digest, "timestamp": "2m"})
    secret = "geheim & <söld>"
    with system(soap(f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{RECEIPT}</s:Body></s:Envelope>')) as running:
        async with gateway_to(running.url, file, extra={"PASSWORD": secret}) as gateway:
            submission = await gateway.submit(dossier(file))
    root = etree.fromstring(running.heard[0].body)
    token = one(root, "/s:Envelope/s:Header/wsse:Security/wsse:UsernameToken")
    password, created = one(token, "wsse:Password"), one(token, "wsu:Created").text
    nonce = base64.b64decode(one(token, "wsse:Nonce").text)
    assert created == "2026-03-02T00:30:00Z"
    if digest:
        hashed = hashlib.sha1(nonce + created.encode() + secret.encode()).digest()
        assert password.get("Type").endswith("#PasswordDigest")
        assert base64.b64decode(password.text) == hashed
    else:
        assert password.get("Type").endswith("#PasswordText")
        assert password.text == secret
    times = one(root, "/s:Envelope/s:Header/wsse:Security/wsu:Timestamp")
    assert [part.text for part in times] == ["2026-03-02T00:30:00Z", "2026-03-02T00:32:00Z"]
    assert "geheim" not in submission.model_dump_json()


# --- what is answered --------------------------------------------------------------------------------------


@pytest.mark.parametrize("show", [True, False])
@pytest.mark.parametrize("pinned", ["own", "authority", "both"])
async def test_an_answer_signed_by_the_agency_is_believed(
    tmp_path: Path, ours: Identity, authority: Identity, theirs: Identity, pinned: str, show: bool
) -> None:
    """Its own certificate or its authority's is pinned; the answer shows its certificate, or only uses it."""
    pem = {"own": theirs.pem, "authority": authority.pem, "both": authority.pem + theirs.pem}[pinned]
    channel = Channel(tmp_path, ours, pem)
    said = soap(sign(envelope(RECEIPT, stamp=stamp(NOW)), theirs, over=("TS", "B"), show=show))
    if pinned == "authority" and not show:
        with pytest.raises(NotUnderstood, match="does not hold with the agency's certificate"):
            await channel.submit(said)
        return
    submission, _ = await channel.submit(said)
    assert submission.receipt.reference == "DC-0001"


def tampered(theirs: Identity) -> bytes:
    return sign(envelope(RECEIPT), theirs).replace(b"DC-0001", b"DC-EVIL")


def unsigned(theirs: Identity) -> bytes:
    return etree.tostring(envelope(RECEIPT))


def over_another_part(theirs: Identity) -> bytes:
    return sign(envelope(RECEIPT, stamp=stamp(NOW)), theirs, over=("TS",))


def wrapped(theirs: Identity) -> bytes:
    """The signed Body is moved aside, and another put in its place: the signature itself still holds."""
    root = etree.fromstring(sign(envelope(RECEIPT), theirs))
    header, body = root
    etree.SubElement(header, "Aside").append(body)
    evil = etree.SubElement(root, f"{{{SOAP}}}Body")
    evil.append(etree.fromstring(NOBODY))
    return etree.tostring(root)


def wrapped_with_the_same_id(theirs: Identity) -> bytes:
    root = etree.fromstring(wrapped(theirs))
    root[-1].set("Id", "B")
    return etree.tostring(root)


def two_bodies(theirs: Identity) -> bytes:
    root = etree.fromstring(sign(envelope(RECEIPT), theirs))
    evil = etree.Element(f"{{{SOAP}}}Body")
    evil.append(etree.fromstring(NOBODY))
    root.insert(1, evil)
    return etree.tostring(root)


def another_timestamp(theirs: Identity) -> bytes:
    """Signed long ago, with a fresh Timestamp that nobody signed put before it."""
    root = etree.fromstring(sign(envelope(RECEIPT), theirs))
    fresh = envelope("", stamp=stamp(NOW))
    one(root, "s:Header/wsse:Security").insert(0, one(fresh, "//wsu:Timestamp"))
    return etree.tostring(root)


def expired(theirs: Identity) -> bytes:
    old = stamp(NOW - timedelta(minutes=11))
    return sign(envelope(RECEIPT, stamp=old), theirs, over=("TS", "B"))


def from_the_future(theirs: Identity) -> bytes:
    return sign(envelope(RECEIPT, stamp=stamp(NOW + timedelta(minutes=6))), theirs, over=("TS", "B"))


def with_sha1(theirs: Identity) -> bytes:
    return sign(envelope(RECEIPT), theirs, hashed="sha1")


def with_two_signatures(theirs: Identity) -> bytes:
    root = etree.fromstring(sign(envelope(RECEIPT), theirs))
    return sign(root, theirs, show=False)


def in_another_header(theirs: Identity) -> bytes:
    """A Signature that stands where no receiver of WS-Security looks for it."""
    root = etree.fromstring(sign(envelope(RECEIPT), theirs))
    one(root, "s:Header").append(one(root, "//ds:Signature"))
    return etree.tostring(root)


def with_a_filter(theirs: Identity) -> bytes:
    return sign(envelope(RECEIPT), theirs).replace(
        b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>',
        b'<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"/>',
    )


def not_a_signature(theirs: Identity) -> bytes:
    return sign(envelope(RECEIPT), theirs).replace(b"ds:SignatureValue>", b"ds:SignatureWorth>")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (tampered, "changed after it was signed"),
        (unsigned, "the answer is not signed"),
        (over_another_part, "not over the Body"),
        (wrapped, "not over the Body"),
        (wrapped_with_the_same_id, "2 elements have that Id"),
        (two_bodies, "the answer has 2 Body"),
        (another_timestamp, "not over the Timestamp"),
        (expired, "the answer expired at 2026-03-02T00:24:00"),
        (from_the_future, "still to come"),
        (with_sha1, "SHA1"),
        (with_two_signatures, "bears 2 signatures"),
        (in_another_header, "the answer is not signed"),
        (with_a_filter, "uses the transform"),
        (not_a_signature, "has no SignatureValue"),
    ],
)
async def test_an_answer_that_is_not_the_agencys_own_decides_nothing(
    tmp_path: Path, ours: Identity, theirs: Identity, make: Callable[[Identity], bytes], why: str
) -> None:
    """It is not understood, the record says why, and what it claims is believed in nothing."""
    channel = Channel(tmp_path, ours, theirs.pem)
    with pytest.raises(NotUnderstood, match=why) as told:
        await channel.submit(soap(make(theirs)))
    [exchange] = told.value.exchanges
    assert why in exchange.reading
    assert exchange.reply is not None


async def test_an_answer_whose_certificate_is_signed_too_is_believed(
    tmp_path: Path, ours: Identity, theirs: Identity
) -> None:
    """ProtectTokens: the reference goes by the token's own transform. It does not stand in for the Body."""
    channel = Channel(tmp_path, ours, theirs.pem)
    root = envelope(RECEIPT, stamp=stamp(NOW))
    one(root, "//wsu:Timestamp/wsu:Expires").set(f"{{{WSU}}}Id", "STR")
    submission, _ = await channel.submit(soap(sign(root, theirs, over=("B", "TS", "STR"), token="STR")))
    assert submission.receipt.reference == "DC-0001"
    root = envelope(RECEIPT)
    with pytest.raises(NotUnderstood, match="not over the Body"):
        await channel.submit(soap(sign(root, theirs, token="B")))


async def test_our_own_certificate_proves_nothing_of_the_agency(
    tmp_path: Path, ours: Identity, theirs: Identity, stranger: Identity, authority: Identity
) -> None:
    """Answers signed by us, by a stranger, or by one who calls himself the agency."""
    namesake = issue("agency", issue("agency authority", authority=True, curve=True))
    for pinned in (theirs, authority):
        channel = Channel(tmp_path, ours, pinned.pem)
        signers = (ours, stranger, namesake)
        said = [soap(sign(envelope(RECEIPT), by, show=show)) for by in signers for show in (True, False)]
        with system(said) as running:
            async with gateway_to(running.url, channel.file, extra=channel.variables) as gateway:
                for _ in signers:
                    with pytest.raises(NotUnderstood, match="neither `agency_certificate` nor issued by it"):
                        await gateway.submit(dossier(channel.file))
                    with pytest.raises(NotUnderstood, match="does not hold with the agency's certificate"):
                        await gateway.submit(dossier(channel.file))


async def test_a_pinned_certificate_that_is_no_authority_vouches_for_nobody(
    tmp_path: Path, ours: Identity, theirs: Identity
) -> None:
    """The agency's own certificate cannot issue others, whoever holds its key."""
    child = issue("child", theirs)
    channel = Channel(tmp_path, ours, theirs.pem)
    with pytest.raises(NotUnderstood, match="neither `agency_certificate`"):
        await channel.submit(soap(sign(envelope(RECEIPT), child)))


async def test_the_agencys_certificate_must_be_valid_now(tmp_path: Path, ours: Identity) -> None:
    """Its signature is good, and its time is over."""
    theirs = issue("agency", end=NOW - timedelta(days=3), start=NOW - YEAR)
    channel = Channel(tmp_path, ours, theirs.pem)
    with pytest.raises(NotUnderstood, match="expired on 2026-02-27"):
        await channel.submit(soap(sign(envelope(RECEIPT), theirs)))


async def test_answers_go_unchecked_where_the_file_says_so(
    tmp_path: Path, ours: Identity, theirs: Identity
) -> None:
    """Some agencies want signed requests and sign nothing themselves."""
    channel = Channel(tmp_path, ours, theirs.pem, signature={"check_answer": False})
    submission, _ = await channel.submit(soap(unsigned(theirs)))
    assert submission.receipt.reference == "DC-0001"


FAULT = (
    "<s:Fault><faultcode>s:{code}</faultcode><faultstring>no licence &amp; no more</faultstring></s:Fault>"
)


async def test_a_fault_that_is_not_signed_is_told_whole(
    tmp_path: Path, ours: Identity, theirs: Identity
) -> None:
    """Many stacks cannot sign a fault about security; its words must reach a person all the same."""
    channel = Channel(tmp_path, ours, theirs.pem)
    with pytest.raises(AgencyRefused, match=r"no licence & no more \(not signed: the answer is not"):
        await channel.submit(soap(etree.tostring(envelope(FAULT.format(code="Client"))), 500))
    with pytest.raises(InDoubt, match="not signed"):
        # Its own rule says `unavailable`; whoever is not the agency cannot say that nothing took effect.
        await channel.submit(soap(etree.tostring(envelope(FAULT.format(code="Server.Busy"))), 500))


async def test_a_fault_that_is_not_signed_is_no_receipt(
    tmp_path: Path, ours: Identity, theirs: Identity
) -> None:
    """`already_received` would be a receipt: it counts when the fault is signed, and not otherwise."""
    channel = Channel(tmp_path, ours, theirs.pem)
    rule = {"when": '=fault.contains("licence")', "means": "already_received"}
    data = channel.file.model_dump(mode="json")
    data["channel"]["submit"]["errors"] = [rule]
    data["channel"]["look_up"] = None
    channel.file = AgencyFile.model_validate(data)
    fault = envelope(FAULT.format(code="Client"))
    with pytest.raises(NotUnderstood, match="not taken for an answer"):
        await channel.submit(soap(etree.tostring(fault), 500))
    submission, _ = await channel.submit(soap(sign(fault, theirs), 500))
    assert submission.exchanges[0].reading == "already received"


async def test_a_page_of_a_proxy_is_no_answer_of_the_agency(
    tmp_path: Path, ours: Identity, theirs: Identity
) -> None:
    """A status is what it is; "not found" by somebody unknown does not let a submission be sent again."""
    channel = Channel(tmp_path, ours, theirs.pem)
    with system(answer(404, "<html>nothing here</html>")) as running:
        async with gateway_to(running.url, channel.file, extra=channel.variables) as gateway:
            with pytest.raises(NotUnderstood, match="not taken for an answer"):
                await gateway.look_up(dossier(channel.file), NOW)


async def test_a_key_that_does_not_fit_is_a_matter_for_a_person(
    tmp_path: Path, ours: Identity, theirs: Identity, stranger: Identity
) -> None:
    """Before anything is sent: another's key, an encrypted one, a file that is not there."""
    channel = Channel(tmp_path, ours, theirs.pem)
    with system(soap(b"")) as running:
        for text, why in (
            (stranger.key_pem.decode(), "the key is not that of the first certificate"),
            (theirs.pem.decode(), "holds no PEM private key"),
            (None, "cannot be read: No such file"),
        ):
            key = Path(channel.variables["OURS_KEY"])
            key.unlink() if text is None else key.write_text(text)
            async with gateway_to(running.url, channel.file, extra=channel.variables) as gateway:
                with pytest.raises(NotUnderstood, match=why):
                    await gateway.submit(dossier(channel.file))
    assert running.heard == []


def test_names_are_those_of_the_specification() -> None:
    """A slip in a namespace is seen by nobody who made it."""
    assert (names.WSSE, names.WSU, names.X509_V3) == (WSSE, WSU, signatures.X509_V3)
