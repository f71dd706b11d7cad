"""The one way in for every decision that the hub fetches itself, exactly as for one that is called in."""

from __future__ import annotations

import asyncio

import structlog

from hub.domain.errors import CallbackRefused
from hub.domain.exchange import Message
from hub.ports import CaseStore, Engine, EngineUnavailable
from hub.relays.decisions import tell

log = structlog.get_logger(__name__)


async def take_in(store: CaseStore, engine: Engine, message: Message) -> bool:
    """
    Store a message, then tell the workflow what it is to be told now; whether it was news.

    A message for somebody else's referral is recorded only.
    """
    try:
        received = await asyncio.to_thread(store.receive, message)
    except CallbackRefused as refusal:
        if refusal.recorded is None:
            log.warning(
                "message.refused", agency=message.agency, message=message.message_id, reason=str(refusal)
            )
        return False
    if received.new and received.trouble is not None and received.mrn is None:
        log.warning(
            "message.not_understood",
            agency=message.agency,
            message=message.message_id,
            reason=received.trouble,
        )
    if received.mrn is not None and received.to_tell:
        try:
            await tell(store, engine, received.mrn, received.to_tell)
        except EngineUnavailable as error:
            log.warning("decision.untold", mrn=received.mrn, reason=str(error))
    return received.new
