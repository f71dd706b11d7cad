"""Which referrals their agencies are asked about, and from when on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, update

from hub.domain.case import Referral
from hub.domain.referral import Answers, ReferralState
from hub.domain.settling import awaits_decision, is_live
from hub.store.statements import Statement
from hub.store.tables import polls

ASKED = (Answers.POLL, Answers.REPLY)
"""Whose word is not to come by itself."""


def is_polled(referral: Referral) -> bool:
    """
    Whether the agency is asked about the referral: it has it, and has not decided. One that decides in its
    reply is asked when it is its turn and its reply has not said so, or was lost on the way.
    """
    has_it = referral.state is ReferralState.DELIVERED or (
        referral.state is ReferralState.EXPIRED and referral.delivered_at is not None
    )
    if not has_it or referral.terms.answers not in ASKED or not is_live(referral):
        return False
    return referral.terms.answers is Answers.POLL or awaits_decision(referral)


class PollChanges:
    """
    What a transaction changes about the polls of one declaration; written when it is saved. The last word
    about a referral is what counts, but that to begin says nothing new after that to reopen.
    """

    def __init__(self, mrn: str) -> None:
        self._mrn = mrn
        self._dropped: list[str] = []
        self._last: dict[str, tuple[Statement, dict[str, Any]]] = {}

    def begin(self, referral: Referral, at: datetime) -> None:
        """Ask about it from `at` on, unless it has been asked about before."""
        service = referral.terms.service
        if service not in self._last or self._last[service][0] is not _REOPEN:
            self._last[service] = _BEGIN, self._poll(referral, at)

    def reopen(self, referral: Referral, at: datetime) -> None:
        """Ask about it from `at` on, whatever became of asking before."""
        self._last[referral.terms.service] = _REOPEN, self._poll(referral, at)

    def end(self, service: str) -> None:
        """Ask about it no more."""
        self._last[service] = _END, self._this(service)

    def drop(self, service: str) -> None:
        """As if it had never been asked about."""
        self._last.pop(service, None)
        self._dropped.append(service)

    def save(self, connection: Connection) -> None:
        """Write them."""
        if self._dropped:
            _DROP.run_each(connection, [self._this(service) for service in self._dropped])
        for change in (_END, _BEGIN, _REOPEN):
            if rows := [row for kind, row in self._last.values() if kind is change]:
                change.run_each(connection, rows)

    def _this(self, service: str) -> dict[str, Any]:
        return {"mrn_": self._mrn, "service_": service}

    def _poll(self, referral: Referral, due_at: datetime) -> dict[str, Any]:
        return {
            "mrn": self._mrn,
            "service": referral.terms.service,
            "agency": referral.terms.agency,
            "due_at": due_at,
            "attempts": 0,
        }


def end_all_polls(connection: Connection, mrn: str) -> None:
    """Nothing of a declaration is asked about any more."""
    _END_ALL.run(connection, {"mrn_": mrn})


_MRN: BindParameter[str] = bindparam("mrn_")
_THIS = (polls.c.mrn == _MRN, polls.c.service == bindparam("service_"))
_BEGIN = Statement(lambda insert: insert(polls).on_conflict_do_nothing())
_REOPEN = Statement(
    lambda insert: (add := insert(polls)).on_conflict_do_update(
        index_elements=["mrn", "service"], set_={"due_at": add.excluded.due_at}
    )
)
_END = Statement(update(polls).where(*_THIS).values(due_at=None))
_DROP = Statement(delete(polls).where(*_THIS))
_END_ALL = Statement(update(polls).where(polls.c.mrn == _MRN).values(due_at=None))
