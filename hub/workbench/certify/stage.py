"""Where behaviours are played: what stays the same through a whole run."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hub.clock import utc_now
from hub.config.models import AgencyFile
from hub.domain.deadlines import parse_duration
from hub.domain.declaration import Declaration
from hub.domain.exchange import Dossier, Exchange
from hub.domain.names import new_mrn
from hub.domain.referral import Answers, Verdict
from hub.store import Store
from hub.workbench.bench import Bench, under_new_lrn
from hub.workbench.certify.certificates import Authority
from hub.workbench.certify.door import Door
from hub.workbench.certify.finding import NotPlayed
from hub.workbench.certify.kinds import RequestKinds
from hub.workbench.certify.proxy import Proxy, Tap
from hub.workbench.certify.rerouting import addresses, origin, rerouted
from hub.workbench.certify.scene import Scene
from hub.workbench.certify.simulated import SimulatedAgency
from hub.workbench.certify.upstream import Upstream
from hub.workbench.certify.wire import Answer, Passage
from hub.workbench.unready import Unready

if TYPE_CHECKING:
    from hub.workbench.certify.behaviours.calls import Call

OUTCOMES: Mapping[str, tuple[Verdict, str]] = {
    "approve": (Verdict.APPROVED, "APPROVE"),
    "refuse": (Verdict.REFUSED, "REFUSE"),
    "conditions": (Verdict.APPROVED_WITH_CONDITIONS, "CONDITIONS"),
    "ask": (Verdict.INFORMATION_REQUIRED, "ASK"),
}
"""What the agency is expected to say, and by which word in the ucr the simulator is asked to say it."""

_REACH = 10.0
"""Seconds to connect."""
_TRUST = "HUB_CERTIFY_AUTHORITY"
"""The variable by which a scene is told whom to trust."""


@dataclass
class Stage:
    """
    One run: the agency as it is configured, and the hub's own parts that outlive a scene.

    `declarations` are by outcome; `patience` is how long a decision is waited for.
    """

    bench: Bench
    database: str
    store: Store
    door: Door
    authority: Authority
    simulator: SimulatedAgency | None
    declarations: Mapping[str, Declaration]
    service: str | None
    patience: float
    tap: Tap = field(init=False)
    direct: list[Exchange] = field(default_factory=list)
    """Exchanges that were asked for past the store."""
    call: Call | None = None
    """A callback of the agency's own, about a case that is still open."""

    def __post_init__(self) -> None:
        self.tap = Tap(lambda *_: "other")

    async def reach(self) -> None:
        """Whether somebody is there at every address. Raises Unready."""
        for one in dict.fromkeys(origin(address) for address in addresses(self.file, self.bench.environment)):
            try:
                await asyncio.to_thread(Upstream(one, self._trust()).reach, _REACH)
            except OSError as wrong:
                reason = getattr(wrong, "verify_message", None) or wrong.strerror or wrong
                raise Unready(
                    f"{self.file.agency} cannot be reached at {one}: {reason}",
                    "see that the test system is up, and its certificate trusted (`channel.trust`); or "
                    "--simulate",
                ) from wrong

    @property
    def file(self) -> AgencyFile:
        """The agency's file, as it is."""
        return self.bench.file

    @property
    def ways(self) -> dict[Answers, str]:
        """One service for each way in which the agency's decisions come back."""
        found: dict[Answers, str] = {}
        for code, service in self.file.services.items():
            if self.service in (None, code):
                found.setdefault(service.answers, code)
        return found

    @property
    def first_service(self) -> str:
        """The service that is asked where any would do."""
        return next(iter(self.ways.values()))

    def dossier(self, outcome: str, service: str | None = None) -> Dossier:
        """A referral under an mrn of its own. Raises NotPlayed where no declaration gets this outcome."""
        code = service or self.first_service
        mrn = new_mrn(self.bench.configuration.policy.country, utc_now())
        given = self.declarations.get(outcome)
        if given is not None:
            [dossier] = self.bench.dossiers(under_new_lrn(given, mrn), service=code, mrn=mrn)
            return dossier
        if outcome != "approve" and self.simulator is None:
            raise NotPlayed(
                f"there is no declaration that the agency answers so ({outcome})", f"give --{outcome} FILE"
            )
        [sample] = self.bench.dossiers(service=code, mrn=mrn, at=utc_now())
        declaration = under_new_lrn(sample.declaration, mrn)
        if self.simulator is not None:
            ucr = f"26KR-SIM-{OUTCOMES[outcome][1]}"
            consignment = declaration.consignment.model_copy(update={"ucr": ucr})
            declaration = declaration.model_copy(update={"consignment": consignment})
        return sample.model_copy(update={"declaration": declaration})

    @asynccontextmanager
    async def scene(
        self,
        *,
        changes: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> AsyncIterator[Scene]:
        """
        A hub around the agency, its channel changed so, speaking to it through proxies of its own.

        With `tls` the proxies prove themselves with that certificate, and the hub trusts the kit's authority
        and no other.
        """
        values = {**self.bench.environment, **(environment or {})}
        changed: dict[str, Any] = dict(changes or {})
        if tls is not None:
            values |= {"REQUESTS_CA_BUNDLE": str(self.authority.pem), _TRUST: str(self.authority.pem)}
            changed["trust"] = f"env:{_TRUST}"
        proxies: dict[str, Proxy] = {}
        origins = {origin(address) for address in addresses(self.file, values)}
        try:
            for one in origins:
                proxies[one] = Proxy(one, self.tap, trust=self._trust(), tls=tls)
            file = rerouted(self.file, values, lambda one: proxies[one].url, changed)
            base = urlsplit(addresses(file, values)[0]).path
            self.tap.kinds = RequestKinds(file, self.bench.folder, base)
            async with AsyncExitStack() as stack:
                bench = self.bench.speaking_to(file, values)
                gateway = await stack.enter_async_context(bench.gateway())
                scene = Scene(self, gateway, list(proxies.values()), file)
                try:
                    yield scene
                finally:
                    await scene.end()
        finally:
            for proxy in proxies.values():
                await asyncio.to_thread(proxy.close)

    def submissions(self, reference: str) -> list[Passage]:
        """The submissions under our reference that reached the agency, and what it said."""
        escaped = reference.replace("/", r"\/")
        return [
            passage
            for passage in self.tap.since(0, "submit")
            if passage.reached and any(form.encode() in passage.request.body for form in (reference, escaped))
        ]

    async def ordinary_submission(self) -> Passage:
        """A submission that the agency took and to which nothing was done. Raises NotPlayed."""
        for passage in reversed(self.tap.since(0, "submit")):
            if passage.reached and passage.said[0].status < 300 and passage.given == passage.said[0]:
                return passage
        async with self.scene() as scene:
            await scene.hand_over(scene.lodge("approve"))
        for passage in reversed(self.tap.since(0, "submit")):
            if passage.reached and passage.said[0].status < 300:
                return passage
        raise NotPlayed("the agency takes no ordinary submission", "see to `approve` first")

    async def ordinary_answer(self) -> Answer:
        """What the agency says to an ordinary submission. Raises NotPlayed."""
        return (await self.ordinary_submission()).said[0]

    async def short_timeout(self) -> str:
        """
        A time-out that is quickly over, and still three times as long as an ordinary submission takes.

        Never longer than the channel's own.
        """
        passage = await self.ordinary_submission()
        took = (passage.ended or passage.began) - passage.began
        own = parse_duration(self.file.channel.limits.timeout).total_seconds()
        return f"{min(math.ceil(own), max(1, math.ceil(3 * took)))}s"

    def _trust(self) -> ssl.SSLContext:
        """How the agency's own certificate is checked, and with what the hub proves itself to it."""
        channel, values = self.file.channel, self.bench.environment
        trusted = self._path(channel.trust) if channel.trust else values.get("REQUESTS_CA_BUNDLE") or None
        context = ssl.create_default_context(cafile=str(trusted) if trusted else None)
        mutual = channel.auth.mtls
        if mutual is not None:
            key = self._path(mutual.key) if mutual.key else None
            context.load_cert_chain(self._path(mutual.certificate), key)
        return context

    def _path(self, text: str) -> Path:
        if text.startswith("env:"):
            return Path(self.bench.environment.get(text.removeprefix("env:"), ""))
        return self.bench.folder / text
