"""A folder that changes while it is in force: what is sound is taken, what is not changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import structlog

from hub.clock import utc_now
from hub.config.checking import Checker
from hub.config.faults import ConfigurationFaults
from hub.config.folder import Folder as Files
from hub.config.live import LiveConfiguration
from hub.ports import SHARED_FILES
from hub.store import Store, create_store
from hub.variables import Variables
from tests.config.conftest import ENVIRONMENT, Folder
from tests.plugins.databases import sqlite_url  # noqa: F401 - a fixture

IMPORTS = '<definitions><import location="deep/two.wsdl"/></definitions>'


@pytest.fixture
def store(sqlite_url: str) -> Store:  # noqa: F811 - a fixture
    return create_store(sqlite_url, sync="normal")


class Process:
    """One process that follows a folder."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        environment: Mapping[str, str] = ENVIRONMENT,
        secrets: Path | None = None,
    ) -> None:
        variables = Variables(secrets, environment)
        checker = Checker(folder, development=False, environment=lambda _: variables.read())
        files = Files(folder, checker.documents.plain)
        self.live = LiveConfiguration(files, checker, store, utc_now, "test", beside=variables.state)

    def started(self) -> Process:
        self.live.start()
        return self

    def settle(self) -> LiveConfiguration:
        """Look until the folder has come to rest, as the loop does with pauses between."""
        self.live.look()
        while self.live.pause < 1:
            self.live.look()
        return self.live

    def versions(self) -> dict[str, str]:
        return dict(self.live.current.versions)


@pytest.fixture
def process(folder: Folder, store: Store) -> Process:
    return Process(folder.path, store).started()


def kinds(store: Store, agency: str) -> list[str]:
    return [change.kind.value for change in reversed(store.agency_changes(agency, 100))]


def test_a_sound_change_is_taken_and_written_down(process: Process, folder: Folder, store: Store) -> None:
    """A new version for that agency and no other; the one before is kept."""
    before = process.versions()
    folder.spoil("agencies/plants.yaml", "answer_within: 3wd", "answer_within: 4wd")
    live = process.settle()
    assert live.current.catalogue.service("plants-import").answer_within == "4wd"
    assert live.current.versions["labs"] == before["labs"]
    assert live.current.versions["plants"] != before["plants"]
    kept = store.version_files("plants", before["plants"])
    assert kept is not None
    assert b"answer_within: 3wd" in kept.files["agencies/plants.yaml"]
    assert store.in_force()["plants"].version == live.current.versions["plants"]
    assert live.since("plants") == store.in_force()["plants"].since


def test_a_file_half_written_is_not_taken(process: Process, folder: Folder) -> None:
    """A change counts when two looks find the same; until then nothing is said of it."""
    path = folder.path / "agencies/plants.yaml"
    whole = folder.text("agencies/plants.yaml").replace("3wd", "5wd")
    for end in range(100, len(whole), 400):
        path.write_text(whole[:end])
        assert not process.live.look()
        assert process.live.refusal("plants") is None
    path.write_text(whole)
    assert process.settle().current.catalogue.service("plants-import").answer_within == "5wd"


def test_what_a_contract_imports_is_part_of_the_version(folder: Folder, store: Store) -> None:
    """Two levels deep, also a file that was missing at first."""
    folder.write("contracts/plants.wsdl", IMPORTS)
    folder.write("contracts/deep/two.wsdl", "<a schemaLocation='three.xsd'/>")
    process = Process(folder.path, store).started()
    seen = [process.versions()["plants"]]
    for content in ("<schema/>", "<schema> </schema>"):
        folder.write("contracts/deep/three.xsd", content)
        process.settle()
        seen.append(process.versions()["plants"])
    assert len(set(seen)) == 3
    kept = store.version_files("plants", seen[1])
    assert kept is not None
    assert sorted(kept.files) == [
        "agencies/plants.yaml",
        "contracts/deep/three.xsd",
        "contracts/deep/two.wsdl",
        "contracts/plants.wsdl",
    ]
    assert kept.files["contracts/deep/three.xsd"] == b"<schema/>"


