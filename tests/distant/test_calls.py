"""An agency spoken to by its own worker: the same receipts, decisions and errors as spoken to directly."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256, sha512
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from hub.activities import agency_messages
from hub.distant import DistantGateway, gateway
from hub.domain.errors import AgencyRefused, AgencyUnavailable, ChannelError, InDoubt, NotUnderstood
from hub.domain.exchange import Asked, Dossier, Enclosure, Feed, FeedPage, InformationContent, Message
from hub.domain.referral import Verdict
from hub.engine import connect
from hub.ports import CallResult
from hub.settings import Settings
from tests.adapters.support import MRN, NOW, agency, changed, dossier, gateway_to
from tests.adapters.system import Heard, Say, answer, system
from tests.adapters.test_callbacks import BODY, SECRET, signed, unix
from tests.distant.support import NOWHERE, both_sides, in_force, now, own, two_sides

pytestmark = pytest.mark.asyncio(loop_scope="module")

KATS = own(agency("kats"))
MFDS = own(agency("mfds"))
NIBR = own(agency("nibr"))
RECEIPT = '{"review_id": "RV-1", "reference": "x"}'


async def test_a_submission_comes_back_with_its_receipt_and_its_exchange(client: Client) -> None:
    """The hub's side has no address of the agency that leads anywhere, and no credential."""
    with system(answer(200, RECEIPT)) as running:
        async with both_sides(client, running.url, KATS) as two:
            submission = await two.gateway.submit(dossier(KATS))
    assert submission.receipt.reference == "RV-1"
    [exchange] = submission.exchanges
    assert exchange.kind == "submit"
    assert exchange.mrn == MRN
    assert exchange.request["url"].startswith(running.url)
    assert len(running.heard) == 1
    [call] = two.counted
    assert (call.agency, call.operation, call.result) == ("kats", "submit", CallResult.ANSWERED)
    assert call.milliseconds == exchange.milliseconds


@pytest.mark.parametrize(
    ("say", "kind", "retry_after"),
    [
        (answer(429, Retry_After="17"), AgencyUnavailable, 17.0),
        (answer(400, '{"message": "no such code"}'), AgencyRefused, None),
        (answer(200, "<html>"), NotUnderstood, None),
        (Say(), InDoubt, None),
    ],
)
async def test_errors_keep_their_kind(
    client: Client, say: Say, kind: type[ChannelError], retry_after: float | None
) -> None:
    """What to do next is in the class of the error; what was exchanged is on it."""
    with system(say) as running:
        async with both_sides(client, running.url, KATS) as two:
            with pytest.raises(ChannelError) as told:
                await two.gateway.submit(dossier(KATS))
    assert type(told.value) is kind
    assert told.value.retry_after == retry_after
    assert [call.result for call in two.counted] == [CallResult.of(told.value)]
    [exchange] = told.value.exchanges
    assert exchange.reading.startswith(str(told.value).split(":")[0]) or str(told.value) in exchange.reading


async def test_polls_and_look_ups_go_the_same_way(client: Client) -> None:
    """What is asked later is asked from the agency's network too."""
    decided = {"decisionId": "D-1", "result": "적합", "decidedAt": "2026-03-02T09:00:00+09:00"}
    found = {"ticket": "T-1", "state": "DECIDED", "decision": decided}

    def script(heard: Heard) -> Say:
        one = "/applications/" in heard.path
        return answer(200, json.dumps(found if one else {"total": 1, "applications": [found]}))

    with system(script) as running:
        async with both_sides(client, running.url, MFDS) as two:
            polled = await two.gateway.poll(dossier(MFDS, receipt="T-1"))
            looked = await two.gateway.look_up(dossier(MFDS), now())
    assert [decision.verdict for decision in polled.decisions] == [Verdict.APPROVED]
    assert [exchange.kind for exchange in polled.exchanges] == ["poll"]
    assert looked.submission is not None
    assert looked.submission.receipt.reference == "T-1"
    assert [exchange.kind for exchange in looked.exchanges] == ["look_up"]


def later(asked: Dossier) -> Dossier:
    """The same referral with its second content."""
    return asked.model_copy(update={"terms": asked.terms.model_copy(update={"revision": 2})})


