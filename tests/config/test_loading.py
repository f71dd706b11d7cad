"""A folder without faults, as the hub works by it."""

from __future__ import annotations

import inspect
import json
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.config import models, reference
from hub.config.faults import Fault
from hub.config.loader import ConfigurationFaults, load
from hub.config.schema import FILE_NAME, schema_text
from hub.domain.declaration import Procedure
from hub.domain.referral import Answers, OnExpiry


def test_a_folder_without_faults_becomes_a_catalogue(folder) -> None:
    """Services, rows, conditions, attributes, lists and exemptions are what the files say."""
    catalogue = folder.load().catalogue
    assert [s.code for s in catalogue.services] == ["labs-import", "labs-batch", "plants-import"]
    service = catalogue.service("plants-import")
    assert (service.agency, service.law_code, service.procedures) == (
        "plants",
        "13",
        frozenset({Procedure.IMPORT}),
    )
    assert (service.answers, service.on_expiry, service.answer_within) == (Answers.POLL, OnExpiry.HOLD, "3wd")
    assert [(r.prefix, r.excluded) for r in service.rows] == [
        ("0601", False),
        ("8429", False),
        ("842959", True),
        ("060110", False),
    ]
    assert service.rows[3].valid.start == date(2026, 1, 1)
    assert service.rows[3].needed_when is not None
    assert service.rows[3].needed_when({"item.used": True}) is True
    assert service.needed_when is not None
    assert service.needed_when.names == ("item.hs_code", "item.used", "item.species")
    facts = {"item.hs_code": "842952", "item.used": True, "item.species": "Huso huso"}
    assert service.needed_when(facts) is True
    assert service.needed_when({**facts, "item.species": "Rosa"}) is False
    absent = {name: a.absent for name, a in catalogue.attributes.items()}
    assert absent == {"used": False, "species": "unknown", "voltage": 12.0, "materials": ()}
    assert catalogue.lists == {"cites_species": ("Huso huso", "Panthera tigris")}
    assert catalogue.exemptions["22B03"].document_required
    assert catalogue.agencies["plants"]["ko"] == "식물청"


def test_each_agency_has_the_calendar_it_names(folder) -> None:
    """Calendars are by agency; one that names none works by the default."""
    calendars = folder.load().calendars
    assert calendars["plants"].zone == ZoneInfo("Asia/Seoul")
    assert calendars["labs"].zone == ZoneInfo("America/New_York")
    assert calendars["labs"].closes_at == time(23, 30)
    assert calendars["labs"].weekend == frozenset({6})


@pytest.mark.parametrize(
    ("agency", "day", "works"),
    [
        ("plants", date(2026, 3, 2), False),  # 1 March is a Sunday: its substitute holiday
        ("plants", date(2026, 3, 3), True),
        ("plants", date(2026, 2, 17), False),  # new year by the moon
        ("plants", date(2027, 2, 9), False),  # in 2027 it falls on a Sunday: its substitute holiday
        ("plants", date(2027, 2, 10), True),
        ("plants", date(2026, 3, 7), False),  # a Saturday
        ("labs", date(2026, 3, 3), False),  # closed in the file
        ("labs", date(2026, 3, 7), True),  # its weekend is Sunday alone
        ("labs", date(2021, 12, 31), False),  # the new year observed in the old one
        ("labs", date(2026, 7, 4), False),
    ],
)
def test_calendars_know_public_holidays_and_closures(folder, agency: str, day: date, works: bool) -> None:
    """Public holidays with their substitutes, weekends, and what the file adds."""
    assert folder.load().calendars[agency].works_on(day) is works


def test_a_term_of_working_days_ends_at_the_close_of_business(folder) -> None:
    """Three working days over the new year by the moon end a week later, at 18:00 in Seoul."""
    calendar = folder.load().calendars["plants"]
    due = calendar.due(datetime(2026, 2, 13, 3, tzinfo=UTC), "3wd")
    assert due == datetime(2026, 2, 23, 9, tzinfo=UTC)


def test_versions_follow_the_content_of_files(folder) -> None:
    """An edit changes the version of its file and of the whole, and of nothing else; so does a contract."""
    before = folder.load()
    assert before.version == folder.load().version
    folder.spoil("agencies/labs.yaml", "Batch test", "Batch tests")
    edited = folder.load()
    assert edited.versions["labs"] != before.versions["labs"]
    assert edited.versions["plants"] == before.versions["plants"]
    assert edited.version != before.version
    assert edited.catalogue.version == edited.version
    folder.write("contracts/labs.yaml", "openapi: 3.1.1\n")
    assert folder.load().version != edited.version
    assert all(len(version) == 12 for version in (*edited.versions.values(), edited.version))


