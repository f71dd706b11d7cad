"""Many writers at once, in threads and in processes, and one that is killed."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.domain.clearance import Outcome
from hub.domain.events import EventType, NewEvent
from hub.domain.names import referral_id
from hub.domain.referral import Answers, Decision, ReferralState, Verdict
from hub.ports import DeclarationView, Polled
from hub.store import Store, create_store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, RADIO, SECOND, T0

ROOT = Path(__file__).parents[2]
EVENT = NewEvent(at=T0, type=EventType.NOTICE_DELAYED)


def seqs(store: Store, mrn: str) -> list[int]:
    return [event.seq for event in store.events(mrn, 0, 10_000)]


def run(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


_APPEND = """
import sys
from hub.store import create_store
from tests.store.test_concurrency import EVENT
store = create_store(sys.argv[1], sync="normal")
for _ in range(40):
    store.append_event(sys.argv[2], EVENT)
"""


def last_seq(store: Store, mrn: str) -> int:
    view = store.view(mrn)
    assert view is not None
    return view.last_seq


def test_a_process_whose_threads_queue_for_sqlite_leaves_others_their_turn(sqlite_url: str) -> None:
    """Who waits while one of eight threads of another process writes is next; the other seven come after."""
    # Two stores on one file are to each other as two processes are.
    others, store = create_store(sqlite_url, sync="normal"), create_store(sqlite_url, sync="normal")
    crowded, own = sample.acceptance(PLANT), sample.acceptance(PLANT)
    for accepted in (crowded, own):
        store.lodge(accepted)
    writing, may_end = threading.Event(), threading.Event()
    found: list[int] = []

    def hold(view: DeclarationView) -> list[NewEvent]:
        writing.set()
        may_end.wait()
        return [EVENT]

    def look(view: DeclarationView) -> list[NewEvent]:
        found.append(last_seq(store, crowded.mrn))
        return []

    with ThreadPoolExecutor(9) as pool:
        for _ in range(10):
            before = last_seq(store, crowded.mrn)
            writing.clear()
            may_end.clear()
            crowd = [pool.submit(others.change, crowded.mrn, hold)]
            writing.wait()
            crowd += [pool.submit(others.append_event, crowded.mrn, EVENT) for _ in range(7)]
            waiting = pool.submit(store.change, own.mrn, look)
            try:
                until_taken(Path(f"{sqlite_url.removeprefix('sqlite:///')}-line"))
            finally:
                may_end.set()
            for each in (waiting, *crowd):
                each.result()
            assert found.pop() - before == 1
            assert last_seq(store, crowded.mrn) - before == 8
    store.close()
    others.close()


def until_taken(place: Path) -> None:
    """Wait until a process is the next to write."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with place.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
        time.sleep(0.001)
    raise AssertionError("nobody has taken the place of who is next")


def test_events_are_numbered_without_gaps_whoever_writes(store: Store, database_url: str) -> None:
    """Two other processes and four threads append to one declaration at once; none fails, none is lost."""
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    others = [run(_APPEND, database_url, accepted.mrn) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(store.append_event, accepted.mrn, EVENT) for _ in range(80)]
        given_out = {task.result().seq for task in tasks}
    assert [process.wait(60) for process in others] == [0, 0]
    for process in others:
        assert process.stdout is not None
        process.stdout.close()
    assert len(given_out) == 80
    assert seqs(store, accepted.mrn) == list(range(1, 162))
    view = store.view(accepted.mrn)
    assert view is not None
    assert view.last_seq == 161


def test_a_message_delivered_many_times_at_once_counts_once(store: Store) -> None:
    """One of eight is new, and there is one event."""
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    said = sample.decision(accepted.mrn, PLANT)
    same = sample.message(said, referral=said.referral)
    start = threading.Barrier(8)

    def receive() -> bool:
        start.wait()
        return store.receive(same).new

    with ThreadPoolExecutor(8) as pool:
        new = [task.result() for task in [pool.submit(receive) for _ in range(8)]]
    assert new.count(True) == 1
    assert seqs(store, accepted.mrn) == [1, 2]


