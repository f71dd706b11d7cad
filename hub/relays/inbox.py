"""The one way in for every decision that the hub fetches itself, exactly as for one that is called in."""

from __future__ import annotations

import asyncio

import structlog

from hub.domain.errors import CallbackRefused
from hub.domain.exchange import Message
from hub.ports import CaseStore, Engine, EngineUnavailable, Received
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
        await follow_up(store, engine, message, refusal)
        return False
    await follow_up(store, engine, message, received)
    return received.new


async def follow_up(
    store: CaseStore, engine: Engine, message: Message, received: Received | CallbackRefused
) -> None:
    """What follows when a message is stored: it is told to the workflow, or in the log why it is not."""
    if isinstance(received, CallbackRefused):
        if received.recorded is None:
            log.warning(
                "message.refused", agency=message.agency, message=message.message_id, reason=str(received)
            )
        return
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