def test_a_broken_file_changes_nothing_and_says_why(process: Process, folder: Folder, store: Store) -> None:
    """The others' sound changes are taken beside it; mending it heals, and each is told once."""
    before = process.versions()
    folder.spoil("agencies/plants.yaml", "on_expiry: hold", "on_expiry: explode")
    folder.spoil("agencies/labs.yaml", "answer_within: 48h", "answer_within: 24h")
    with structlog.testing.capture_logs() as logs:
        live = process.settle()
        folder.write("agencies/.labs.yaml.swp", "noise")
        process.settle()
    assert live.current.versions["plants"] == before["plants"]
    assert live.current.catalogue.service("labs-import").answer_within == "24h"
    refusal = live.refusal("plants")
    assert refusal is not None
    assert refusal.faults[0].line == folder.line("agencies/plants.yaml", "on_expiry: explode")
    [told] = [entry for entry in logs if entry["event"] == "configuration.refused"]
    assert (told["log_level"], told["file"]) == ("error", "agencies/plants.yaml")
    folder.spoil("agencies/plants.yaml", "on_expiry: explode", "on_expiry: hold")
    assert process.settle().refusal("plants") is None
    assert kinds(store, "plants") == ["applied", "refused", "mended"]
    folder.spoil("agencies/plants.yaml", "on_expiry: hold", "on_expiry: escalate")
    process.settle()
    assert kinds(store, "plants")[3:] == ["applied"]


def test_a_new_agency_appears_and_an_old_one_goes(process: Process, folder: Folder, store: Store) -> None:
    """A new file that is broken is simply not there."""
    folder.write("agencies/more.yaml", folder.text("agencies/labs.yaml"))
    live = process.settle()
    assert list(live.current.agencies) == ["labs", "plants"]
    assert live.refusal("more") is not None
    text = folder.text("agencies/labs.yaml").replace("labs-", "more-").replace("agency: labs", "agency: more")
    folder.write("agencies/more.yaml", text.replace('["22101"]', '["22102"]'))
    assert list(process.settle().current.agencies) == ["labs", "more", "plants"]
    (folder.path / "agencies/more.yaml").unlink()
    assert list(process.settle().current.agencies) == ["labs", "plants"]
    assert kinds(store, "more") == ["refused", "applied", "removed"]


def test_an_agency_that_another_one_needs_does_not_go(process: Process, folder: Folder) -> None:
    """Without it two files that have not changed would be at fault; with them mended it goes."""
    (folder.path / "agencies/labs.yaml").unlink()
    live = process.settle()
    assert list(live.current.agencies) == ["labs", "plants"]
    refusal = live.refusal("labs")
    assert refusal is not None
    assert {fault.file for fault in refusal.faults} == {"agencies/plants.yaml", "exemptions.yaml"}
    folder.spoil("agencies/plants.yaml", "    alternative_group: certificate\n", "")
    folder.spoil("exemptions.yaml", '  "22B03": {law: "22"', '  "13B03": {law: "13"')
    assert list(process.settle().current.agencies) == ["plants"]


def test_a_service_moves_from_one_agency_to_another(process: Process, folder: Folder) -> None:
    """Each of the two changes alone would be at fault; a broken third one does not stop them."""
    batch = folder.text("agencies/labs.yaml").partition("  labs-batch:")[2].partition("channel:")[0]
    folder.spoil("agencies/labs.yaml", "  labs-batch:" + batch, "")
    moved = batch.replace("answers: feed", "answers: poll")
    folder.spoil("agencies/plants.yaml", "channel:\n", "  labs-batch:" + moved + "channel:\n")
    folder.write("agencies/third.yaml", "agency: third\n")
    live = process.settle()
    assert live.current.catalogue.service("labs-batch").agency == "plants"
    assert live.refusal("third") is not None


@pytest.fixture
def more(process: Process, folder: Folder) -> Path:
    """The file of an agency in force that no other file needs."""
    text = folder.text("agencies/labs.yaml").replace("labs-", "more-").replace("agency: labs", "agency: more")
    folder.write("agencies/more.yaml", text.replace('["22101"]', '["22102"]'))
    assert "more" in process.settle().current.agencies
    return folder.path / "agencies/more.yaml"


@pytest.mark.parametrize("wrong", ["other.yaml", "more.yml", "more.YAML"])
def test_a_file_that_is_badly_renamed_does_not_take_its_agency_along(
    process: Process, folder: Folder, more: Path, wrong: str
) -> None:
    """The slug still says more, or the name ends so that it is not read: what was in force stays."""
    before = process.live.current
    renamed = more.rename(more.with_name(wrong))
    live = process.settle()
    assert live.current is before
    refusal = live.refusal("more")
    assert refusal is not None
    assert wrong in refusal.faults[-1].what
    renamed.rename(more.with_name("other.yaml"))
    folder.spoil("agencies/other.yaml", "agency: more", "agency: other")
    assert list(process.settle().current.agencies) == ["labs", "other", "plants"]
    assert live.refusal("more") is None