def test_the_rulebook_is_the_configuration_as_intake_reads_it(folder) -> None:
    """Country, policy, versions and the administration's own zone."""
    configuration = folder.load()
    rulebook = configuration.rulebook()
    assert (rulebook.country, rulebook.policy.refusal_open_for) == ("KR", "30d")
    assert rulebook.zone == ZoneInfo("Asia/Seoul")
    assert rulebook.catalogue is configuration.catalogue
    assert rulebook.versions == configuration.versions
    folder.spoil("policy.yaml", "30d", "31d")
    assert folder.load().rulebook().policy.version != rulebook.policy.version


def test_anchors_repeat_what_they_name(folder) -> None:
    """A part written once can stand in several places."""
    folder.spoil("agencies/labs.yaml", "law: {en: Safety Act}", "law: &law {en: Safety Act}")
    text = folder.text("agencies/labs.yaml")
    folder.write("agencies/labs.yaml", text.replace("law: {en: Safety Act}", "law: *law"))
    assert folder.load().catalogue.service("labs-batch").law == {"en": "Safety Act"}


def test_codes_and_words_are_text(folder) -> None:
    """YAML 1.2: `yes`, `no`, days and times of day are words; quoted codes keep their zeros."""
    configuration = folder.load()
    assert set(configuration.agencies["labs"].verdicts) == {"yes", "no"}
    assert set(configuration.agencies["plants"].verdicts) == {"01", "02"}


def test_development_takes_what_production_refuses(folder) -> None:
    """Plain http, an open callback and unset variables are for development only."""
    folder.spoil("agencies/labs.yaml", "https://labs.example/api", "http://127.0.0.1:8080")
    folder.spoil("agencies/labs.yaml", "auth: {hmac: {secret: env:LABS_SECRET}}", "auth: {}")
    assert folder.load(development=True, environment={}).agencies["labs"].channel.endpoint.startswith("http:")
    assert len(folder.faults()) == 2


def test_without_an_environment_names_alone_are_checked(folder) -> None:
    """A folder can be checked where its secrets are not."""
    assert load(folder.path, development=False).agencies["labs"].channel.auth.bearer == "env:LABS_TOKEN"


def test_the_folder_of_the_project_has_no_faults(root: Path) -> None:
    """What is shipped loads, in development and as it would in production."""
    for development in (True, False):
        configuration = load(root / "adapters_config", development=development)
        assert configuration.catalogue.services
        assert set(configuration.calendars) == set(configuration.agencies)


def test_the_schema_in_the_folder_is_current(root: Path) -> None:
    """Editors check by what the code checks by; `make reference` brings it up to date."""
    committed = (root / "adapters_config" / FILE_NAME).read_text(encoding="utf-8")
    assert json.loads(committed) == json.loads(schema_text())


def test_the_reference_in_the_folder_is_current(root: Path) -> None:
    """Every key with type, default and meaning, as the code has it; `make reference` brings it up to date."""
    assert (root / "adapters_config" / reference.FILE_NAME).read_text() == reference.reference_text()


def test_every_key_has_a_meaning() -> None:
    """A key that nobody has explained is one that nobody can set."""
    kinds = [o for o in vars(models).values() if inspect.isclass(o) and issubclass(o, models.FileModel)]
    missing = [f"{m.__name__}.{k}" for m in kinds for k, f in m.model_fields.items() if not f.description]
    assert missing == []


def test_a_missing_folder_is_told() -> None:
    """The one fault of a folder that is not there."""
    with pytest.raises(ConfigurationFaults) as caught:
        load(Path("nowhere-at-all"), development=True)
    assert [f.what for f in caught.value.faults] == ["there is no folder 'nowhere-at-all'"]


def test_the_report_is_readable() -> None:
    """File, line, key, what is wrong; the cure below it; in the order of files and lines."""
    faults = ConfigurationFaults(
        [
            Fault("b.yaml", 2, "x", "is wrong", ""),
            Fault("agencies/a.yaml", 12, "services.a-b.hs[3]", "is odd", "write it right"),
        ]
    )
    assert str(faults) == (
        "2 faults in the configuration\n"
        "agencies/a.yaml:12  services.a-b.hs[3]  is odd\n"
        "    cure: write it right\n"
        "b.yaml:2  x  is wrong"
    )