async def test_changes_go_the_same_way(client: Client) -> None:
    """Amended, withdrawn, answered with a document, reminded: from the agency's network, with its answers."""
    asked = later(dossier(MFDS, receipt="T-1"))
    content = bytes(range(256))
    digest = sha256(content).hexdigest()
    answered = InformationContent(
        id="I-1",
        request="D-1",
        request_reference=None,
        text="As asked.",
        given_at=NOW,
        enclosures=(Enclosure(name="a.pdf", media_type="application/pdf", sha256=digest, content=content),),
    )
    with system(answer(200, '{"ticket": "T-1", "state": "PENDING"}')) as running:
        async with both_sides(client, running.url, MFDS) as two:
            amended = await two.gateway.amend(asked)
            informed = await two.gateway.inform(asked, answered)
            reminded = await two.gateway.remind(asked)
            withdrawn = await two.gateway.withdraw(asked, None)
            # Neither needs a credential, and nothing is sent: the hub knows it by itself.
            assert await two.gateway.abilities("mfds", "v1") == set(Asked)
            assert await two.gateway.inputs_of(asked) == await two.near.inputs_of(asked)
    assert amended.receipt == asked.receipt
    exchanges = [*amended.exchanges, *informed.exchanges, *reminded, *withdrawn]
    assert [one.kind for one in exchanges] == ["amend", "inform", "remind", "withdraw"]
    assert [one.body.count(b64encode(content)) for one in running.heard] == [0, 1, 0, 0]


async def test_a_change_whose_end_is_not_known_is_in_doubt(client: Client) -> None:
    """It may have taken effect, as a submission may."""
    with system(Say()) as running:
        async with both_sides(client, running.url, MFDS) as two:
            for call in (two.gateway.amend, two.gateway.remind):
                with pytest.raises(InDoubt):
                    await call(later(dossier(MFDS, receipt="T-1")))
    assert len(running.heard) == 2


async def test_feeds_go_the_same_way(client: Client) -> None:
    """Pulled and acknowledged; an error of either keeps its exchange."""
    with system(answer(503, "{}", Retry_After="3")) as running:
        async with both_sides(client, running.url, NIBR) as two:
            with pytest.raises(AgencyUnavailable) as pulled:
                await two.gateway.pull_feed("nibr")
            with pytest.raises(AgencyUnavailable) as acknowledged:
                await two.gateway.acknowledge_feed("nibr", ["M-1"])
    assert [exchange.kind for exchange in pulled.value.exchanges] == ["pull"]
    assert acknowledged.value.retry_after is not None


async def test_where_our_reference_is_a_key_nothing_is_looked_up(client: Client) -> None:
    """Sending again is safe at once, whoever sends."""
    sent_at = now()
    async with two_sides(client, KATS) as two:
        found = await two.gateway.look_up(dossier(KATS), sent_at)
    assert found.submission is None
    assert found.resend_from == sent_at


async def test_not_found_counts_only_when_a_worker_that_was_cut_off_can_send_no_more(client: Client) -> None:
    """It may have taken the submission up at the last moment, and log in before it sends."""
    sent_at = now()
    with system(answer(200, '{"total": 0, "applications": []}')) as running:
        async with both_sides(client, running.url, MFDS) as two:
            found = await two.gateway.look_up(dossier(MFDS), sent_at)
    assert found.submission is None
    # Ten seconds to begin, twice the time-out and its grace, five for the rest.
    assert found.resend_from == sent_at + timedelta(seconds=10 + 2 * 3 + 5)


