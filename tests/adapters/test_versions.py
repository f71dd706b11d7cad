"""A referral is served by the version it was accepted under, the agency by its newest file."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from hub.adapters import gateway
from hub.adapters.archive import Archive, Edition
from hub.adapters.gateway import Gateway
from hub.adapters.shelf import Shelf
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyUnavailable, NotUnderstood
from hub.domain.exchange import Asked, Dossier
from hub.domain.referral import Verdict
from hub.ports import AgencyFiles
from tests.adapters.support import FOLDER, NOW, SEOUL, agency, changed, dossier
from tests.adapters.system import Heard, Say, answer, system

MFDS = agency("mfds")
NEW_KEY = {"bearer": None, "api_key": {"header": "X-K", "value": "env:MFDS_KEY"}}
CONTRACT = (FOLDER / MFDS.channel.contract).read_bytes()


class Kept:
    """Versions as a store has them; it may be away."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], AgencyFiles] = {}
        self.last: dict[str, str] = {}
        self.away = False

    def keep(self, file: AgencyFile, version: str, contract: bytes = CONTRACT) -> None:
        text = json.dumps(file.model_dump(mode="json", by_alias=True, exclude_defaults=True)).encode()
        files = {f"agencies/{file.agency}.yaml": text, file.channel.contract: contract}
        self.versions[file.agency, version] = AgencyFiles(agency=file.agency, version=version, files=files)
        self.last[file.agency] = version

    def version_files(self, agency: str, version: str) -> AgencyFiles | None:
        if self.away:
            raise ConnectionError("the database is away")
        return self.versions.get((agency, version))

    def last_version(self, agency: str) -> str | None:
        if self.away:
            raise ConnectionError("the database is away")
        return self.last.get(agency)


class Hub:
    """A gateway to one agency at most, whose file changes."""

    def __init__(self) -> None:
        self.kept = Kept()
        self.shelf = Shelf()
        self.gateway = Gateway.without_agencies(lambda: NOW)

    def put_in_force(self, variables: Mapping[str, str], **files: AgencyFile) -> None:
        """Files by their versions; none, and the agency has left."""
        editions = {}
        for version, file in files.items():
            self.kept.keep(file, version)
            support = {file.channel.contract: CONTRACT}
            contracts = self.shelf.contracts(support)
            editions[file.agency] = Edition(file, version, contracts, SEOUL, support)
        self.gateway.change(editions, variables, Archive(self.kept, self.shelf, {"default": SEOUL}))


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    made = Hub()
    yield made
    await made.gateway.close()
    made.shelf.close()


class Office:
    """The agency's system: decides whatever it is asked about with the same word."""

    def __init__(self, word: str = "적합") -> None:
        self.word = word

    def __call__(self, heard: Heard) -> Say:
        if heard.method == "POST":
            return answer(200, json.dumps({"ticket": "T-1", "state": "OPEN"}))
        decision = {"decisionId": "D-1", "result": self.word, "decidedAt": "2026-03-01T10:00:00+09:00"}
        return answer(200, json.dumps({"ticket": "T-1", "state": "DECIDED", "decision": decision}))


def under(version: str, **more: Any) -> Dossier:
    """A referral accepted under a version."""
    asked = dossier(MFDS, receipt="T-1", **more)
    return asked.model_copy(update={"terms": asked.terms.model_copy(update={"config_version": version})})


def at(url: str, **more: str) -> dict[str, str]:
    return {"MFDS_ENDPOINT": url, "MFDS_TOKEN": "t-1", "MFDS_CALLBACK_SECRET": "s-1", **more}


def speaking(word: str, programme: str = "=referral.service", **channel: Any) -> AgencyFile:
    """The agency's file with one word for approval, and another mapping."""
    request = {**MFDS.channel.submit.request, "programme": programme}
    submit = {**MFDS.channel.submit.model_dump(mode="json"), "request": request}
    file = changed(MFDS, submit=submit, **channel)
    return file.model_copy(update={"verdicts": {word: Verdict.APPROVED}})


async def test_mapping_and_verdicts_are_those_of_the_referral_s_version(hub: Hub) -> None:
    """The new word means nothing to the old referral, and the other way round; each exchange says which."""
    office = Office("yes")
    with system(office) as running:
        hub.put_in_force(at(running.url), v1=speaking("yes", '="first"'))
        hub.put_in_force(at(running.url), v2=speaking("oui", '="second"'))
        for version in ("v1", "v2"):
            submission = await hub.gateway.submit(under(version))
            assert [e.config_version for e in submission.exchanges] == [version]
        old = await hub.gateway.poll(under("v1"))
        with pytest.raises(NotUnderstood, match="yes") as told:
            await hub.gateway.poll(under("v2"))
        sent = [json.loads(heard.body)["programme"] for heard in running.heard if heard.method == "POST"]
    assert sent == ["first", "second"]
    assert [d.verdict for d in old.decisions] == [Verdict.APPROVED]
    assert [e.config_version for e in (*old.exchanges, *told.value.exchanges)] == ["v1", "v2"]


