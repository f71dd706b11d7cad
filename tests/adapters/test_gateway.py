"""The gateway over real sockets: what goes wrong on the way, and whom it costs."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from datetime import timedelta

import pytest

from hub.adapters import talk, transport
from hub.adapters.transport import Sender
from hub.adapters.wire import WireRequest
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyRefused, AgencyUnavailable, InDoubt, NotUnderstood
from hub.loopback import free_port
from tests.adapters.support import MRN, NOW, agency, changed, dossier, gateway_to
from tests.adapters.system import Heard, Say, answer, system

KATS = agency("kats")
MFDS = agency("mfds")
RECEIPT = '{"review_id": "RV-1", "reference": "x"}'


def quick(file: AgencyFile, **limits: object) -> AgencyFile:
    """The same agency, asked once and at once, with time to answer where a test does not wait for its end."""
    return changed(file, limits={"timeout": "10s", "attempts": 1, "per_second": None, **limits})


def closed_port() -> str:
    return f"http://127.0.0.1:{free_port()}"


async def test_nobody_there_is_unavailable_after_short_retries() -> None:
    """A connection that could not be made is tried again; nothing was sent, so nothing is in doubt."""
    file = quick(KATS, attempts=3)
    async with gateway_to(closed_port(), file) as gateway:
        with pytest.raises(AgencyUnavailable, match="connection refused") as told:
            await gateway.submit(dossier(file))
    [exchange] = told.value.exchanges
    assert exchange.attempts == 3
    assert exchange.reply is None
    assert exchange.reading.startswith("unavailable: ")


async def test_a_name_that_does_not_resolve_is_unavailable() -> None:
    """The same as nobody being there."""
    async with gateway_to("http://agency.invalid", quick(KATS)) as gateway:
        with pytest.raises(AgencyUnavailable):
            await gateway.submit(dossier(KATS))


@pytest.mark.parametrize(
    "say",
    [
        pytest.param(Say(), id="cut-before-a-word"),
        pytest.param(Say((b"HTTP/1.1 200 OK\r\nContent-Le",)), id="cut-in-the-headers"),
        pytest.param(Say((b"HTTP/1.1 200 OK\r",)), id="cut-in-the-end-of-the-status"),
        pytest.param(Say((b"HTTP/1.1 200 OK\r\n",)), id="cut-after-the-status"),
        pytest.param(Say((b"HTTP/1.1 200 OK\r\nDate: today\r\n",)), id="cut-between-headers"),
        pytest.param(
            Say((b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 2\r\n\r\n{}",)), id="garbled-headers"
        ),
        pytest.param(Say((b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",)), id="cut-in-the-body"),
        pytest.param(
            Say((b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"re', b"vi\r\n")),
            id="cut-in-a-chunk",
        ),
        pytest.param(Say((b"SSH-2.0-OpenSSH_9.6\r\n",)), id="not-http"),
        pytest.param(
            Say((b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde",)),
            id="not-gzip",
        ),
        pytest.param(Say(hold=True), id="silence"),
        pytest.param(
            Say((b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", b"{"), hold=True), id="silence-in-the-body"
        ),
    ],
)
async def test_a_submission_without_a_whole_answer_is_in_doubt(say: Say) -> None:
    """Sent, and no answer read: it may have taken effect. A question asked in vain is just asked again."""
    # Only where nothing more comes is the time-out waited for; all else is to be known long before it.
    file = quick(MFDS, timeout="3s" if say.hold else "60s")
    with system(say) as running:
        # Each with connections of his own: one that the system is about to close is of no use to the other.
        async with gateway_to(running.url, file) as one, gateway_to(running.url, file) as other:
            submitted, asked = await asyncio.gather(
                one.submit(dossier(file)),
                other.poll(dossier(file, receipt="T-1")),
                return_exceptions=True,
            )
    assert isinstance(submitted, InDoubt), submitted
    assert isinstance(asked, AgencyUnavailable), asked
    [exchange] = submitted.exchanges
    assert exchange.request["body"]
    assert exchange.reply is None
    assert exchange.reading.startswith("in doubt: ")
    assert len(running.heard) == 2


async def test_a_drip_does_not_outlast_the_time_out() -> None:
    """The time-out bounds the whole answer, not each piece of it."""
    file = quick(KATS, timeout="1s")
    drip = Say((b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", *[b" "] * 400), pause=0.05)
    began = time.monotonic()
    with system(drip) as running:
        async with gateway_to(running.url, file) as gateway:
            with pytest.raises(InDoubt):
                await gateway.submit(dossier(file))
    assert time.monotonic() - began < len(drip.pieces) * drip.pause


async def test_headers_that_drip_hold_up_a_thread_but_nobody_who_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No socket time-out catches this; whoever waits is told in time, and the exchange is recorded."""
    monkeypatch.setattr(talk, "GRACE", 0.1)
    file = quick(KATS, timeout="1s")
    headers = [b"X-%d: y\r\n" % n for n in range(60)]
    drip = Say((b"HTTP/1.1 200 OK\r\n", *headers), pause=0.05)
    began = time.monotonic()
    with system(drip) as running:
        async with gateway_to(running.url, file) as gateway:
            with pytest.raises(InDoubt) as told:
                await gateway.submit(dossier(file))
            assert time.monotonic() - began < len(headers) * drip.pause
            [exchange] = told.value.exchanges
            assert exchange.reply is None