def test_a_callback_and_the_receipt_it_needs_never_miss_each_other(store: Store) -> None:
    """However they interleave: it matches on arrival, or the receipt brings it in."""
    for n in range(12):
        accepted = sample.acceptance(PLANT)
        store.lodge(accepted)
        early = sample.message(sample.decision("", PLANT), agency_reference=f"R-{n}")
        result = sample.delivered(accepted.mrn, PLANT, reference=f"R-{n}")
        start = threading.Barrier(2)

        def receive(start: threading.Barrier = start, early: object = early) -> None:
            start.wait()
            store.receive(early)  # type: ignore[arg-type]

        def record(
            start: threading.Barrier = start, result: object = result, mrn: str = accepted.mrn
        ) -> None:
            start.wait()
            store.record_hand_overs(mrn, [result], T0)  # type: ignore[list-item]

        with ThreadPoolExecutor(2) as pool:
            for task in [pool.submit(receive), pool.submit(record)]:
                task.result()
        view = store.view(accepted.mrn)
        assert view is not None
        assert view.referrals[0].state is ReferralState.DECIDED
    assert store.counts()["messages_unmatched"] == 0


def test_decisions_at_the_same_moment_leave_columns_in_step(store: Store) -> None:
    """Three agencies decide at once; nobody is pending afterwards."""
    for _ in range(5):
        accepted = sample.acceptance(PLANT, FOOD, RADIO)
        store.lodge(accepted)
        agencies = {r.terms.service: r.terms.agency for r in accepted.case.referrals}
        start = threading.Barrier(3)

        def decide(
            service: str, agency: str, start: threading.Barrier = start, mrn: str = accepted.mrn
        ) -> None:
            start.wait()
            store.receive(sample.message(sample.decision(mrn, service), agency=agency))

        with ThreadPoolExecutor(3) as pool:
            for task in [pool.submit(decide, *pair) for pair in agencies.items()]:
                task.result()
    assert {row.pending_agencies for row in store.page(sample.everything(), None, 10).rows} == {()}
    assert store.open_referrals() == {}


_WRITE_FOR_EVER = """
import json, sys
from hub.store import create_store
from hub.domain.names import referral_id
from tests.store import sample
from tests.store.sample import FOOD, PLANT, T0
store = create_store(sys.argv[1])
while True:
    accepted = sample.acceptance(PLANT, FOOD, lodged=sample.declaration(lrn=sample.new_lrn()))
    mrn = accepted.mrn
    store.lodge(accepted)
    print(json.dumps(["lodged", mrn]), flush=True)
    store.begin_hand_over(mrn, [PLANT, FOOD], T0)
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT, reference=mrn)], T0)
    print(json.dumps(["delivered", mrn]), flush=True)
    said = sample.decision(mrn, FOOD)
    store.receive(sample.message(said, agency="mfds", message_id=mrn, referral=said.referral))
    print(json.dumps(["decided", mrn]), flush=True)
"""


def test_a_writer_killed_in_the_middle_leaves_a_whole_database(database_url: str) -> None:
    """Killed three times with -9: what it was told is written is there, and nothing is there in part."""
    promised: dict[str, set[str]] = {"lodged": set(), "delivered": set(), "decided": set()}
    for after in (10, 25, 40):
        writer = run(_WRITE_FOR_EVER, database_url)
        assert writer.stdout is not None
        for _ in range(after):
            writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read().splitlines(keepends=True)
        writer.wait()
        writer.stdout.close()
        for line in rest:
            if line.endswith("\n"):
                what, mrn = json.loads(line)
                promised[what].add(mrn)
    store = create_store(database_url)
    rows = store.page(sample.everything(), None, 1000).rows
    assert promised["lodged"] <= {row.mrn for row in rows}
    for row in rows:
        view = store.view(row.mrn)
        assert view is not None
        plant, food = view.referrals
        events = store.events(row.mrn, 0, 100)
        types = [event.type for event in events]
        assert [event.seq for event in events] == list(range(1, view.last_seq + 1))
        # each change is there with its event, or neither is
        assert (plant.state is ReferralState.DELIVERED) == (EventType.REFERRAL_DELIVERED in types)
        assert (plant.receipt is not None) == (len(store.exchanges(row.mrn)) == 1)
        assert (food.state is ReferralState.DECIDED) == (EventType.DECISION_RECEIVED in types)
        assert (food.state is ReferralState.DECIDED) == bool(food.decisions)
        assert row.mrn not in promised["delivered"] or plant.state is ReferralState.DELIVERED
        assert row.mrn not in promised["decided"] or food.state is ReferralState.DECIDED
    decided = {mrn for mrn, _ in store.untold_messages(T0 + 99 * SECOND, 1000)}
    assert promised["decided"] <= decided
    # and whoever comes next can go on where the killed one stopped
    for row in rows:
        store.record_hand_overs(row.mrn, [sample.delivered(row.mrn, PLANT, reference=row.mrn)], T0)
        said = sample.decision(row.mrn, FOOD)
        store.receive(sample.message(said, agency="mfds", message_id=row.mrn, referral=said.referral))
        assert seqs(store, row.mrn) == [1, 2, 3]
    store.close()


