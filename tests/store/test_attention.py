"""What is stuck: found, judged, searched, counted, and gone as soon as it is mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub.domain.clearance import Outcome
from hub.domain.history import Usual
from hub.domain.referral import OnExpiry, ReferralState, Verdict
from hub.domain.stuck import Judging, Pause, StuckKind
from hub.ports import BadCursor, Polled, StuckFilter, StuckOrder, StuckPlace, StuckRow
from hub.store import Store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, RADIO, SECOND, T0

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
USUAL = Usual(count=500, half=HOUR, nine_in_ten=3 * HOUR, nearly_all=6 * HOUR)


def at(moment: datetime, **more: Any) -> Judging:
    return Judging(now=moment, **more)


def slow_at(moment: datetime) -> Judging:
    return at(moment, usual={PLANT: USUAL}, agencies={PLANT: "apqa"})


def lodge(store: Store, *services: str, started: bool = True, **more: Any) -> str:
    accepted = sample.acceptance(*services, **more)
    store.lodge(accepted)
    if started:
        store.mark_started(accepted.mrn)
    return accepted.mrn


def try_to_hand_over(store: Store, mrn: str, result: Any, moment: datetime = T0) -> None:
    [service] = [result.referral.partition("/")[2]]
    store.begin_hand_over(mrn, [service], moment)
    store.record_hand_overs(mrn, [result], moment)


def look_until_quiet(store: Store, judging: Judging, limit: int = 100) -> None:
    """Judge until nothing is left to look at, which must come soon."""
    assert any(store.judge_stuck(judging, limit) == 0 for _ in range(20))


def listed(
    store: Store, judging: Judging, order: StuckOrder = StuckOrder.OLDEST, **which: Any
) -> list[StuckRow]:
    """What is stuck, judged until nothing is left to look at."""
    look_until_quiet(store, judging)
    page = store.stuck(StuckFilter(**which), order, None, 100, judging.now)
    assert page.cursor is None
    return list(page.rows)


def kinds(store: Store, judging: Judging) -> list[tuple[str | None, StuckKind]]:
    found = [(row.stuck.service, row.stuck.kind) for row in listed(store, judging)]
    return sorted(found, key=lambda one: one[0] or "")


def test_what_goes_its_way_is_not_stuck(store: Store) -> None:
    """Just accepted, delivered, decided."""
    lodge(store, PLANT, FOOD)
    waiting, decided = lodge(store, PLANT), lodge(store, PLANT)
    try_to_hand_over(store, waiting, sample.delivered(waiting, PLANT))
    said = sample.decision(decided, PLANT)
    try_to_hand_over(store, decided, sample.delivered(decided, PLANT, said))
    assert listed(store, slow_at(T0 + MINUTE)) == []


def test_an_agency_that_is_not_reached(store: Store) -> None:
    """It is stuck from the first failure on, and not any more when it is delivered."""
    mrn = lodge(store, PLANT, FOOD)
    try_to_hand_over(store, mrn, sample.failed(mrn, PLANT), T0 + SECOND)
    try_to_hand_over(store, mrn, sample.failed(mrn, PLANT, "timed out"), T0 + 30 * SECOND)
    try_to_hand_over(store, mrn, sample.delivered(mrn, FOOD))
    [row] = listed(store, at(T0 + MINUTE))
    assert (row.stuck.mrn, row.stuck.service, row.stuck.agency) == (mrn, PLANT, "apqa")
    assert (row.stuck.kind, row.stuck.since) == (StuckKind.UNREACHABLE, T0 + SECOND)
    assert (row.stuck.trouble, row.stuck.words["errand"]) == ("timed out", "submit")
    assert (row.lrn, row.outcome) == (store.view(mrn).acceptance.declaration.lrn, Outcome.IN_PROGRESS)  # type: ignore[union-attr]
    assert str(row.cargo.kilograms) == "1000.125000000000000001"
    assert row.cargo.chapters == ("07", "08")
    try_to_hand_over(store, mrn, sample.delivered(mrn, PLANT))
    assert listed(store, at(T0 + 2 * MINUTE)) == []


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ({"sent": True}, StuckKind.IN_DOUBT),
        ({"state": ReferralState.UNDELIVERABLE}, StuckKind.UNDELIVERABLE),
        ({}, StuckKind.UNREACHABLE),
    ],
)
def test_each_trouble_has_its_kind(store: Store, result: dict[str, Any], kind: StuckKind) -> None:
    """As the attempt ended."""
    mrn = lodge(store, PLANT)
    try_to_hand_over(store, mrn, sample.failed(mrn, PLANT, **result))
    assert kinds(store, at(T0 + MINUTE)) == [(PLANT, kind)]


def test_a_message_that_is_not_understood_and_then_is(store: Store) -> None:
    """It is stuck by its event, and not any more by a poll that goes well, of which no event tells."""
    mrn = lodge(store, PLANT)
    try_to_hand_over(store, mrn, sample.delivered(mrn, PLANT))
    store.receive(sample.message(referral=f"{mrn}/{PLANT}", trouble="an unknown word", at=T0 + HOUR))
    [row] = listed(store, at(T0 + HOUR))
    assert (row.stuck.kind, row.stuck.since) == (StuckKind.NOT_UNDERSTOOD, T0 + HOUR)
    store.finish_polls(mrn, [Polled(referral=f"{mrn}/{PLANT}", next_at=None)])
    assert listed(store, at(T0 + HOUR + SECOND)) == []
    store.finish_polls(mrn, [Polled(referral=f"{mrn}/{PLANT}", next_at=None, trouble="connection refused")])
    assert kinds(store, at(T0 + HOUR + MINUTE)) == [(PLANT, StuckKind.UNREACHABLE)]


def test_time_alone_makes_it_slow_then_pressing(store: Store) -> None:
    """Longer than 99 in 100 before; in the last fifth of the three days that the law gives."""
    mrn = lodge(store, PLANT)
    try_to_hand_over(store, mrn, sample.delivered(mrn, PLANT))
    assert listed(store, slow_at(T0 + 6 * HOUR)) == []
    [row] = listed(store, slow_at(T0 + 6 * HOUR + SECOND))
    assert (row.stuck.kind, row.stuck.since) == (StuckKind.SLOW, T0 + 6 * HOUR + SECOND)
    assert (row.stuck.until, row.stuck.words["usual_nearly_all"]) == (T0 + 3 * DAY, "21600")
    assert kinds(store, slow_at(T0 + 3 * DAY * 4 / 5)) == [(PLANT, StuckKind.DUE_SOON)]


def test_an_approval_deemed_given_is_not_stuck(store: Store) -> None:
    """The time has passed, and the cargo is held for it, or is not."""
    held, deemed = lodge(store, PLANT), lodge(store, PLANT, FOOD, on_expiry=OnExpiry.DEEMED_APPROVED)
    for mrn in (held, deemed):
        try_to_hand_over(store, mrn, sample.delivered(mrn, PLANT))
        store.record_expired(mrn, [PLANT], T0 + 3 * DAY)
    try_to_hand_over(store, deemed, sample.delivered(deemed, FOOD))
    rows = listed(store, at(T0 + 3 * DAY + SECOND), service=PLANT)
    assert [(row.stuck.mrn, row.stuck.kind) for row in rows] == [(held, StuckKind.EXPIRED)]
    assert rows[0].stuck.since == T0 + 3 * DAY


def test_a_question_to_the_declarant_is_not_stuck(store: Store) -> None:
    """The clock stands still, however long; looked at once, it is left alone until something happens."""
    mrn = lodge(store, PLANT)
    try_to_hand_over(store, mrn, sample.delivered(mrn, PLANT))
    asks = sample.decision(mrn, PLANT, Verdict.INFORMATION_REQUIRED)
    store.receive(sample.message(asks, referral=f"{mrn}/{PLANT}"))
    store.mark_told(mrn, [asks.id])
    judging = slow_at(T0 + 30 * DAY)
    assert listed(store, judging) == []
    assert store.judge_stuck(judging, 100) == 0


def test_a_paused_agency(store: Store) -> None:
    """What it is still to be told waits, with trouble or without; what it has does not."""
    waits, has = lodge(store, PLANT), lodge(store, PLANT)
    try_to_hand_over(store, waits, sample.failed(waits, PLANT))
    try_to_hand_over(store, has, sample.delivered(has, PLANT))
    assert kinds(store, at(T0 + MINUTE)) == [(PLANT, StuckKind.UNREACHABLE)]
    pause = Pause(since=T0 + MINUTE, by="kim", reason="maintenance")
    paused = at(T0 + 2 * MINUTE, pauses={"apqa": pause})
    [row] = listed(store, paused)
    assert (row.stuck.kind, row.stuck.since) == (StuckKind.PAUSED, T0 + MINUTE)
    assert row.stuck.words["paused_by"] == "kim"
    assert kinds(store, at(T0 + 3 * MINUTE)) == [(PLANT, StuckKind.UNREACHABLE)]


def test_a_declaration_that_nobody_takes_up(store: Store) -> None:
    """The engine has not been reached; no worker has tried; it has not heard; the cargo system has not."""
    waits = lodge(store, started=False)
    tried_by_nobody, deaf, untold = lodge(store, PLANT), lodge(store, PLANT), lodge(store)
    try_to_hand_over(store, deaf, sample.delivered(deaf, PLANT))
    said = sample.decision(deaf, PLANT)
    store.receive(sample.message(said, referral=f"{deaf}/{PLANT}"))
    told = sample.notice(untold, Outcome.RELEASE)
    store.record_clearance(untold, sample.clearance(Outcome.RELEASE), told, (), T0 + 2 * SECOND)
    rows = {row.stuck.mrn: row.stuck for row in listed(store, at(T0 + 5 * MINUTE))}
    assert {mrn: (stuck.service, stuck.kind) for mrn, stuck in rows.items()} == {
        waits: (None, StuckKind.NOT_STARTED),
        tried_by_nobody: (PLANT, StuckKind.NOT_STARTED),
        deaf: (None, StuckKind.UNTOLD),
        untold: (None, StuckKind.NOTICE_UNSENT),
    }
    store.mark_started(waits)
    store.mark_told(deaf, [said.id])
    assert {row.stuck.mrn for row in listed(store, at(T0 + 5 * MINUTE))} == {tried_by_nobody, untold}


@pytest.fixture
def many(store: Store) -> list[str]:
    """Twelve that are not reached, one a minute; each holds a different weight."""
    mrns = []
    for n in range(12):
        item = {"number": 1, "hs_code": "8471300000" if n % 2 else "0805100000"}
        lodged = sample.declaration(
            lrn=f"S-{n}",
            declarant=f"D-{n % 3}",
            office=f"{n % 2}20",
            items=[{**item, "gross_mass_kg": str(n + 1)} if n else item],
        )
        mrn = lodge(store, (PLANT, FOOD, RADIO)[n % 3], lodged=lodged, items=(1,), at=T0 + n * MINUTE)
        service = (PLANT, FOOD, RADIO)[n % 3]
        try_to_hand_over(store, mrn, sample.failed(mrn, service), T0 + n * MINUTE)
        mrns.append(mrn)
    look_until_quiet(store, at(T0 + HOUR), 5)
    return mrns


_FILTERS: tuple[tuple[dict[str, Any], Sequence[int]], ...] = (
    ({}, range(12)),
    ({"agency": "apqa"}, (0, 3, 6, 9)),
    ({"service": FOOD}, (1, 4, 7, 10)),
    ({"kind": "unreachable"}, range(12)),
    ({"kind": "slow"}, ()),
    ({"declarant": "D-1", "office": "020"}, (4, 10)),
    ({"chapter": "84", "agency": "rra"}, (5, 11)),
    ({"older_than": timedelta(minutes=51)}, range(10)),
    ({"text": " S-7 "}, (7,)),
    ({"text": "6KRS-8"}, (8,)),
    ({"text": "%"}, ()),
)


def test_every_filter_filters(store: Store, many: list[str]) -> None:
    """Also in counts and places; an mrn is found in small letters, too."""
    for which, places in (*_FILTERS, ({"text": many[3].lower()}, (3,))):
        expected = [many[place] for place in places]
        found = StuckFilter.model_validate(which)
        page = store.stuck(found, StuckOrder.OLDEST, None, 100, T0 + HOUR)
        assert [row.stuck.mrn for row in page.rows] == expected, which
        assert store.count_stuck(found, T0 + HOUR) == len(expected), which
        assert store.stuck_counts(found, T0 + HOUR).all == len(expected), which
        assert [one.mrn for one in store.stuck_places(found, T0 + HOUR, None, 100)] == sorted(expected)


def test_pages_show_each_row_once_in_order(store: Store, many: list[str]) -> None:
    """By cargo times time: what declares no mass is taken for a tonne, and so comes first."""
    held = {mrn: (n + 1 if n else 1000) * (60 - n) for n, mrn in enumerate(many)}
    expected = {
        StuckOrder.OLDEST: many,
        StuckOrder.NEWEST: many[::-1],
        StuckOrder.CARGO: sorted(many, key=lambda mrn: (-held[mrn], mrn)),
    }
    for order in StuckOrder:
        seen: list[str] = []
        cursor, now = None, T0 + HOUR
        while True:
            page = store.stuck(StuckFilter(), order, cursor, 5, now)
            seen += [row.stuck.mrn for row in page.rows]
            now += DAY  # the order is that of the first page
            if (cursor := page.cursor) is None:
                break
        assert seen == expected[order], order


def test_a_cursor_of_another_list_is_refused(store: Store) -> None:
    """Whatever it is."""
    for cursor in ("", "x", "W10", "WyJvbGRlc3QiLCAiMjAyNiIsIDEsIDIsIDNd"):
        with pytest.raises(BadCursor):
            store.stuck(StuckFilter(), StuckOrder.OLDEST, cursor, 5, T0)


def test_places_come_in_parts(store: Store, many: list[str]) -> None:
    """Each goes on after the last; what was mended meanwhile is left out, and no other."""
    seen: list[StuckPlace] = []
    while part := store.stuck_places(StuckFilter(), T0 + HOUR, seen[-1] if seen else None, 5):
        seen += part
    assert [place.mrn for place in seen] == sorted(many)
    assert {place.agency for place in seen} == {"apqa", "mfds", "rra"}


def test_what_has_just_been_mended_is_known(store: Store, many: list[str]) -> None:
    """The list may be seconds old; how one stands is judged this moment."""
    places = store.stuck_places(StuckFilter(), T0 + HOUR, None, 100)
    [mended] = [place for place in places if place.mrn == many[0]]
    try_to_hand_over(store, many[0], sample.delivered(many[0], PLANT))
    judged = store.judged(places, at(T0 + HOUR))
    assert set(places) - set(judged) == {mended}
    assert store.stuck_in(many[0], at(T0 + HOUR)) == []
    assert [one.kind for one in store.stuck_in(many[1], at(T0 + HOUR))] == [StuckKind.UNREACHABLE]
    assert store.stuck_in("26KRNOBODY", at(T0 + HOUR)) == []


def test_a_round_that_finds_nothing_looks_at_nothing(store: Store, many: list[str]) -> None:
    """Also when everything is stuck, as long as nothing changes."""
    assert store.judge_stuck(at(T0 + HOUR), 100) == 0
    assert store.judge_stuck(replace(at(T0 + HOUR), now=T0 + 2 * HOUR), 100) == 0


def test_what_is_not_stuck_is_not_looked_at_round_after_round(store: Store) -> None:
    """Nobody has taken it up: that is said once, and its referrals are left alone."""
    lodge(store, PLANT, FOOD, RADIO, started=False)
    judging = at(T0 + HOUR)
    look_until_quiet(store, judging, 1)
    assert store.judge_stuck(judging, 100) == 0
    assert kinds(store, judging) == [(None, StuckKind.NOT_STARTED)]


def test_what_a_refusal_of_another_makes_idle_holds_no_cargo(store: Store) -> None:
    """It is still stuck, and comes last."""
    mrn = lodge(store, PLANT, FOOD)
    try_to_hand_over(store, mrn, sample.failed(mrn, PLANT))
    refusal = sample.decision(mrn, FOOD, Verdict.REFUSED)
    try_to_hand_over(store, mrn, sample.delivered(mrn, FOOD, refusal))
    store.record_clearance(mrn, sample.clearance(Outcome.REFUSAL), None, (), T0 + SECOND)
    [row] = listed(store, at(T0 + MINUTE))
    assert row.stuck.service == PLANT
    assert row.cargo.kilograms == 0
    assert not row.cargo.worth


def test_what_is_closed_is_not_stuck(store: Store) -> None:
    """The workflow has ended: nobody tries any more."""
    mrn = lodge(store, PLANT)
    try_to_hand_over(store, mrn, sample.failed(mrn, PLANT))
    assert len(listed(store, at(T0 + MINUTE))) == 1
    store.close_case(mrn, T0 + HOUR)
    assert listed(store, at(T0 + HOUR)) == []
    assert store.judge_stuck(at(T0 + 2 * HOUR), 100) == 0
