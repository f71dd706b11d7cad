"""What a workflow is told of the decisions that come in, and when."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BindParameter, Connection, bindparam, select

from hub.domain.case import Case
from hub.domain.referral import Decision
from hub.domain.telling import can_wait
from hub.store.casefile import OpenCase
from hub.store.rows import UNTOLD
from hub.store.statements import Statement
from hub.store.tables import decisions


def to_tell(
    connection: Connection, case: OpenCase, before: Case, said: Sequence[Decision]
) -> tuple[Decision, ...]:
    """
    What the workflow is to be told now that these decisions are on record: all that it has not been told, or
    nothing while they cannot change anything.

    Judged within the transaction that records them, so that of two agencies which decide at the same time the
    second sees the first.
    """
    if not said or can_wait(before, case.case, said, case.being_handed_over):
        return ()
    return tuple(
        Decision.model_validate_json(row.document) for row in _UNTOLD_OF.all(connection, {"mrn_": case.mrn})
    )


_MRN: BindParameter[str] = bindparam("mrn_")
_UNTOLD_OF = Statement(
    select(decisions.c.document)
    .where(UNTOLD, decisions.c.mrn == _MRN)
    .order_by(decisions.c.received_at, decisions.c.id)
)