_MESSAGES = st.lists(
    st.tuples(
        st.sampled_from(["M-1", "M-2", "M-3"]),
        st.sampled_from(["D-1", "D-2"]),
        st.sampled_from([PLANT, FOOD]),
        st.sampled_from(list(Verdict)),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=_MESSAGES, told_after=st.integers(0, 8), released_after=st.integers(0, 9))
def test_the_ledger_of_untold_decisions_is_exact(
    store: Store,
    messages: list[tuple[str, str, str, Verdict]],
    told_after: int,
    released_after: int,
) -> None:
    """
    Against a plain model: a message counts once for its agency, a decision once for its referral, what was
    told is not told again, what comes after release is never told, and each has exactly one event.
    """
    accepted = sample.acceptance(PLANT, FOOD)
    store.lodge(accepted)
    mrn = accepted.mrn
    agencies = {PLANT: "apqa", FOOD: "mfds"}
    seen: set[tuple[str, str]] = set()
    known: dict[tuple[str, str], Decision] = {}
    untold: set[tuple[str, str]] = set()
    late = 0
    for n, (message_id, decision_id, service, verdict) in enumerate(messages):
        if n == told_after:
            store.mark_told(mrn, [decision_id for _, decision_id in untold])
            untold.clear()
        if n == released_after:
            store.record_clearance(mrn, sample.clearance(Outcome.RELEASE), None, [], T0)
        said = sample.decision(mrn, service, verdict, id=decision_id)
        # message ids are unique for an agency over all declarations
        received = store.receive(
            sample.message(said, agency=agencies[service], message_id=f"{mrn} {message_id}")
        )
        is_new = (agencies[service], message_id) not in seen
        seen.add((agencies[service], message_id))
        assert received.new == is_new
        place = (service, decision_id)
        if is_new and place not in known:
            known[place] = said
            if n >= released_after:
                late += 1
                assert received.decisions == ()
            else:
                untold.add(place)
                assert received.decisions == (said,)
        else:
            assert received.decisions == ()
    found = dict(store.untold_messages(T0 + 99 * SECOND, 1000)).get(mrn, ())
    assert {(d.referral, d.id) for d in found} == {(referral_id(mrn, s), i) for s, i in untold}
    types = [event.type for event in store.events(mrn, 0, 100)]
    assert types.count(EventType.DECISION_RECEIVED) == len(known) - late
    assert types.count(EventType.DECISION_LATE) == late
    view = store.view(mrn)
    assert view is not None
    assert {d for r in view.referrals for d in r.decisions} == set(known.values())
    store.mark_told(mrn, [d.id for d in found])


_STEPS = st.lists(
    st.tuples(st.sampled_from(["lease", "finish", "wait"]), st.integers(0, 3), st.integers(1, 90)),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_a_lease_is_exclusive_for_as_long_as_it_lasts(
    store: Store, steps: list[tuple[str, int, int]]
) -> None:
    """Against a plain model of due times, over any order of leasing, finishing and waiting."""
    due: dict[str, int] = {}
    for _ in range(3):
        accepted = sample.acceptance(PLANT, answers=Answers.POLL)
        store.lodge(accepted)
        store.record_hand_overs(accepted.mrn, [sample.delivered(accepted.mrn, PLANT, reference=None)], T0)
        due[accepted.mrn] = 0
    mrns = list(due)
    now = 0
    for step, number, seconds in steps:
        if step == "wait":
            now += seconds
        elif step == "lease":
            leased = store.lease_polls(T0 + now * SECOND, seconds * SECOND, number + 1, [])
            expected = sorted((at, mrn) for mrn, at in due.items() if at <= now)[: number + 1]
            assert [poll.dossier.terms.mrn for poll in leased] == [mrn for _, mrn in expected]
            due |= {mrn: now + seconds for _, mrn in expected}
        elif number < len(mrns):
            mrn = mrns[number]
            again = Polled(referral=referral_id(mrn, PLANT), next_at=T0 + (now + seconds) * SECOND)
            store.finish_polls(mrn, [again])
            due[mrn] = now + seconds
        assert store.next_poll_at() == T0 + min(due.values()) * SECOND
    for mrn in mrns:
        store.close_case(mrn, T0)
