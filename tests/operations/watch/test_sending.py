"""Bulletins on their way, by a real mail server and to a real webhook, that may be away."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hub.adapters.alerts import AlertPost, signature
from hub.operations.watch.bulletins import compose
from hub.operations.watch.teller import Teller
from hub.ports import AlertNotSent, Bulletin, Receiver, Severity, WatchPolicy
from hub.store import Store
from hub.store.tables import bulletins
from tests.operations.watch.sinks import MailSink, WebhookSink
from tests.operations.watch.support import DUTY, ROUND, T0, Clock, finding, judged, record
from tests.operations.watch.test_telling import alert

SENDER = "early-warning@hub.example"


@pytest.fixture
def mails() -> Iterator[MailSink]:
    sink = MailSink().open()
    yield sink
    sink.close()


@pytest.fixture
def webhook() -> Iterator[WebhookSink]:
    sink = WebhookSink()
    yield sink
    sink.close()


def bulletin(receiver: Receiver = DUTY, severity: Severity = Severity.CRITICAL) -> Bulletin:
    return compose(
        [alert(severity=severity)], receiver, T0, console_url=None, runbook_url="docs/operations.md"
    )


def test_a_mail(mails: MailSink) -> None:
    """Plain text, its id the bulletin's, and nobody's absence answers it."""
    sent = bulletin(Receiver("duty", language="ko"))
    AlertPost(mails.url, SENDER, Clock()).send(sent, DUTY)
    [mail] = mails.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, "duty@customs.example", sent.subject)
    assert mail["Message-ID"] == f"<{sent.id}@hub.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Importance"] == "high"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().split() == sent.text.split()
    assert "심각" in mail["Subject"]


def test_a_mail_server_that_does_not_take_it(mails: MailSink) -> None:
    mails.refuses = "451 try later"
    with pytest.raises(AlertNotSent, match="451 try later"):
        AlertPost(mails.url, SENDER, Clock()).send(bulletin(), DUTY)
    mails.close()
    with pytest.raises(AlertNotSent, match="refused"):
        AlertPost(mails.url, SENDER, Clock()).send(bulletin(), DUTY)
    with pytest.raises(AlertNotSent, match="HUB_SMTP_URL"):
        AlertPost(None, SENDER, Clock()).send(bulletin(), DUTY)


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Of a server whose certificate this machine trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_pem = tmp_path / "server.pem", tmp_path / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key_pem)
    return context


def test_a_password_goes_by_an_encrypted_connection_only(tls: ssl.SSLContext, mails: MailSink) -> None:
    sink = MailSink(tls, "pass:word").open()
    try:
        url = sink.url.replace("pass:word", "pass%3Aword")
        AlertPost(url, SENDER, Clock()).send(bulletin(), DUTY)
        assert len(sink.mails) == 1
        with pytest.raises(AlertNotSent, match="535"):
            AlertPost(url.replace("pass", "other"), SENDER, Clock()).send(bulletin(), DUTY)
    finally:
        sink.close()
    plain = f"smtp://hub:secret@localhost:{mails.port}"
    with pytest.raises(AlertNotSent, match="STARTTLS") as told:
        AlertPost(plain, SENDER, Clock()).send(bulletin(), DUTY)
    assert "secret" not in str(told.value)
    assert mails.mails == []


def test_a_mail_server_that_cannot_prove_itself_gets_nothing(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    sink = MailSink(tls, "secret").open()
    try:
        with pytest.raises(AlertNotSent, match="certificate verify failed"):
            AlertPost(sink.url, SENDER, Clock()).send(bulletin(), DUTY)
    finally:
        sink.close()


@pytest.mark.parametrize("url", ["localhost:25", "http://localhost", "smtp://", "smtp:localhost"])
def test_what_is_no_mail_server_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="smtp://host:port"):
        AlertPost(url, SENDER, Clock())


def test_a_webhook_is_posted_to_and_signed(webhook: WebhookSink) -> None:
    receiver = Receiver("room", webhook=webhook.url, secret="between us")
    sent = bulletin(receiver)
    AlertPost(None, SENDER, Clock()).send(sent, receiver)
    [(headers, body)] = webhook.posted
    assert headers["webhook-id"] == sent.id
    assert headers["webhook-signature"] == "v1," + signature(
        "between us", sent.id, headers["webhook-timestamp"], body
    )
    told = json.loads(body)
    assert told["id"] == sent.id
    assert told["incidents"][0]["runbook"] == "docs/operations.md#agency-failing"
    webhook.status = 500
    with pytest.raises(AlertNotSent, match="500"):
        AlertPost(None, SENDER, Clock()).send(sent, receiver)


def teller(store: Store, mails: MailSink, policy: WatchPolicy, clock: Clock) -> Teller:
    sender = AlertPost(mails.url, SENDER, clock)
    return Teller(store, sender, lambda: policy, clock, console_url=None, runbook_url="docs/operations.md")


async def test_a_storm_of_a_thousand_findings_is_a_few_mails(store: Store, mails: MailSink) -> None:
    """They come within three minutes; each is told, and nobody gets more than two mails in a minute."""
    clock, policy = Clock(), WatchPolicy(receivers=(DUTY,))
    telling = teller(store, mails, policy, clock)
    found = []
    for number in range(12):
        found += [finding(subject=f"agency-{number}-{each}") for each in range(84)]
        record(store, judged(*found), clock.now, policy)
        for _ in range(3):
            await telling.go_round()
            clock.now += ROUND / 3
    clock.now += policy.grouping
    await telling.go_round()
    assert 2 <= len(mails.mails) <= 8
    assert store.receivers_waiting() == set()
    assert "and" in mails.mails[-1]["Subject"]
    assert len({mail["Message-ID"] for mail in mails.mails}) == len(mails.mails)


async def test_nothing_is_lost_while_the_mail_server_is_away_and_nothing_comes_twice(
    store: Store, mails: MailSink
) -> None:
    """It comes back to one mail of what came first and one of everything since."""
    clock, policy = Clock(), WatchPolicy(receivers=(DUTY,))
    telling = teller(store, mails, policy, clock)
    mails.close()
    for number in range(20):
        record(store, judged(*(finding(subject=f"agency-{each}") for each in range(number + 1))), clock.now)
        await telling.go_round()
        clock.now += timedelta(minutes=1)
    assert mails.mails == []
    mails.open()
    for _ in range(12):
        clock.now += timedelta(minutes=1)
        await telling.go_round()
    assert len(mails.mails) == 2
    lines = [line for mail in mails.mails for line in mail.get_content().splitlines()]
    assert all(any(line.endswith(f"- agency-{number}") for line in lines) for number in range(20))


async def test_a_bulletin_that_was_sent_and_not_noted_is_sent_again_under_its_id(
    store: Store, mails: MailSink
) -> None:
    """A process may die between the two: at least once, and whoever reads it can tell."""
    clock, policy = Clock(), WatchPolicy(receivers=(DUTY,))
    record(store, judged(finding()), clock.now)
    telling = teller(store, mails, policy, clock)
    telling._put_together()
    [leased] = store.lease_bulletins(clock.now, clock.now + timedelta(minutes=1))
    AlertPost(mails.url, SENDER, clock).send(leased, DUTY)
    await telling.go_round()
    assert len(mails.mails) == 1
    clock.now += timedelta(minutes=2)
    for _ in range(3):
        await telling.go_round()
    assert len(mails.mails) == 2
    assert len({mail["Message-ID"] for mail in mails.mails}) == 1


class _Slow:
    """Takes what it is sent once it is let."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.let = threading.Event()

    def send(self, bulletin: Bulletin, receiver: Receiver) -> None:
        assert self.let.wait(60)
        self.taken.append(bulletin.id)


