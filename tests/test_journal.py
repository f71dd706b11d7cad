"""The log's lines about events."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from hub import journal
from hub.domain.events import Event, EventType
from tests.store import sample
from tests.store.sample import PLANT, T0

MRN = "26KRD1GEDA8H7EECJ5"


def line_of(kind: EventType, service: str | None = None, agency: str | None = None, **data: Any) -> Any:
    with capture_logs() as lines:
        journal.tell([(Event(mrn=MRN, seq=3, at=T0, type=kind, service=service, data=data), agency)])
    [line] = lines
    return line


def test_a_line_says_which_event_it_is_and_what_it_is_about() -> None:
    assert line_of(EventType.REFERRAL_DELIVERED, PLANT, "apqa", reference="R-1", receipt={"values": {}}) == {
        "event": "referral.delivered",
        "log_level": "info",
        "mrn": MRN,
        "seq": 3,
        "agency": "apqa",
        "service": PLANT,
        "reference": "R-1",
    }


def test_trouble_is_a_warning_with_its_reason() -> None:
    line = line_of(EventType.REFERRAL_DELAYED, PLANT, "apqa", trouble="no connection")
    assert (line["log_level"], line["reason"]) == ("warning", "no connection")


def test_every_kind_of_event_has_its_facts() -> None:
    assert set(journal.FACTS) == set(EventType)
    assert set(journal.WARNINGS) <= set(EventType)


@pytest.mark.parametrize("kind", EventType)
def test_what_people_wrote_and_what_is_in_the_case_is_not_in_a_line(kind: EventType) -> None:
    """Of no kind of event: not the case, nor remarks, texts and sums."""
    written = dict.fromkeys(("case", "remarks", "text", "amount", "word", "question", "receipt"), "hunter2")
    assert "hunter2" not in str(line_of(kind, **written))


def test_an_acceptance_is_a_short_line() -> None:
    """How many are asked, not the whole case."""
    case = sample.acceptance(PLANT).case.model_dump(mode="json")
    line = line_of(EventType.DECLARATION_ACCEPTED, lrn="L-1", referrals=[{"service": PLANT}], case=case)
    assert {name: line[name] for name in line.keys() - {"event", "log_level", "mrn", "seq"}} == {
        "lrn": "L-1",
        "referrals": 1,
    }