async def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight mebibytes are more than any contract needs; packed ones count unpacked."""
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 100_000)
    bomb = gzip.compress(b" " * 10_000_000)
    with system(answer(200, bomb, Content_Encoding="gzip")) as running:
        async with gateway_to(running.url, quick(KATS)) as gateway:
            with pytest.raises(NotUnderstood, match="longer than"):
                await gateway.submit(dossier(KATS))


async def test_chunks_and_gzip_are_read() -> None:
    """Both are HTTP's own, whatever the contract says."""
    packed = gzip.compress(RECEIPT.encode())
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (packed[:7], packed[7:]))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    with system(Say((head, pieces, b"0\r\n\r\n"))) as running:
        async with gateway_to(running.url, quick(KATS)) as gateway:
            submission = await gateway.submit(dossier(KATS))
    assert submission.receipt.reference == "RV-1"


async def test_a_redirect_is_not_followed() -> None:
    """Credentials and declarations go where the agency's file says and nowhere else."""
    with system(answer(200, RECEIPT)) as elsewhere:
        moved = answer(307, Location=f"{elsewhere.url}/v2")
        with system(moved) as running:
            async with gateway_to(running.url, quick(KATS)) as gateway:
                with pytest.raises(NotUnderstood, match="redirects are not followed"):
                    await gateway.submit(dossier(KATS))
    assert elsewhere.heard == []


async def test_too_many_requests_says_when_to_come_again() -> None:
    """429 did nothing, and its Retry-After is passed on; until then nobody asks. It is no failure."""
    file = quick(KATS, breaker_failures=1)
    with system([answer(429, Retry_After="1"), answer(200, RECEIPT)]) as running:
        async with gateway_to(running.url, file) as gateway:
            with pytest.raises(AgencyUnavailable) as told:
                await gateway.submit(dossier(file))
            assert told.value.retry_after == 1.0
            with pytest.raises(AgencyUnavailable, match="asked for a pause") as told:
                await gateway.submit(dossier(file))
            assert len(running.heard) == 1
            assert told.value.exchanges == ()
            assert told.value.retry_after is not None
            await asyncio.sleep(told.value.retry_after + 0.01)
            await gateway.submit(dossier(file))


async def test_too_many_requests_without_a_time_stops_nobody_else() -> None:
    """The one that was turned away is tried later; nothing was asked of the others."""
    file = quick(KATS, breaker_failures=1)
    with system([answer(429), answer(200, RECEIPT)]) as running:
        async with gateway_to(running.url, file) as gateway:
            with pytest.raises(AgencyUnavailable) as told:
                await gateway.submit(dossier(file))
            assert told.value.retry_after is None
            await gateway.submit(dossier(file))


async def test_the_breaker_opens_and_spares_the_agency() -> None:
    """After so many failures in a row requests are turned away unsent; after the pause one goes to see."""
    file = quick(KATS, breaker_failures=2, breaker_pause="1s")
    with system([answer(500), answer(500), answer(200, RECEIPT), answer(200, RECEIPT)]) as running:
        async with gateway_to(running.url, file) as gateway:
            for _ in range(2):
                with pytest.raises(InDoubt):
                    await gateway.submit(dossier(file))
            with pytest.raises(AgencyUnavailable, match="in a row") as told:
                await gateway.submit(dossier(file))
            assert told.value.exchanges == ()
            assert told.value.retry_after is not None
            assert len(running.heard) == 2
            await asyncio.sleep(told.value.retry_after + 0.01)
            assert (await gateway.submit(dossier(file))).receipt.reference == "RV-1"
            await gateway.submit(dossier(file))