async def test_what_is_slow_to_be_taken_is_sent_by_nobody_else(store: Store, store_url: str) -> None:
    """However long it takes; what a process leaves that died is sent by another soon."""
    clock, policy, receiver = Clock(), WatchPolicy(receivers=(DUTY,)), _Slow()
    record(store, judged(finding()), clock.now)
    one, other = (
        Teller(store, receiver, lambda: policy, clock, console_url=None, runbook_url="", renewed_every=0.01)
        for _ in range(2)
    )
    sending = asyncio.create_task(one.go_round())
    engine = sa.create_engine(store_url)
    try:
        for _ in range(3):
            clock.now += timedelta(seconds=9)
            await until_leased(engine, clock.now)
            await other.go_round()
    finally:
        receiver.let.set()
        engine.dispose()
    await sending
    clock.now += timedelta(hours=1)
    await other.go_round()
    assert len(receiver.taken) == 1


async def until_leased(engine: sa.Engine, after: datetime) -> None:
    """Wait until what is being sent is nobody else's beyond then."""
    async with asyncio.timeout(30):
        while True:
            with engine.connect() as connection:
                if connection.scalar(sa.select(sa.func.count()).where(bulletins.c.due_at > after)):
                    return
            await asyncio.sleep(0.01)


async def test_a_receiver_that_is_gone_keeps_nobody_waiting(store: Store, mails: MailSink) -> None:
    clock = Clock()
    record(store, judged(finding()), clock.now, WatchPolicy(receivers=(DUTY, Receiver("gone"))))
    await teller(store, mails, WatchPolicy(receivers=(DUTY,)), clock).go_round()
    assert len(mails.mails) == 1
    assert store.receivers_waiting() == set()
