"""Decisions by hand that wait for a second person, and actions with their line of the audit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from sqlalchemy import Connection, insert, literal, select, text, tuple_, update

from hub.domain.errors import CallbackRefused
from hub.domain.events import Event
from hub.domain.exchange import Message
from hub.domain.referral import Decision
from hub.ports import (
    AgencyControl,
    Audited,
    ControlState,
    DeclarationView,
    Proposal,
    ProposalOver,
    ProposalPage,
    ProposalState,
    Step,
)
from hub.store.audit import add_line, refuse_done
from hub.store.bulks import end_item
from hub.store.casefile import OpenCase
from hub.store.control import control_by_hand
from hub.store.cursors import decode_cursor, encode_cursor
from hub.store.inbox import receive_in
from hub.store.life import take_step
from hub.store.part import Part
from hub.store.statements import insert_of
from hub.store.tables import documents, proposals
from hub.store.types import Key, Utc

_OPEN = text("proposals.ended_at IS NULL")
_ENDED = text("proposals.ended_at IS NOT NULL")
"""As the indexes on them say, word for word: SQLite uses a partial index only then."""


class Proposals(Part):
    """What a person does to one declaration: always with a line of the audit, in one transaction."""

    def act(
        self, mrn: str, step: Step, line: Audited, request: str, *, place: tuple[str, int] | None = None
    ) -> list[Event]:
        """
        As `change`, with the line; of a bulk action, with the item that this is done for. Raises KeyError,
        what `step` raises, DoneBefore, BulkOver.
        """
        with self._database.write() as connection:
            refuse_done(connection, request)
            if place is not None:
                end_item(connection, place, line)
            events = take_step(connection, mrn, step)
            add_line(connection, line, request)
        return events

    def set_control(
        self,
        agency: str,
        state: ControlState,
        check: Callable[[AgencyControl | None], None],
        line: Audited,
        request: str,
    ) -> None:
        """
        Control an agency as a person says, with the line: PAUSED, FAILING, or back to OPEN by way of
        DRAINING. Raises what `check` raises of how it is controlled now, DoneBefore.
        """
        with self._database.write() as connection:
            refuse_done(connection, request)
            control_by_hand(connection, agency, state, check, by=line.user, reason=line.reason, at=line.at)
            add_line(connection, line, request)

    def propose(
        self, proposal: Proposal, step: Step, line: Audited, request: str, content: bytes | None = None
    ) -> None:
        """
        Record what `step` says, the proposal, and its document. Raises KeyError, what `step` raises,
        DoneBefore, and ValueError for a document that is not the one of the proposal.
        """
        sha256 = None if content is None else hashlib.sha256(content).hexdigest()
        if sha256 != (proposal.document and proposal.document.sha256):
            raise ValueError("the document is not the one that the proposal names")
        with self._database.write() as connection:
            refuse_done(connection, request)
            take_step(connection, proposal.mrn, step)
            add_line(connection, line, request)
            if content is not None:
                connection.execute(
                    insert_of(connection)(documents).on_conflict_do_nothing(),
                    {"mrn": proposal.mrn, "sha256": sha256, "content": content},
                )
            connection.execute(
                insert(proposals),
                {
                    **proposal.model_dump(include={"id", "mrn", "service", "at", "ended_at"}),
                    "state": proposal.state.value,
                    "document": proposal.model_dump_json(),
                },
            )

    def proposal(self, id: str) -> Proposal | None:
        """With how it ended."""
        with self._database.read() as connection:
            document = connection.scalar(select(proposals.c.document).where(proposals.c.id == id))
        return None if document is None else Proposal.model_validate_json(document)

    def proposals(
        self, *, open: bool, mrn: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> ProposalPage:
        """Those that wait, the oldest first; or those that have ended, the last first. Raises BadCursor."""
        at = proposals.c.at if open else proposals.c.ended_at
        query = select(proposals.c.document).where(_OPEN if open else _ENDED)
        place = tuple_(at, proposals.c.id)
        query = (
            query.order_by(at, proposals.c.id) if open else query.order_by(at.desc(), proposals.c.id.desc())
        )
        if mrn is not None:
            query = query.where(proposals.c.mrn == mrn)
        if cursor is not None:
            last_at, last_id = decode_cursor(cursor)
            after = tuple_(literal(last_at, Utc()), literal(last_id, Key()))
            query = query.where(place > after if open else place < after)
        with self._database.read() as connection:
            found = connection.scalars(query.limit(limit + 1)).all()
        shown = [Proposal.model_validate_json(document) for document in found[:limit]]
        if len(found) <= limit:
            return ProposalPage(proposals=tuple(shown), cursor=None)
        last = shown[-1]
        return ProposalPage(proposals=tuple(shown), cursor=encode_cursor(last.ended_at or last.at, last.id))

    def confirm(
        self,
        id: str,
        message: Callable[[DeclarationView, Proposal], Message],
        line: Audited,
        request: str,
    ) -> tuple[Decision, ...]:
        """
        Put the decision that `message` makes of a proposal into the inbox, and end it. Returns what the
        workflow is to be told. Raises KeyError, ProposalOver, what `message` raises, DoneBefore.
        """
        with self._database.write() as connection:
            refuse_done(connection, request)
            proposal = _open_proposal(connection, id)
            view = OpenCase.open(connection, proposal.mrn).view()
            [received] = receive_in(connection, [message(view, proposal)])
            if isinstance(received, CallbackRefused):
                raise received
            add_line(connection, line, request)
            _end(connection, proposal, ProposalState.CONFIRMED, line)
        return received.decisions

    def decline(self, id: str, state: ProposalState, step: Step, line: Audited, request: str) -> None:
        """Record what `step` says, and end it so. Raises KeyError, ProposalOver, DoneBefore."""
        with self._database.write() as connection:
            refuse_done(connection, request)
            proposal = _open_proposal(connection, id)
            take_step(connection, proposal.mrn, step)
            add_line(connection, line, request)
            _end(connection, proposal, state, line)


def _open_proposal(connection: Connection, id: str) -> Proposal:
    """Locked until the transaction ends, with its declaration, which everybody locks first."""
    mrn = connection.scalar(select(proposals.c.mrn).where(proposals.c.id == id))
    if mrn is None:
        raise KeyError(f"no proposal {id}")
    OpenCase.open(connection, mrn)
    document = connection.execute(
        select(proposals.c.document).where(proposals.c.id == id).with_for_update()
    ).scalar_one()
    proposal = Proposal.model_validate_json(document)
    if proposal.state is not ProposalState.OPEN:
        raise ProposalOver(proposal)
    return proposal


def _end(connection: Connection, proposal: Proposal, state: ProposalState, line: Audited) -> None:
    ended = proposal.model_copy(
        update={
            "state": state,
            "ended_by": line.user,
            "ended_at": line.at,
            "ended_reason": line.reason,
        }
    )
    connection.execute(
        update(proposals)
        .where(proposals.c.id == proposal.id)
        .values(state=state.value, ended_at=line.at, document=ended.model_dump_json())
    )