async def test_nobody_at_work_is_unavailable_and_costs_no_other_agency(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent; whoever asks next is told at once; and it heals when a worker is there again."""
    monkeypatch.setattr(gateway, "WORKER_WITHIN", timedelta(seconds=1))
    other = changed(agency("mfds"), own_worker=False)
    with system(answer(200, RECEIPT)) as running:
        async with two_sides(client, KATS, other) as two, gateway_to(running.url, KATS, clock=now) as there:
            with pytest.raises(AgencyUnavailable, match="no worker of kats is at work") as told:
                await two.gateway.submit(dossier(KATS))
            assert told.value.exchanges == ()
            began = time.monotonic()
            with pytest.raises(AgencyUnavailable, match="no worker of kats is at work") as told:
                await two.gateway.submit(dossier(KATS))
            assert told.value.retry_after is not None
            assert told.value.retry_after <= 1.0
            with pytest.raises(AgencyUnavailable, match="connection refused"):
                await two.gateway.poll(dossier(other, receipt="T"))
            assert time.monotonic() - began < 0.9
            async with two.agency_works("kats", there):
                await asyncio.sleep(told.value.retry_after + 0.01)
                assert (await two.gateway.submit(dossier(KATS))).receipt.reference == "RV-1"
                await two.gateway.submit(dossier(KATS))
    assert len(running.heard) == 2


async def test_a_call_that_comes_too_late_is_not_begun(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked has given it up, and may be asking again: two applications would be two cases."""
    monkeypatch.setattr(gateway, "BEGIN_WITHIN", timedelta(seconds=-1))
    with system(answer(200, RECEIPT)) as running:
        async with both_sides(client, running.url, KATS) as two:
            with pytest.raises(AgencyUnavailable, match="too late"):
                await two.gateway.submit(dossier(KATS))
    assert running.connections == 0


async def test_whoever_goes_away_before_it_is_begun_takes_it_along(client: Client) -> None:
    """Nothing is sent when a worker comes later."""
    with system(answer(200, RECEIPT)) as running:
        async with two_sides(client, KATS) as two, gateway_to(running.url, KATS, clock=now) as there:
            asking = asyncio.create_task(two.gateway.submit(dossier(KATS)))
            call = await _call_of(client, "kats")
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            while (await call.describe()).status is WorkflowExecutionStatus.RUNNING:
                await asyncio.sleep(0.01)
            async with two.agency_works("kats", there):
                await two.gateway.submit(dossier(KATS))
    assert len(running.heard) == 1


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_call_that_was_answered_is_not_kept_by_the_engine(client: Client) -> None:
    """It holds a declaration. The engine takes half a minute or more to forget."""
    release = threading.Event()

    def script(_: Heard) -> Say:
        release.wait(10)
        return answer(200, RECEIPT)

    file = own(agency("kats"), timeout="15s")
    with system(script) as running:
        async with both_sides(client, running.url, file) as two:
            asking = asyncio.create_task(two.gateway.submit(dossier(file)))
            call = await _call_of(client, "kats")
            release.set()
            await asking
            while await _is_known(call):
                await asyncio.sleep(0.1)


async def _is_known(call: WorkflowHandle[Any, Any]) -> bool:
    try:
        await call.describe()
    except RPCError as wrong:
        if wrong.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def _call_of(client: Client, slug: str) -> WorkflowHandle[Any, Any]:
    """The running call of an agency, when the engine shows it."""
    query = f"ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH 'call/{slug}/'"
    while True:
        async for found in client.list_workflows(query):
            return client.get_workflow_handle(found.id)
        await asyncio.sleep(0.01)


async def test_a_declaration_as_large_as_they_come_passes(client: Client) -> None:
    """1,999 goods items, each described at length, are more than two megabytes, which the engine takes."""
    small = dossier(KATS)
    [item, *_] = small.declaration.items
    texts = (f"{n} " + " ".join(f"{n * k % 997}" for k in range(300)) for n in range(1, 2000))
    items = tuple(
        item.model_copy(update={"number": n, "description": text}) for n, text in enumerate(texts, 1)
    )
    large = small.model_copy(
        update={
            "declaration": small.declaration.model_copy(update={"items": items}),
            "terms": small.terms.model_copy(update={"items": tuple(range(1, 2000))}),
        }
    )
    file = own(agency("kats"), timeout="20s")
    with system(answer(200, RECEIPT)) as running:
        async with both_sides(client, running.url, file) as two:
            assert (await two.gateway.submit(large)).receipt.reference == "RV-1"
    [heard] = running.heard
    assert len(json.loads(heard.body)["goods"]) == 1999
    assert len(large.model_dump_json()) > 2_000_000


async def test_what_no_message_can_hold_is_a_matter_for_a_person(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sending it again would give the same."""
    monkeypatch.setattr(agency_messages, "LARGEST", 100)
    with system(answer(200, RECEIPT)) as running:
        async with both_sides(client, running.url, KATS) as two:
            with pytest.raises(NotUnderstood, match="too large"):
                await two.gateway.submit(dossier(KATS))
    assert running.connections == 0


async def test_a_feed_that_no_message_can_hold_comes_in_several(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every message comes, once, in order."""
    messages = [
        Message(
            agency="nibr",
            message_id=f"M-{n}",
            raw=sha512(b"%d" % n).hexdigest() * 2,
            via="feed",
            received_at=NOW,
        )
        for n in range(40)
    ]

    asked = []

    class Fed:
        async def pull_feed(self, agency: str, page: FeedPage | None) -> Feed:
            asked.append(page)
            last = page is not None
            return Feed(
                messages=tuple(messages[30:] if last else messages[:30]), next=None if last else second
            )

    monkeypatch.setattr(agency_messages, "LARGEST", 1000)
    second, got = FeedPage(number=2, cursor="c"), []
    async with two_sides(client, NIBR) as two, two.agency_works("nibr", Fed()):  # type: ignore[arg-type]
        feed = await two.gateway.pull_feed("nibr")
        got += feed.messages
        while feed.next is not None:
            assert 0 < len(feed.messages) < 30
            feed = await two.gateway.pull_feed("nibr", feed.next)
            got += feed.messages
    assert got == messages
    assert asked == [None, second]


async def test_own_worker_may_change_while_declarations_run(client: Client) -> None:
    """The file in force decides, call by call."""
    with system(answer(200, RECEIPT)) as running:
        async with both_sides(client, running.url, KATS) as two:
            await two.gateway.submit(dossier(KATS))
            two.files["kats"] = changed(KATS, own_worker=False)
            with pytest.raises(AgencyUnavailable, match="connection refused"):
                await two.gateway.submit(dossier(KATS))
            two.files["kats"] = KATS
            await two.gateway.submit(dossier(KATS))
    assert len(running.heard) == 2


async def test_callbacks_are_read_here(client: Client) -> None:
    """They come to the hub's own door, which knows how the agency signs them."""
    async with (
        two_sides(client, MFDS) as two,
        gateway_to(NOWHERE, MFDS, extra={"MFDS_CALLBACK_SECRET": SECRET}) as near,
    ):
        distant = DistantGateway(near, client, in_force(two.files), now)
        message = distant.read_callback("mfds", signed(BODY, unix(NOW)), BODY, NOW)
    assert message.message_id == "N-1"


async def test_an_engine_that_is_away_is_an_agency_that_cannot_be_reached(unused_tcp_port: int) -> None:
    """Nothing was sent."""
    settings = Settings(environment="development", temporal_address=f"127.0.0.1:{unused_tcp_port}")
    client = await connect(settings)
    async with gateway_to(NOWHERE, MFDS, clock=now) as near:
        distant = DistantGateway(near, client, in_force({"mfds": MFDS}), now)
        with pytest.raises(AgencyUnavailable, match="the engine"):
            await distant.poll(dossier(MFDS, receipt="T-1"))
        with pytest.raises(AgencyUnavailable):
            await distant.submit(dossier(MFDS))


@pytest.mark.parametrize("worker", [True, False], ids=["its system fails", "its worker is away"])
async def test_an_agency_that_is_reached_by_its_worker_is_known_to_fail(
    client: Client, worker: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its worker's breaker, or by ours of the way to it; forgiven, it is asked again."""
    monkeypatch.setattr(gateway, "WORKER_WITHIN", timedelta(seconds=1))
    file = own(agency("kats"), breaker_failures=2, breaker_pause="1h")
    with system(answer(500)) as running:
        async with both_sides(client, running.url, file) if worker else two_sides(client, file) as two:
            failing = []
            for _ in range(3):
                with pytest.raises(ChannelError) as told:
                    await two.gateway.submit(dossier(file))
                failing.append(told.value.failing)
            assert failing == ([False, True, True] if worker else [True, True, True])
            if not worker:
                with pytest.raises(AgencyUnavailable, match="no worker of kats is at work"):
                    await two.gateway.submit(dossier(file))
                two.gateway.forgive("kats")
                async with (
                    gateway_to(running.url, file, clock=now) as near,
                    two.agency_works("kats", near),
                ):
                    with pytest.raises(InDoubt):
                        await two.gateway.submit(dossier(file))
    assert len(running.heard) == (2 if worker else 1)
