"""
Whether an agency is silent, or was not heard.

What is released is released for good, so silence is consent only if a refusal would have been heard: an
agency that is asked has been asked since its time was up, and has answered; for one that speaks by itself
the doors have been open; and neither has said what was not understood. Why: docs/decisions/0021.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, select, update

from hub.domain.case import Case, Referral
from hub.domain.deadlines import parse_duration
from hub.domain.referral import Answers, OnExpiry, ReferralState
from hub.store.asking import ASKED
from hub.store.clock import database_now
from hub.store.tables import beats, feeds, polls

_DOORS = "api"
"""The role of the processes that take callbacks."""
_SHORT = 10
"""Doors that were shut for less than this part of the time for which they are to be open were not shut."""
_SEEN_EVERY = timedelta(seconds=15)
"""At least so often a process gives a sign of life, if it is not much slower than it should be."""
_LOOK_AGAIN = timedelta(seconds=10), timedelta(minutes=10)
"""How soon what is not silence yet is looked at again: after a tenth of how long the time has been up."""
_NO_TIME = timedelta(0)


def silent_from(connection: Connection, case: Case, referral: Referral, at: datetime) -> datetime:
    """
    From when on the agency counts as silent: `at`, if a refusal would have been heard by now; else the moment
    at which to look again. Who is asked for its answer is to be asked at once.
    """
    patience = parse_duration(case.policy.silence_counts_after)
    if (
        referral.terms.on_expiry is not OnExpiry.DEEMED_APPROVED
        or referral.state is not ReferralState.DELIVERED
        or not patience
    ):
        return at
    asked = _asked_where(case, referral)
    since = referral.deadline or referral.terms.due_at
    if asked is not None and not _was_heard(connection, *asked, since=since):
        _ask(connection, *asked, at=at)
    elif referral.trouble is None:
        shut = patience - _open_for(connection, patience) if asked is None else _NO_TIME
        return at + max(shut, _NO_TIME)
    shortest, longest = _LOOK_AGAIN
    return at + max(shortest, min((at - since) / _SHORT, longest))


def _open_for(connection: Connection, patience: timedelta) -> timedelta:
    """For how long callbacks have been taken, but for interruptions that are short for so much patience."""
    short = max(patience / _SHORT, _SEEN_EVERY)
    now = database_now(connection)
    since = now
    lives = select(beats.c.started_at, beats.c.seen_at).where(beats.c.role == _DOORS)
    for life in connection.execute(lives.order_by(beats.c.seen_at.desc())):
        if life.seen_at < since - short:
            break
        since = min(since, life.started_at)
    return now - since


def _asked_where(case: Case, referral: Referral) -> tuple[Table, ColumnElement[bool]] | None:
    """The row by which the agency is asked; None for one that speaks by itself."""
    terms = referral.terms
    if terms.answers in ASKED:
        return polls, (polls.c.mrn == case.mrn) & (polls.c.service == terms.service)
    if terms.answers is Answers.FEED:
        return feeds, feeds.c.agency == terms.agency
    return None


def _was_heard(connection: Connection, asked: Table, row: ColumnElement[bool], *, since: datetime) -> bool:
    found = select(asked.c.heard_at).where(row, asked.c.heard_at >= since)
    return connection.execute(found).first() is not None


def _ask(connection: Connection, asked: Table, row: ColumnElement[bool], *, at: datetime) -> None:
    connection.execute(update(asked).where(row, asked.c.due_at > at).values(due_at=at))
