"""What the early warning has found, as people see it and what they do about it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.operations.watch.figures import instant
from hub.operations.watch.words import evidence_words
from hub.ports import (
    AuditFilter,
    Finding,
    Incident,
    IncidentFilter,
    IncidentKind,
    IncidentStep,
    Severity,
    UserRole,
)
from hub.store import Store
from tests.console.support import NOW, Console, console_parts, site_of
from tests.docs.support import ROOT
from tests.operations.watch.support import judged, record

APQA = Finding(
    kind=IncidentKind.AGENCY_FAILING,
    subject="apqa",
    severity=Severity.CRITICAL,
    evidence={"failed": "9 / 9 (100 %)"},
)
DISK = Finding(kind=IncidentKind.DISK_FULL, subject="database", severity=Severity.WARNING)


@pytest.fixture
def console(store: Store, clock: object) -> Console:
    parts = console_parts(
        store,
        clock,  # type: ignore[arg-type]
        open_incidents=store.open_incidents,
        runbook=ROOT / "docs" / "operations.md",
    )
    return Console(site_of(parts), store, clock)  # type: ignore[arg-type]


@pytest.fixture
def failing(store: Store) -> Incident:
    """An agency whose system fails; and a disk that is nearly full."""
    done = record(store, judged(APQA, DISK), NOW - timedelta(minutes=5))
    return done[0].incident


async def test_what_is_open_is_listed_and_leads_to_what_to_do(console: Console, failing: Incident) -> None:
    visitor = console.signed_in(UserRole.VIEWER)
    listed = (await visitor.get("/console/incidents")).text
    assert listed.index("system fails") < listed.rindex("The disk is full")
    page = (await visitor.get(f"/console/incidents/{failing.id}")).text
    assert "9 / 9 (100 %)" in page
    assert "Close the" in page  # of the runbook's section
    assert "<form" in page
    assert "/acknowledge" not in page  # a viewer does nothing


async def test_moments_that_were_measured_are_shown_by_the_clock_of_the_office(
    console: Console, store: Store
) -> None:
    """As everywhere else on the pages; mails, that are read anywhere, have them in UTC."""
    evidence = {"since": instant(NOW), "queued": "3"}
    paused = Finding(
        kind=IncidentKind.AGENCY_PAUSED, subject="apqa", severity=Severity.INFO, evidence=evidence
    )
    found = record(store, judged(paused), NOW)[0].incident
    visitor = console.signed_in(UserRole.VIEWER)
    for path in ("/console/incidents", f"/console/incidents/{found.id}"):
        page = (await visitor.get(path)).text
        assert ">20 Nov, 11:15</time>" in page
        assert "UTC" not in page
    assert evidence_words(evidence, "en") == [("since", "2026-11-20 02:15 UTC"), ("queued", "3")]


async def test_a_disagreement_is_named_in_words(console: Console, store: Store) -> None:
    """What the doctor calls `workflow_lost` is no word for people."""
    lost = Finding(kind=IncidentKind.DISAGREEMENT, subject="workflow_lost", severity=Severity.CRITICAL)
    found = record(store, judged(lost), NOW)[0].incident
    visitor = console.signed_in(UserRole.VIEWER)
    for path in ("/console/incidents", f"/console/incidents/{found.id}", "/console"):
        page = (await visitor.get(path)).text
        assert "Temporal knows no workflow of it" in page
        assert "workflow_lost" not in page


async def test_what_is_critical_stands_on_every_page_of_staff(console: Console, failing: Incident) -> None:
    visitor = console.signed_in(UserRole.VIEWER)
    for path in ("/console/incidents", "/console/account"):
        page = (await visitor.get(path)).text
        assert f'href="/console/incidents/{failing.id}"' in page
        assert 'aria-label="Critical incidents"' in page
    agencys = console.signed_in(UserRole.VIEWER, agency="mfds")
    assert "Critical incidents" not in (await agencys.get("/console/account")).text


async def test_an_operator_looks_after_it(console: Console, store: Store, failing: Incident) -> None:
    visitor = console.signed_in(UserRole.OPERATOR)
    path = f"/console/incidents/{failing.id}"
    page = await visitor.follow(await visitor.post(f"{path}/acknowledge", {"note": "on my way"}))
    assert "on my way" in page.text
    assert f"{path}/acknowledge" not in page.text
    await visitor.follow(await visitor.post(f"{path}/snooze", {"hours": "4"}))
    await visitor.follow(await visitor.post(f"{path}/note", {"said": "they reboot"}))
    found = store.incident(failing.id)
    assert found is not None
    assert found.acknowledged_by is not None
    assert found.snoozed_until == NOW + timedelta(hours=4)
    steps = [one.step for one in store.incident_changes(failing.id)]
    assert steps[1:] == [IncidentStep.ACKNOWLEDGED, IncidentStep.SNOOZED, IncidentStep.NOTED]
    lines = store.audit(AuditFilter(), None, 20).lines
    assert {line.action for line in lines} >= {
        "incident.acknowledged",
        "incident.snoozed",
        "incident.noted",
    }


async def test_a_form_that_is_not_filled_in_says_what_is_missing(console: Console, failing: Incident) -> None:
    visitor = console.signed_in(UserRole.OPERATOR)
    path = f"/console/incidents/{failing.id}"
    for action, data, said in (
        ("note", {"said": " "}, "Write something."),
        ("note", {"said": "x" * 1001}, "At most 1,000 characters."),
        ("acknowledge", {"note": "x" * 1001}, "At most 1,000 characters."),
        ("snooze", {"hours": "7"}, "Choose for how long."),
    ):
        answer = await visitor.post(f"{path}/{action}", data)
        assert answer.status_code == 422
        assert said in answer.text


async def test_viewers_are_refused_and_agencies_see_their_own(console: Console, failing: Incident) -> None:
    path = f"/console/incidents/{failing.id}"
    viewer = console.signed_in(UserRole.VIEWER)
    assert (await viewer.post(f"{path}/acknowledge")).status_code == 403
    own = console.signed_in(UserRole.OPERATOR, agency="apqa")
    listed = (await own.get("/console/incidents?state=all")).text
    assert "system fails" in listed
    assert f"{failing.id + 1}" not in [part.split('"')[0] for part in listed.split("/console/incidents/")[1:]]
    assert (await own.get(path)).status_code == 200
    assert (await own.get(f"/console/incidents/{failing.id + 1}")).status_code == 404
    assert (await own.post(f"{path}/acknowledge")).status_code == 403
    other = console.signed_in(UserRole.VIEWER, agency="mfds")
    assert (await other.get(path)).status_code == 404
    assert (await other.get("/console/incidents/999999999999")).status_code == 404


async def test_those_that_are_over_are_listed_page_by_page(console: Console, store: Store) -> None:
    found = [APQA.model_copy(update={"subject": f"agency-{number}"}) for number in range(60)]
    for number in range(5):
        record(store, judged(*found) if number == 0 else judged(), NOW - timedelta(minutes=5 - number))
    assert len(store.incidents(IncidentFilter(is_open=False), None, 100)) == 60
    visitor = console.signed_in(UserRole.VIEWER)
    first = (await visitor.get("/console/incidents?state=closed")).text
    assert first.count('<th scope="row">') == 50
    link = first.split('<nav class="pages"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    second = (await visitor.get(f"/console/incidents{link}")).text
    assert second.count('<th scope="row">') == 10
    assert "Older" not in second


async def test_nothing_is_wrong(console: Console) -> None:
    visitor = console.signed_in(UserRole.VIEWER)
    assert "Nothing is wrong" in (await visitor.get("/console/incidents")).text
    assert "There is none" in (await visitor.get("/console/incidents?severity=critical")).text
