"""Declarants, customs and agencies' officers: they ask until they are answered, as a customs system does."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from chaos.plan import Line, Lot, Step
from chaos.record import Answered, History
from chaos.world import World
from hub.api.clients import new_key
from hub.clock import utc_now
from hub.domain.names import CUSTOMS
from hub.embedded import Stack
from hub.ports import ApiClient, Role
from hub.store import create_store

CERTIFICATE = "CHAOS-QUOTA"
"""The number of the certificate from which quantities are written off."""
QUOTA = 10_000_000
"""Kilograms: more than all lots of a leg."""
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_ANSWER_WITHIN = 30.0
_ASKED_WITHIN = 60.0
_PAUSE = (0.1, 1.0)
"""Seconds before an unanswered request is sent again: at first, and at most."""


class People:
    """Everybody who has a key of the API."""

    def __init__(self, stack: Stack, url: str, world: World, *, store_url: str, at_once: int) -> None:
        self.failures: list[tuple[int, str, str]] = []
        """Answers with status 500: the lot, what was asked, what was said."""
        self._world = world
        self._key = stack.api_key
        self._keys = _keys(store_url, [CUSTOMS, *sorted(world.vocabulary)])
        limits = httpx.Limits(max_connections=2 * at_once, max_keepalive_connections=at_once)
        self._client = httpx.AsyncClient(base_url=url, timeout=_ANSWER_WITHIN, limits=limits, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def issue_certificate(self) -> None:
        """Give out the certificate that lots are written off from."""
        for type_ in sorted({good.certificate for good in self._world.goods if good.certificate}):
            [agency] = {
                self._world.services[good.services[0]].agency
                for good in self._world.goods
                if good.certificate == type_
            }
            body = {"agency": agency, "quantity": {"value": str(QUOTA), "unit": "KGM"}}
            answer = await self._client.put(
                f"/v1/certificates/{type_}/{CERTIFICATE}", json=body, headers=_headers(self._key)
            )
            answer.raise_for_status()

    async def balances(self) -> dict[str, dict[str, str]]:
        """What is left on the certificates, by their type."""
        found = {}
        for type_ in sorted({good.certificate for good in self._world.goods if good.certificate}):
            found[type_] = await self._read(f"/v1/certificates/{type_}/{CERTIFICATE}")
        return found

    async def play(self, history: History) -> None:
        """Lodge a lot, and do with it what its plan says."""
        lot = history.lot
        if lot.patience is not None:
            await self._lodge_impatiently(history, lot.patience)
            return
        answer = await self._ask(history, None, "POST", "/v1/declarations", self.content(lot, 0))
        if answer is None or answer.status_code >= 300:
            return
        told = answer.json()
        history.mrn = told["mrn"]
        history.dues = _dues(told["referrals"])
        for step in lot.steps:
            await asyncio.sleep(step.after)
            await getattr(self, f"_{step.act.value}")(history, step)

    def content(self, lot: Lot, version: int) -> dict[str, Any]:
        """A declaration as lodged."""
        return {
            "lrn": lot.lrn,
            "procedure": lot.procedure,
            "declarant": {"id": "KR-BROKER-1"},
            "importer": {"id": "123-45-67890", "name": "Saebyeok Trading"},
            "exporter": {"name": "Overseas Supply", "country": "US"},
            "consignment": {"ucr": lot.ucr},
            **({"office": lot.office} if lot.office else {}),
            "items": [self._item(n, line) for n, line in enumerate(lot.versions[version], 1)],
        }

    def _item(self, number: int, line: Line) -> dict[str, Any]:
        item = {
            "number": number,
            "origin": "US",
            "description": "Goods of the campaign",
            "net_mass_kg": line.mass,
        }
        if line.good < 0:
            return {**item, "hs_code": "no code"}
        good = self._world.goods[line.good]
        lpcos = {"lpcos": [{"type": good.certificate, "id": CERTIFICATE}]} if good.certificate else {}
        return {**item, "hs_code": good.hs_code, "attributes": dict(good.attributes), **lpcos}

    # --- acts -------------------------------------------------------------------------------------------

    async def _lodge_impatiently(self, history: History, patience: float) -> None:
        try:
            async with asyncio.timeout(patience):
                answer = await self._send(history, "POST", "/v1/declarations", self.content(history.lot, 0))
        except TimeoutError:
            answer = None
        if answer is None or answer.status_code >= 500:
            history.hung_up = True
            return
        now = utc_now()
        history.answers.append(Answered(None, now, now, answer.status_code, body=answer.text[:500]))
        if answer.status_code < 300:
            history.mrn = answer.json()["mrn"]
            history.dues = _dues(answer.json()["referrals"])

    async def _amend(self, history: History, step: Step) -> None:
        content = self.content(history.lot, step.version)
        path = f"/v1/declarations/{history.mrn}/amendments"
        answer = await self._ask(history, step, "POST", path, content)
        if answer is not None and answer.status_code < 300:
            told = answer.json()
            history.dues = {**history.dues, **_dues([*told["asked_again"], *told["added"]])}

    async def _withdraw(self, history: History, step: Step) -> None:
        await self._ask(
            history, step, "POST", f"/v1/declarations/{history.mrn}/withdrawal", {"reason": "C05"}
        )

    async def _answer(self, history: History, step: Step) -> None:
        """Answer every question there is, once there is one."""
        deadline = asyncio.get_running_loop().time() + _ASKED_WITHIN
        path = f"/v1/declarations/{history.mrn}/questions"
        while asyncio.get_running_loop().time() < deadline:
            shown = await self._send(history, "GET", path, None)
            if shown is not None and shown.status_code == 200:
                questions = [one for one in shown.json()["questions"] if one["state"] in ("open", "overdue")]
                for one in questions:
                    there = f"{path}/{one['service']}/{quote(one['id'], safe='')}/answer"
                    text = {"text": f"Answer to {one['id']}"}
                    await self._ask(history, step, "POST", there, text, service=one["service"])
                if questions:
                    return
            await asyncio.sleep(0.5)
        history.left_undone.append(step.act)

    async def _decide(self, history: History, step: Step) -> None:
        body = {"id": f"HAND-{history.mrn}-{step.service}"[:64], "verdict": "approved"}
        path = f"/v1/declarations/{history.mrn}/referrals/{step.service}/decisions"
        # Officers have seen the goods: they do not decide before the agency's system has spoken.
        deadline = asyncio.get_running_loop().time() + _ASKED_WITHIN
        while asyncio.get_running_loop().time() < deadline:
            shown = await self._send(history, "GET", f"/v1/declarations/{history.mrn}", None)
            if shown is not None and shown.status_code == 200:
                states = {one["service"]: one["state"] for one in shown.json()["referrals"]}
                if states.get(step.service) == "decided":
                    break
            await asyncio.sleep(0.5)
        else:
            history.left_undone.append(step.act)
            return
        agency = self._world.services[step.service].agency
        await self._ask(history, step, "POST", path, body, service=step.service, office=agency)

    async def _assess(self, history: History, step: Step) -> None:
        body = {"amount": {"amount": "125000", "currency": "KRW"}}
        await self._ask(history, step, "PUT", f"/v1/declarations/{history.mrn}/duties", body, office=CUSTOMS)

    async def _cover(self, history: History, step: Step) -> None:
        body = {
            "kind": "payment",
            "amount": {"amount": "125000", "currency": "KRW"},
            "reference": history.lot.lrn,
        }
        path = f"/v1/declarations/{history.mrn}/duties/covers"
        await self._ask(history, step, "POST", path, body, office=CUSTOMS)

    async def _repeat(self, history: History, step: Step) -> None:
        await self._ask(history, step, "POST", "/v1/declarations", self.content(history.lot, 0))

    async def _conflict(self, history: History, step: Step) -> None:
        await self._ask(history, step, "POST", "/v1/declarations", self.content(history.lot, step.version))

    # --- asking -----------------------------------------------------------------------------------------

    async def _ask(
        self,
        history: History,
        step: Step | None,
        method: str,
        path: str,
        body: Mapping[str, Any],
        *,
        service: str = "",
        office: str | None = None,
    ) -> httpx.Response | None:
        """Ask until there is an answer that is one."""
        began, pause = datetime.now(UTC), _PAUSE[0]
        while True:
            answer = await self._send(history, method, path, body, office)
            if answer is not None and answer.status_code not in _AGAIN:
                break
            if answer is not None and answer.status_code == 500:
                self.failures.append((history.lot.number, f"{method} {path}", answer.text[:500]))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _PAUSE[1])
        history.answers.append(
            Answered(
                step.act if step else None,
                began,
                datetime.now(UTC),
                answer.status_code,
                version=step.version if step else 0,
                service=service,
                body="" if answer.status_code < 300 else answer.text[:500],
            )
        )
        return answer

    async def _read(self, path: str) -> dict[str, str]:
        """A page, asked for until it is there: whoever was killed last may still be starting."""
        while True:
            try:
                answer = await self._client.get(path, headers=_headers(self._key))
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code == 200:
                page: dict[str, str] = answer.json()
                return page
            await asyncio.sleep(_PAUSE[1])

    async def _send(
        self, history: History, method: str, path: str, body: Any, office: str | None = None
    ) -> httpx.Response | None:
        """One try; None when there was no answer."""
        history.tries += 1
        key = self._key if office is None else self._keys[office]
        try:
            return await self._client.request(method, path, json=body, headers=_headers(key))
        except httpx.HTTPError:
            return None


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _dues(referrals: list[dict[str, Any]]) -> dict[str, datetime]:
    return {one["service"]: datetime.fromisoformat(one["due_at"]) for one in referrals}


def _keys(store_url: str, offices: list[str]) -> dict[str, str]:
    """A key for each office."""
    keys = {}
    store = create_store(store_url)
    try:
        for office in offices:
            key, hashed = new_key()
            agency = None if office == CUSTOMS else office
            role = Role.CUSTOMS if office == CUSTOMS else Role.AGENCY
            store.add_client(
                ApiClient(
                    id=f"chaos-{office}-{secrets.token_hex(4)}",
                    name="The campaign",
                    role=role,
                    agency=agency,
                    created_at=utc_now(),
                ),
                hashed,
            )
            keys[office] = key
    finally:
        store.close()
    return keys