def test_a_service_that_was_moved_to_a_broken_file_stays_where_it_was(
    process: Process, folder: Folder, more: Path
) -> None:
    """Else nobody would be asked for that consent until the other file is mended."""
    batch = folder.text("agencies/more.yaml").partition("  more-batch:")[2].partition("channel:")[0]
    folder.spoil("agencies/more.yaml", "  more-batch:" + batch, "")
    moved = "  more-batch:" + batch.replace("answers: feed", "answers: poll")
    folder.spoil("agencies/plants.yaml", "channel:\n", moved + "channel: [\n")
    live = process.settle()
    assert live.current.catalogue.service("more-batch").agency == "more"
    assert live.refusal("more") is not None
    folder.spoil("agencies/plants.yaml", "channel: [\n", "channel:\n")
    assert process.settle().current.catalogue.service("more-batch").agency == "plants"
    assert live.refusal("more") is None


def test_a_broken_file_does_not_keep_another_agency_from_leaving(
    process: Process, folder: Folder, more: Path
) -> None:
    more.unlink()
    folder.spoil("agencies/plants.yaml", "on_expiry: hold", "on_expiry: explode")
    live = process.settle()
    assert list(live.current.agencies) == ["labs", "plants"]
    assert live.refusal("plants") is not None


@pytest.mark.parametrize("emptied", [True, False])
def test_agencies_do_not_leave_all_at_once(
    process: Process, folder: Folder, more: Path, emptied: bool
) -> None:
    """The folder of their files emptied, or gone."""
    before = process.live.current
    away = folder.path / "away"
    more.parent.rename(away)
    if emptied:
        more.parent.mkdir()
    with structlog.testing.capture_logs() as logs:
        assert process.settle().current is before
    assert [entry["event"] for entry in logs] == ["configuration.not_followed"]
    if emptied:
        more.parent.rmdir()
    away.rename(more.parent)
    more.unlink()
    assert list(process.settle().current.agencies) == ["labs", "plants"]


def test_an_agency_whose_file_is_written_anew_is_never_gone(process: Process, more: Path) -> None:
    """Deleted, looked for several times, and there again."""
    before, text = process.live.current, more.read_text()
    more.unlink()
    for _ in range(4):
        process.live.look()
    more.write_text(text)
    assert process.settle().current is before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("attributes.yaml", "type: bool", "type: boolean"),
        ("attributes.yaml", "used:", "second_hand:"),  # sound by itself, but a condition reads item.used
        ("lists.yaml", "cites_species", "protected"),
        ("policy.yaml", "country: KR", "country: Korea"),
    ],
)
def test_a_broken_file_beside_the_agencies_keeps_the_good_one(
    process: Process, folder: Folder, store: Store, name: str, old: str, new: str
) -> None:
    """All agencies stay as they are, and what is wrong is in the history of the shared files."""
    before = process.live.current
    folder.spoil(name, old, new)
    assert process.settle().current is before
    [refused, _] = store.agency_changes(SHARED_FILES, 10)
    assert refused.kind == "refused"
    assert refused.faults
    folder.spoil(name, new, old)
    process.settle()
    assert kinds(store, SHARED_FILES)[-1] == "mended"


def test_after_a_restart_the_last_good_version_is_used(folder: Folder, store: Store) -> None:
    """Broken files on disk, an agency's and a shared one; a new file without a good version is not there."""
    first = Process(folder.path, store).started().live.current
    folder.spoil("agencies/plants.yaml", "on_expiry: hold", "on_expiry: explode")
    folder.spoil("lists.yaml", "lists:", "list:")
    folder.write("agencies/more.yaml", "agency: more\n")
    folder.spoil("agencies/labs.yaml", "answer_within: 48h", "answer_within: 24h")
    with structlog.testing.capture_logs() as logs:
        live = Process(folder.path, store).started().live
    assert live.current.versions["plants"] == first.versions["plants"]
    assert list(live.current.agencies) == ["labs", "plants"]
    assert live.current.catalogue.service("labs-import").answer_within == "24h"
    refused = [entry["file"] for entry in logs if entry["event"] == "configuration.refused"]
    assert sorted(refused) == ["agencies/more.yaml", "agencies/plants.yaml", "lists.yaml"]
    assert kinds(store, "plants") == ["applied", "refused"]


