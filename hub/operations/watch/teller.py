"""Puts alerts that wait together into bulletins, and sends them until they are taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from hub.operations.watch.bulletins import compose
from hub.operations.watch.telling import pause_after, to_be_told
from hub.ports import AlertNotSent, AlertSender, Bulletin, Clock, WatchPolicy, WatchStore

_LEASE = timedelta(seconds=10)
"""So long nobody else sends what a process was sending that has died; renewed as long as it is being sent."""

log = structlog.get_logger(__name__)


class Teller:
    """Every process does this; what one has taken on no other does."""

    def __init__(
        self,
        store: WatchStore,
        sender: AlertSender,
        policy: Callable[[], WatchPolicy],
        clock: Clock,
        *,
        console_url: str | None,
        runbook_url: str,
        renewed_every: float = _LEASE.total_seconds() / 3,
    ) -> None:
        """
        `console_url` is where the console's incidents are; `runbook_url` is the runbook's; `renewed_every`,
        in seconds, is how often what is being sent is kept from others.
        """
        self._store = store
        self._sender = sender
        self._policy = policy
        self._clock = clock
        self._console_url = console_url
        self._runbook_url = runbook_url
        self._renewed_every = renewed_every

    async def go_round(self) -> None:
        """Put together what is due, and send it. Raises what the store raises when it is gone."""
        await asyncio.to_thread(self._put_together)
        now = self._clock()
        until = now + _LEASE
        leased = await asyncio.to_thread(self._store.lease_bulletins, now, until)
        if not leased:
            return
        # One receiver whose system hangs must not keep the others waiting.
        sending = [asyncio.create_task(asyncio.to_thread(self._send, bulletin)) for bulletin in leased]
        ids = [bulletin.id for bulletin in leased]
        try:
            while (await asyncio.wait(sending, timeout=self._renewed_every))[1]:
                before, until = until, self._clock() + _LEASE
                await asyncio.to_thread(self._store.renew_bulletins, ids, before, until)
        finally:
            for each in sending:
                each.cancel()
        await asyncio.gather(*sending)

    def _put_together(self) -> None:
        policy, store = self._policy(), self._store
        for name in sorted(store.receivers_waiting()):
            receiver = policy.receiver(name)
            alerts = store.waiting_alerts(name)
            if receiver is None:
                log.warning("alert.dropped", receiver=name, alerts=len(alerts))
                store.drop_alerts([one.id for one in alerts])
                continue
            now = self._clock()
            told = to_be_told(
                alerts,
                receiver,
                last_at=store.last_bulletin_at(name),
                unsent=store.unsent_bulletins(name),
                grouping=policy.grouping,
                now=now,
            )
            if told:
                bulletin = compose(
                    told, receiver, now, console_url=self._console_url, runbook_url=self._runbook_url
                )
                store.add_bulletin(bulletin, [one.id for one in told])

    def _send(self, bulletin: Bulletin) -> None:
        receiver = self._policy().receiver(bulletin.receiver)
        if receiver is None:
            log.warning("alert.dropped", receiver=bulletin.receiver, alerts=1)
            self._store.finish_bulletin(bulletin.id, sent_at=None, next_at=None, trouble="no such receiver")
            return
        try:
            self._sender.send(bulletin, receiver)
        except AlertNotSent as error:
            next_at = self._clock() + pause_after(bulletin.attempts + 1)
            if bulletin.trouble != str(error):
                log.warning("alert.delayed", receiver=receiver.name, bulletin=bulletin.id, reason=str(error))
            self._store.finish_bulletin(bulletin.id, sent_at=None, next_at=next_at, trouble=str(error))
        else:
            log.info("alert.sent", receiver=receiver.name, bulletin=bulletin.id)
            self._store.finish_bulletin(bulletin.id, sent_at=self._clock(), next_at=None, trouble=None)