async def test_client_errors_and_faults_do_not_open_the_breaker() -> None:
    """One wrong declaration must not cut its agency off from all the others."""
    khs = quick(agency("khs"), breaker_failures=1)
    fault = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>'
        "<faultcode>e:Client</faultcode><faultstring>no</faultstring></e:Fault></e:Body></e:Envelope>"
    )
    with system([answer(400, "{}"), answer(404, "{}"), answer(500, fault), answer(500, fault)]) as running:
        kats = quick(KATS, breaker_failures=1)
        async with gateway_to(running.url, kats, khs) as gateway:
            for file in (kats, kats, khs, khs):
                with pytest.raises(AgencyRefused):
                    await gateway.submit(dossier(file))
    assert len(running.heard) == 4


async def test_an_agency_that_hangs_costs_the_others_nothing() -> None:
    """Its slots are its own, and whoever finds none free is told so instead of hanging with it."""
    slow = quick(MFDS, concurrency=2, timeout="5s")
    other = quick(KATS)
    release = threading.Event()

    def script(heard: Heard) -> Say:
        if heard.path == "/applications":
            release.wait(10)
        return answer(200, RECEIPT if "reviews" in heard.path else '{"ticket": "T", "state": "PENDING"}')

    with system(script) as running:
        async with gateway_to(running.url, slow, other) as gateway:
            hanging = [asyncio.create_task(gateway.submit(dossier(slow))) for _ in range(2)]
            while len(running.heard) < 2:
                await asyncio.sleep(0.005)
            turned_away = asyncio.create_task(gateway.submit(dossier(slow)))
            began = time.monotonic()
            await gateway.submit(dossier(other))
            assert time.monotonic() - began < 0.9
            with pytest.raises(AgencyUnavailable, match="busy"):
                await turned_away
            release.set()
            assert {s.receipt.reference for s in await asyncio.gather(*hanging)} == {"T"}
            await gateway.submit(dossier(slow))


async def test_a_waiter_that_goes_away_does_not_free_the_slot_of_its_request() -> None:
    """The request is on its way; the agency is not pushed harder because nobody waits for the answer."""
    file = quick(MFDS, concurrency=1, timeout="5s")
    release = threading.Event()

    def script(_: Heard) -> Say:
        release.wait(10)
        return answer(200, '{"ticket": "T", "state": "PENDING"}')

    with system(script) as running:
        async with gateway_to(running.url, file) as gateway:
            gone = asyncio.create_task(gateway.submit(dossier(file)))
            while not running.heard:
                await asyncio.sleep(0.005)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            with pytest.raises(AgencyUnavailable, match="busy"):
                await gateway.submit(dossier(file))
            release.set()
            await gateway.submit(dossier(file))


async def test_the_rate_is_kept() -> None:
    """What would go out too soon waits for its turn, and what would wait too long is turned away."""
    file = quick(KATS, per_second=2)
    clock = asyncio.get_running_loop().time
    with system(answer(200, RECEIPT)) as running:
        async with gateway_to(running.url, file) as gateway:
            began = clock()
            done = await asyncio.gather(
                *(gateway.submit(dossier(file)) for _ in range(20)), return_exceptions=True
            )
            took = clock() - began
    busy = [one for one in done if isinstance(one, AgencyUnavailable)]
    assert len(running.heard) + len(busy) == 20
    assert 4 <= len(running.heard) <= 2 + 2 * took
    assert all(one.retry_after for one in busy)


async def test_connections_are_kept() -> None:
    """One connection serves many requests."""
    with system(answer(200, RECEIPT)) as running:
        async with gateway_to(running.url, quick(KATS)) as gateway:
            for _ in range(5):
                await gateway.submit(dossier(KATS))
    assert running.connections == 1