def test_without_a_good_version_a_process_does_not_start(folder: Folder, store: Store) -> None:
    """As ever: all faults are told. So it is where the very files in force have become faulty."""
    folder.spoil("agencies/plants.yaml", "on_expiry: hold", "on_expiry: explode")
    with pytest.raises(ConfigurationFaults, match="on_expiry"):
        Process(folder.path, store).started()
    folder.spoil("agencies/plants.yaml", "on_expiry: explode", "on_expiry: hold")
    Process(folder.path, store).started()
    with pytest.raises(ConfigurationFaults, match="LABS_TOKEN is not set"):
        Process(folder.path, store, {**ENVIRONMENT, "LABS_TOKEN": ""}).started()


def test_a_folder_that_is_away_is_not_one_without_agencies(process: Process, folder: Folder) -> None:
    """A mount that has gone, a checkout half done: what is in force stays, and is followed again later."""
    before = process.live.current
    folder.path.rename(folder.path.with_name("away"))
    assert process.settle().current is before
    folder.path.with_name("away").rename(folder.path)
    folder.spoil("agencies/plants.yaml", "answer_within: 3wd", "answer_within: 4wd")
    assert process.settle().current.catalogue.service("plants-import").answer_within == "4wd"
    for path in (folder.path / "agencies").iterdir():
        path.unlink()
    assert sorted(process.settle().current.agencies) == ["labs", "plants"]


class Away:
    """A store that may not answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = True

    def __getattr__(self, name: str) -> Callable[..., object]:
        method: Callable[..., object] = getattr(self._store, name)

        def answer(*given: object) -> object:
            if self.away:
                raise ConnectionError("the database is away")
            return method(*given)

        return answer


def test_nothing_is_in_force_before_it_is_written_down(folder: Folder, store: Store) -> None:
    """A process starts without its database, and says that its versions are not written down yet."""
    away = Away(store)
    process = Process(folder.path, away)  # type: ignore[arg-type]
    live = process.started().live
    assert not live.is_written_down
    away.away = False
    live.look()
    assert live.is_written_down
    assert store.in_force()["plants"].version == live.current.versions["plants"]
    away.away = True
    folder.spoil("agencies/plants.yaml", "answer_within: 3wd", "answer_within: 4wd")
    assert process.settle().current.catalogue.service("plants-import").answer_within == "3wd"
    away.away = False
    assert live.look()
    assert live.current.catalogue.service("plants-import").answer_within == "4wd"


def test_links_into_the_folder_are_followed_and_others_are_not(folder: Folder, store: Store) -> None:
    """Kubernetes mounts files as links that are exchanged together; editors leave links to nowhere."""
    for name in ("one", "two"):
        (folder.path / name).mkdir()
        text = folder.text("agencies/plants.yaml").replace("3wd", "7wd" if name == "two" else "6wd")
        folder.write(f"{name}/plants.yaml", text)
    link = folder.path / "..data"
    link.symlink_to("one")
    (folder.path / "agencies/plants.yaml").unlink()
    (folder.path / "agencies/plants.yaml").symlink_to("../..data/plants.yaml")
    (folder.path / "agencies/lock.yaml").symlink_to("somebody@somewhere.1234")
    process = Process(folder.path, store).started()
    assert process.live.current.catalogue.service("plants-import").answer_within == "6wd"
    (folder.path / "..next").symlink_to("two")
    (folder.path / "..next").replace(link)
    assert process.settle().current.catalogue.service("plants-import").answer_within == "7wd"


def test_secrets_come_and_change_as_files_do(folder: Folder, store: Store, tmp_path: Path) -> None:
    """A new agency's credential may come after its file; one that goes takes nothing down."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "LABS_TOKEN").write_text("of the folder\n")
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "PLANTS_PASSWORD"}
    (secrets / "PLANTS_PASSWORD").write_text("p-1\n")
    (secrets / "not-a-name").write_text("x")
    process = Process(folder.path, store, environment, secrets).started()
    held = process.live.current.environment or {}
    assert (held["LABS_TOKEN"], held["PLANTS_PASSWORD"]) == (ENVIRONMENT["LABS_TOKEN"], "p-1")
    assert "not-a-name" not in held
    folder.spoil("agencies/plants.yaml", "env:PLANTS_PASSWORD", "env:PLANTS_SECRET")
    refusal = process.settle().refusal("plants")
    assert refusal is not None
    assert "PLANTS_SECRET is not set" in refusal.faults[0].what
    (secrets / "PLANTS_SECRET").write_text("p-2")
    assert process.settle().refusal("plants") is None
    before = process.versions()
    (secrets / "PLANTS_SECRET").write_text("p-3")
    assert (process.settle().current.environment or {})["PLANTS_SECRET"] == "p-3"
    (secrets / "PLANTS_SECRET").unlink()
    assert (process.settle().current.environment or {})["PLANTS_SECRET"] == "p-3"
    assert process.versions() == before