async def test_address_and_credentials_are_the_newest_file_s(hub: Hub) -> None:
    """An agency moves for every referral, and changes its credentials for every referral."""
    with system(Office()) as before, system(Office()) as after:
        hub.put_in_force(at(before.url), v1=MFDS)
        moved = speaking(
            "적합",
            endpoint="env:MFDS_NEW",
            auth=NEW_KEY,
        )
        hub.put_in_force(at(before.url, MFDS_NEW=after.url, MFDS_KEY="k-9"), v2=moved)
        answered = await hub.gateway.poll(under("v1"))
    assert before.heard == []
    [heard] = after.heard
    assert (heard.headers["x-k"], heard.headers.get("authorization")) == ("k-9", None)
    assert answered.exchanges[0].request["headers"]["X-K"] == "***"


async def test_what_the_newest_file_has_learned_serves_referrals_of_before(hub: Hub) -> None:
    """A version that could not withdraw: the newest can. What a version can do itself stays its own."""
    with system(Office()) as running:
        hub.put_in_force(at(running.url), v1=changed(MFDS, withdraw=None))
        assert Asked.WITHDRAW not in await hub.gateway.abilities("mfds", "v1")
        hub.put_in_force(at(running.url), v2=changed(MFDS, inform=None))
        assert await hub.gateway.abilities("mfds", "v1") == frozenset(Asked)
        [withdrawn] = await hub.gateway.withdraw(under("v1"), None)
        reminded = await hub.gateway.remind(under("v1"))
    assert withdrawn.config_version == "v2"
    assert [exchange.config_version for exchange in reminded] == ["v1"]


async def test_a_version_that_this_process_is_about_to_find_is_no_earlier_one(hub: Hub) -> None:
    """Another process has taken the new file already: its referral goes where the new file says."""
    with system(Office()) as before, system(Office()) as after:
        hub.put_in_force(at(before.url, MFDS_NEW=after.url), v1=MFDS)
        hub.kept.keep(changed(MFDS, endpoint="env:MFDS_NEW"), "v2")
        await hub.gateway.poll(under("v2"))
        assert (len(before.heard), len(after.heard)) == (0, 1)