@pytest.mark.parametrize(
    "said",
    [
        answer(200, RECEIPT),
        answer(204),
        answer(307, "moved", Location="https://elsewhere.example/"),
        answer(422, '{"code": "X", "message": "no"}'),
        answer(500, "x" * 200_000),
    ],
    ids=["good", "empty", "redirect", "refusal", "long"],
)
def test_connections_are_kept_whatever_is_answered(said: Say) -> None:
    """Each answer is read to its end, so the next request goes over the same connection."""
    with system(said) as running:
        sender = Sender(timeout=5)
        replies = [sender.send(WireRequest("POST", running.url, {}, b"x"))[0] for _ in range(3)]
        sender.close()
    assert running.connections == 1
    assert all(reply.body == said.pieces[0].partition(b"\r\n\r\n")[2] for reply in replies)


def test_headers_that_come_several_times_are_one() -> None:
    """They are one header whose values are joined (RFC 9110 section 5.3)."""
    head = b"HTTP/1.1 200 OK\r\nLink: <a>\r\nLink: <b>\r\nContent-Length: 0\r\n\r\n"
    with system(Say((head,), keep=True)) as running:
        sender = Sender(timeout=5)
        reply, _ = sender.send(WireRequest("GET", running.url, {}, b""))
        sender.close()
    assert reply.headers["link"] == "<a>, <b>"


async def test_an_agencys_cookies_are_not_sent_back() -> None:
    """What is sent is in the agency's file, and nothing else."""
    with system(answer(200, RECEIPT, Set_Cookie="session=1; Path=/")) as running:
        async with gateway_to(running.url, quick(KATS)) as gateway:
            for _ in range(2):
                await gateway.submit(dossier(KATS))
    assert ["cookie" in heard.headers for heard in running.heard] == [False, False]


async def test_a_duplicate_without_its_receipt_is_looked_up() -> None:
    """The first answer is what counts; where the contract can tell it, it is asked for."""
    file = changed(
        MFDS,
        submit={**MFDS.channel.submit.model_dump(mode="json"), "errors": [_DUPLICATE]},
    )
    found = '{"total": 1, "applications": [{"ticket": "T-7", "state": "PENDING"}]}'
    with system([answer(409, '{"errorCode": "V009"}'), answer(200, found)]) as running:
        async with gateway_to(running.url, file) as gateway:
            submission = await gateway.submit(dossier(file))
    assert submission.receipt.reference == "T-7"
    assert [exchange.kind for exchange in submission.exchanges] == ["submit", "look_up"]
    assert [heard.method for heard in running.heard] == ["POST", "GET"]


_DUPLICATE = {"when": "=status == 409", "means": "already_received"}


async def test_a_duplicate_that_cannot_be_looked_up_is_a_receipt_without_a_reference() -> None:
    """The agency has it; that is all anybody can say."""
    file = changed(KATS, submit={**KATS.channel.submit.model_dump(mode="json"), "errors": [_DUPLICATE]})
    with system(answer(409, "{}")) as running:
        async with gateway_to(running.url, file) as gateway:
            submission = await gateway.submit(dossier(file))
    assert submission.receipt.reference is None
    assert submission.exchanges[0].reading == "already received"


async def test_not_found_counts_only_when_the_first_request_can_no_longer_arrive() -> None:
    """Until the time-out has passed since it was sent, it may still be on its way."""
    sent_at = NOW - timedelta(seconds=3)
    file = quick(MFDS, timeout="20s")
    with system(answer(200, '{"total": 0, "applications": []}')) as running:
        async with gateway_to(running.url, file, KATS) as gateway:
            found = await gateway.look_up(dossier(file), sent_at)
            key = await gateway.look_up(dossier(KATS), sent_at)
    assert found.submission is None
    assert found.resend_from == sent_at + timedelta(seconds=20)
    assert key.submission is None
    assert key.resend_from <= NOW
    assert key.exchanges == ()
    assert len(running.heard) == 1


async def test_what_was_decided_before_an_amendment_may_be_about_goods_that_are_asked_no_more() -> None:
    """It is heard: else whether the agency has the first stays in doubt, and it is never told."""
    said = {
        "decisionId": "D-1",
        "result": "적합",
        "decidedAt": "2026-03-02T09:00:00+09:00",
        "itemNos": [1, 2],
    }
    ticket = {"ticket": "T-7", "state": "DECIDED", "decision": said}
    found = json.dumps({"total": 1, "applications": [ticket]})
    before = dossier(MFDS, items=(1,))
    amended = before.model_copy(update={"terms": before.terms.model_copy(update={"revision": 2})})
    with system(answer(200, found)) as running:
        async with gateway_to(running.url, quick(MFDS)) as gateway:
            looked = await gateway.look_up(amended, NOW)
            with pytest.raises(NotUnderstood, match="goods items"):
                await gateway.look_up(before, NOW)
    assert looked.submission is not None
    assert looked.submission.decisions[0].items == (1, 2)


