"""`hub worker --agency`: what it needs, what it does not, and how it follows its files."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from temporalio.client import Client

from hub.agency_worker import AgencyWorker
from hub.distant import DistantGateway
from hub.domain.errors import NotUnderstood
from hub.domain.exchange import Submission
from hub.settings import AgencyWorkerSettings, InsecureSettings
from hub.workbench.unready import Unready
from tests.adapters.support import FOLDER, agency, dossier
from tests.adapters.system import answer, system
from tests.distant.support import Two, own, two_sides

pytestmark = pytest.mark.asyncio(loop_scope="module")

KATS = own(agency("kats"))
RECEIPT = '{"review_id": "RV-1", "reference": "x"}'


class Place:
    """The folder on the agency's machine: its file, its contract, and what all agencies share."""

    def __init__(self, folder: Path, client: Client) -> None:
        self.folder = folder
        self.file = folder / "agencies" / "kats.yaml"
        self.settings = AgencyWorkerSettings(
            environment="development",
            config_folder=folder,
            temporal_address=client.service_client.config.target_host,
        )
        for shared in FOLDER.glob("*.yaml"):
            shutil.copy(shared, folder)
        shutil.copytree(FOLDER / "contracts", folder / "contracts")
        self.file.parent.mkdir()
        text = (FOLDER / "agencies" / "kats.yaml").read_text()
        self.file.write_text(text.replace("channel:\n", "channel:\n  own_worker: true\n", 1))

    def change(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[AgencyWorker]:
        stop = asyncio.Event()
        worker = AgencyWorker(self.settings, "kats")
        working = asyncio.create_task(worker.work(stop))
        try:
            yield worker
        finally:
            stop.set()
            await working


@pytest.fixture
def place(tmp_path: Path, client: Client) -> Place:
    return Place(tmp_path, client)


async def submit(gateway: DistantGateway, version: str) -> Submission:
    """A referral that was accepted under this version."""
    asked = dossier(KATS)
    terms = asked.terms.model_copy(update={"config_version": version})
    return await gateway.submit(asked.model_copy(update={"terms": terms}))


async def until_served_by_another(two: Two, before: str) -> Submission:
    """A new declaration's submission, as soon as another version serves; live within five seconds."""
    async with asyncio.timeout(5):
        while True:
            submission = await submit(two.gateway, "of-a-hub-that-is-further")
            if submission.exchanges[0].config_version != before:
                return submission
            await asyncio.sleep(0.1)


async def test_it_needs_what_requests_need_and_says_so(place: Place) -> None:
    """Not what callbacks are signed with, and no other agency's file."""
    (place.folder / "agencies" / "broken.yaml").write_text("agency: [")
    with pytest.raises(Unready) as told:
        AgencyWorker(place.settings, "kats")
    assert "KATS_ENDPOINT" in str(told.value)
    assert "KATS_KEY" in str(told.value)
    assert "KATS_CALLBACK_SECRET" not in str(told.value)
    assert "`hub worker --agency kats`" in str(told.value)


async def test_an_agency_that_is_not_in_the_folder_is_told(place: Place) -> None:
    """With what was perhaps meant."""
    with pytest.raises(Unready, match="did you mean 'kats'"):
        AgencyWorker(place.settings, "kat")


async def test_it_needs_no_settings_of_the_hub_and_does_not_simulate_in_production() -> None:
    """Neither cargo system nor database."""
    assert not AgencyWorkerSettings().development
    with pytest.raises(InsecureSettings, match="HUB_SIMULATOR_URL"):
        AgencyWorkerSettings(simulator_url="http://127.0.0.1:1")


async def test_it_follows_its_files_while_it_works(
    client: Client, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A changed file is live for new declarations; a referral of a version that it has had is served by that
    version, of one that it has never had by the newest; a broken file changes nothing.
    """
    with system(answer(200, RECEIPT)) as running:
        monkeypatch.setenv("KATS_ENDPOINT", running.url)
        monkeypatch.setenv("KATS_KEY", "key-of-kats")
        async with two_sides(client, KATS) as two, place.at_work():
            first = (await submit(two.gateway, "never-had")).exchanges[0]
            assert first.request["url"] == f"{running.url}/v1/reviews"

            place.change("=declaration.importer.name", "\"='changed ' + declaration.importer.name\"")
            changed = (await until_served_by_another(two, first.config_version)).exchanges[0]
            assert "changed " in changed.request["body"]
            served = (await submit(two.gateway, first.config_version)).exchanges[0]
            assert served.config_version == first.config_version
            assert "changed " not in served.request["body"]

            with structlog.testing.capture_logs() as logs:
                place.change("answers: reply", "answers: whenever")
                while not [line for line in logs if line["event"] == "configuration.refused"]:
                    await asyncio.sleep(0.05)
            assert (await submit(two.gateway, "x")).exchanges[0].config_version == changed.config_version


async def test_what_it_tells_holds_no_credential(
    client: Client, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the agency repeats it."""
    with system(answer(400, '{"message": "your key key-of-kats is wrong"}')) as running:
        monkeypatch.setenv("KATS_ENDPOINT", running.url)
        monkeypatch.setenv("KATS_KEY", "key-of-kats")
        async with two_sides(client, KATS) as two, place.at_work():
            with pytest.raises(Exception, match="is wrong") as told:
                await submit(two.gateway, "x")
    assert not isinstance(told.value, NotUnderstood)
    assert "key-of-kats" not in str(told.value)
    assert "key-of-kats" not in str(told.value.exchanges)  # type: ignore[attr-defined]