async def test_all_versions_share_one_set_of_limits(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """One slot, taken by an old referral, is taken for a new one too; the newest file says how many."""
    monkeypatch.setattr(gateway, "PATIENCE", 0.05)
    one = changed(MFDS, limits={"concurrency": 1, "timeout": "5s"})
    with system(Say(hold=True)) as running:
        hub.put_in_force(at(running.url), v1=one)
        hub.put_in_force(at(running.url), v2=one.model_copy(update={"note": "edited"}))
        first = asyncio.create_task(hub.gateway.poll(under("v1")))
        while not running.heard:
            await asyncio.sleep(0.01)
        with pytest.raises(AgencyUnavailable, match="busy"):
            await hub.gateway.poll(under("v2"))
        hub.put_in_force(at(running.url), v3=changed(one, limits={"concurrency": 2}))
        second = asyncio.create_task(hub.gateway.poll(under("v2")))
        while len(running.heard) < 2:
            await asyncio.sleep(0.01)
    for cut in (first, second):
        with pytest.raises(AgencyUnavailable):
            await cut


async def test_an_open_breaker_stays_open_when_the_file_changes(hub: Hub) -> None:
    """Unless the address is another, of which nothing is known yet."""
    file = changed(MFDS, limits={"breaker_failures": 1, "attempts": 1})
    with system(Say()) as broken, system(Office()) as sound:
        hub.put_in_force(at(broken.url, MFDS_NEW=sound.url), v1=file)
        with pytest.raises(AgencyUnavailable):
            await hub.gateway.poll(under("v1"))
        hub.put_in_force(at(broken.url, MFDS_NEW=sound.url), v2=file.model_copy(update={"note": "edited"}))
        with pytest.raises(AgencyUnavailable, match="too many requests in a row"):
            await hub.gateway.poll(under("v1"))
        hub.put_in_force(at(broken.url, MFDS_NEW=sound.url), v3=changed(file, endpoint="env:MFDS_NEW"))
        assert (await hub.gateway.poll(under("v1"))).decisions


async def test_an_agency_that_has_left_is_still_asked(hub: Hub) -> None:
    """By a gateway that has known it, and by one that was started since; its callbacks come in too."""
    with system(Office()) as running:
        hub.put_in_force(at(running.url), v1=MFDS)
        hub.put_in_force(at(running.url))
        fresh = Hub()
        fresh.kept = hub.kept
        fresh.put_in_force(at(running.url))
        try:
            for each in (hub, fresh):
                assert (await each.gateway.poll(under("v1"))).decisions
                message = {"noticeId": "N-1", "clientReference": "r", "ticket": "T", "decision": {}}
                body = json.dumps(message).encode()
                stamp = str(int(NOW.timestamp()))
                signature = hmac.new(b"s-1", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
                headers = {"x-timestamp": stamp, "x-signature": signature}
                read = await asyncio.to_thread(each.gateway.read_callback, "mfds", headers, body, NOW)
                assert read.message_id == "N-1"
        finally:
            await fresh.gateway.close()
            fresh.shelf.close()
    with pytest.raises(KeyError):
        hub.gateway.read_callback("nobody", {}, b"", NOW)
    with pytest.raises(NotUnderstood, match="there is no agency 'nobody'"):
        await hub.gateway.pull_feed("nobody")


async def test_a_version_that_was_never_kept_is_served_by_the_newest_file(hub: Hub) -> None:
    """Such a referral is older than the keeping of versions."""
    with system(Office()) as running:
        hub.put_in_force(at(running.url), v2=MFDS)
        answered = await hub.gateway.poll(under("of-before"))
    assert [e.config_version for e in answered.exchanges] == ["v2"]


async def test_a_version_that_cannot_be_had_now_is_asked_for_again_later(hub: Hub) -> None:
    """The store is away: nothing is sent, and nothing is guessed."""
    with system(Office()) as running:
        hub.kept.keep(MFDS, "v1")
        hub.put_in_force(at(running.url), v2=MFDS)
        hub.kept.away = True
        with pytest.raises(AgencyUnavailable, match="earlier version of mfds"):
            await hub.gateway.poll(under("v1"))
        assert running.heard == []
        hub.kept.away = False
        assert (await hub.gateway.poll(under("v1"))).decisions


@pytest.mark.parametrize("spoilt", ["contract", "file"])
async def test_a_version_that_cannot_be_prepared_any_more_is_told_in_words(hub: Hub, spoilt: str) -> None:
    """A person must look; other referrals go on."""
    with system(Office()) as running:
        hub.kept.keep(MFDS, "v1", b"<html>" if spoilt == "contract" else CONTRACT)
        if spoilt == "file":
            kept = hub.kept.versions["mfds", "v1"]
            broken = {**kept.files, "agencies/mfds.yaml": b"agency: mfds\nof_old: 1\n"}
            hub.kept.versions["mfds", "v1"] = kept.model_copy(update={"files": broken})
        hub.put_in_force(at(running.url), v2=MFDS)
        words = "cannot be used" if spoilt == "contract" else "version v1 of mfds cannot be read any more"
        with pytest.raises(NotUnderstood, match=words):
            await hub.gateway.poll(under("v1"))
        assert (await hub.gateway.poll(under("v2"))).decisions


async def test_secrets_of_requests_are_the_newest_file_s(hub: Hub) -> None:
    """By the names that the earlier mapping has for them; one that is gone is told, and nothing is sent."""

    def with_secrets(**secrets: str) -> AgencyFile:
        poll = {**MFDS.channel.poll.model_dump(mode="json"), "headers": {"X-Pin": "=secret.pin"}}
        return changed(MFDS, poll=poll, secrets=secrets)

    with system(Office()) as running:
        variables = at(running.url, OLD_PIN="pin-of-old", NEW_PIN="pin-of-today")
        hub.put_in_force(variables, v1=with_secrets(pin="env:OLD_PIN"))
        hub.put_in_force(variables, v2=with_secrets(pin="env:NEW_PIN"))
        answered = await hub.gateway.poll(under("v1"))
        assert [heard.headers["x-pin"] for heard in running.heard] == ["pin-of-today"]
        assert "pin-of-today" not in answered.model_dump_json()
        hub.put_in_force(variables, v3=MFDS)
        with pytest.raises(NotUnderstood, match=r"secret\.pin, and `channel\.secrets`.* has no pin: add it"):
            await hub.gateway.poll(under("v1"))
        assert len(running.heard) == 1