async def test_a_failed_look_up_is_no_answer_to_whether_it_is_there() -> None:
    """Unavailable: the doubt remains."""
    with system(answer(500)) as running:
        async with gateway_to(running.url, quick(MFDS)) as gateway:
            with pytest.raises(AgencyUnavailable):
                await gateway.look_up(dossier(MFDS), NOW)


async def test_the_same_decision_has_the_same_id() -> None:
    """Heard twice, it counts once; a correction that says something else has another."""

    def decided(remarks: str, word: str) -> Say:
        return answer(
            200,
            f'{{"review_id": "R", "reference": "x", "finding": "{word}", "remarks": "{remarks}",'
            ' "decided_at": "2026-03-02T09:00:00+09:00"}',
        )

    unnamed = {**KATS.channel.submit.model_dump(mode="json")}
    unnamed["decision"] = {**unnamed["decision"], "id": None}
    file = changed(KATS, submit=unnamed)
    said = [decided("a", "형식승인필"), decided("b", "형식승인필"), decided("a", "미승인기종")]
    with system(said) as running:
        async with gateway_to(running.url, file) as gateway:
            first, second, third = [(await gateway.submit(dossier(file))).decisions[0] for _ in range(3)]
    assert first.id == second.id
    assert first.id != third.id
    assert first.referral == f"{MRN}/kats-measuring"
    assert first.exchange


async def test_an_unset_credential_is_a_matter_for_a_person() -> None:
    """Our own configuration does not fit; the variable is named, and nothing is sent."""
    with system(answer(200, RECEIPT)) as running:
        async with gateway_to(running.url, KATS, extra={"KATS_KEY": ""}) as gateway:
            with pytest.raises(NotUnderstood, match="KATS_KEY"):
                await gateway.submit(dossier(KATS))
    assert running.heard == []


async def test_an_agency_that_echoes_our_credential_does_not_get_it_into_words() -> None:
    """Neither the error nor the recording repeats it."""
    with system(lambda heard: answer(400, f"bad key {heard.headers['x-api-key']}")) as running:
        async with gateway_to(running.url, KATS, extra={"KATS_KEY": "s3cret-key"}) as gateway:
            with pytest.raises(AgencyRefused) as told:
                await gateway.submit(dossier(KATS))
    assert running.heard[0].headers["x-api-key"] == "s3cret-key"
    assert "s3cret-key" not in str(told.value)
    assert "s3cret-key" not in told.value.exchanges[0].model_dump_json()


@pytest.mark.parametrize(
    "say",
    [
        answer(200, RECEIPT, X_Case="RV-1\0x"),
        answer(200, '{"review_id": "RV-1\\u0000x", "reference": "x"}'),
        answer(200, b"\xef\xbb\xbf" + RECEIPT.replace("RV", r"\u0000").encode()),
    ],
)
async def test_an_answer_that_holds_a_nul_is_not_understood(say: Say) -> None:
    """The expression library would end the text there, and a reference is never cut in half."""
    with system(say) as running:
        async with gateway_to(running.url, KATS) as gateway:
            with pytest.raises(NotUnderstood, match="holds a NUL character") as told:
                await gateway.submit(dossier(KATS))
    assert "\0" not in told.value.exchanges[0].model_dump_json()


async def test_a_feed_message_without_an_id_is_handed_on_once() -> None:
    """It cannot be acknowledged, so the agency shows it again with every pull."""
    file = agency("nibr")
    page = '{"entries": [{"outcome": "permit"}], "cursor": "", "more": false}'
    with system(answer(200, page)) as running:
        async with gateway_to(running.url, file) as gateway:
            [message] = (await gateway.pull_feed("nibr")).messages
            assert message.trouble is not None
            assert await gateway.acknowledge_feed("nibr", [message.message_id]) == ()
            assert (await gateway.pull_feed("nibr")).messages == ()


async def test_an_agency_that_is_not_configured_is_a_matter_for_a_person() -> None:
    """A referral may outlive the file of its agency."""
    async with gateway_to("http://127.0.0.1:1", KATS) as gateway:
        with pytest.raises(NotUnderstood, match="mfds"):
            await gateway.submit(dossier(MFDS))
