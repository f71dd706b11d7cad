"""When an agency says it decided: believed, unless it lies in the future; and about which revision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.adapters.reading import DecisionReader, Misfit
from hub.config.models import DecisionReading
from hub.domain.case import Referral
from hub.domain.referral import Answers, Decision, OnExpiry, ReferralTerms, Verdict, Via
from hub.domain.settling import standing_decisions
from hub.expressions import roots

NOW = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
_READER = DecisionReader(
    DecisionReading.model_validate({"word": "=message.word", "decided_at": "=message.at"}),
    roots.MESSAGE,
    agency="apqa",
    verdicts={"OK": Verdict.APPROVED, "NO": Verdict.REFUSED},
    zone=ZoneInfo("Asia/Seoul"),
)


def said(word: str, stated: datetime, received: datetime = NOW) -> Decision:
    [decision] = _READER.read(
        {"message": {"word": word, "at": stated.isoformat()}},
        referral="M/s",
        key="M/s",
        referred=None,
        via=Via.CALLBACK,
        received_at=received,
        evidence=None,
    )
    return decision


@pytest.mark.parametrize(
    ("stated", "about"),
    [(2, 2), ("2", 2), (2.0, 2), (" 3 ", 3), (0, 0), ("", None), (None, None), (10**8, 10**8)],
)
def test_the_revision_that_an_agency_says_it_speaks_of(stated: object, about: int | None) -> None:
    assert of_revision(stated).about == about
    # The same word about another content is another decision; where nothing is said, the id is as ever.
    assert (of_revision(stated).id == of_revision("").id) is (about is None)


@pytest.mark.parametrize("stated", ["B", "1.5", 1.5, -1, True, [2], "２", "9" * 10])
def test_a_revision_that_is_no_whole_number_is_not_understood(stated: object) -> None:
    with pytest.raises(Misfit):
        of_revision(stated)


def of_revision(stated: object) -> Decision:
    reader = DecisionReader(
        DecisionReading.model_validate({"word": "=message.word", "revision": "=message.edition"}),
        roots.MESSAGE,
        agency="apqa",
        verdicts={"OK": Verdict.APPROVED},
        zone=ZoneInfo("Asia/Seoul"),
    )
    [decision] = reader.read(
        {"message": {"word": "OK", "edition": stated}},
        referral="M/s",
        key="M/s",
        referred=None,
        via=Via.CALLBACK,
        received_at=NOW,
        evidence=None,
    )
    return decision


@pytest.mark.parametrize("minutes", [-600, 0, 5])
def test_a_time_that_clocks_may_differ_by_is_believed(minutes: int) -> None:
    stated = NOW + timedelta(minutes=minutes)
    decision = said("OK", stated)
    assert (decision.decided_at, decision.stated_at) == (stated, None)


def test_a_time_in_the_future_is_kept_and_not_believed() -> None:
    stated = NOW + timedelta(minutes=5, seconds=1)
    decision = said("OK", stated)
    assert (decision.decided_at, decision.stated_at) == (NOW, stated)


def test_a_decision_dated_in_the_future_does_not_outweigh_a_later_one() -> None:
    """An agency with a wrong clock would otherwise never get its word changed."""
    later = NOW + timedelta(hours=1)
    decisions = (said("OK", NOW + timedelta(days=365)), said("NO", later, later))
    terms = ReferralTerms(
        id="M/s",
        mrn="M",
        service="s",
        agency="apqa",
        service_name={"en": "s"},
        law={"en": "s"},
        document="",
        items=(1,),
        answers=Answers.CALLBACK,
        answer_within="3wd",
        due_at=NOW,
        on_expiry=OnExpiry.HOLD,
        config_version="1",
    )
    [standing] = standing_decisions(Referral(terms=terms, decisions=decisions)).values()
    assert standing.verdict is Verdict.REFUSED


@pytest.mark.parametrize("stated", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_an_instant_beyond_the_calendar_is_not_understood(stated: str) -> None:
    """In UTC it would lie in the year 10000, or before the first."""
    with pytest.raises(Misfit, match="RFC 3339 was expected"):
        said("OK", datetime.fromisoformat(stated))
