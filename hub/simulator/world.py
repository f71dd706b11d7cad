"""All simulated agencies of a configuration, and the cargo system, joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hub.config.models import AgencyFile
from hub.domain.deadlines import WorkingCalendar
from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.behaviour import Timings
from hub.simulator.callbacks import CallbackSender, CallbackSigner
from hub.simulator.cargo import CargoSystem
from hub.simulator.contracts import NotSimulated, contract
from hub.simulator.credentials import HttpCredentials, UsernameTokens
from hub.simulator.environment import EnvironmentMissing, names
from hub.simulator.http import Contract, Door
from hub.simulator.journal import Journal
from hub.simulator.ledger import Ledger


class Configured(Protocol):
    """What the simulator reads of a configuration; `hub.config.loader.Configuration` is one."""

    @property
    def folder(self) -> Path: ...

    @property
    def agencies(self) -> Mapping[str, AgencyFile]: ...

    @property
    def calendars(self) -> Mapping[str, WorkingCalendar]: ...


@dataclass(frozen=True)
class Simulated:
    """One agency behind its contract."""

    contract: Contract
    door: Door
    document: bytes
    """The contract as written, for whoever asks for it."""


class World:
    """Everything that is simulated. Lives in one event loop: `start` and `close` are called inside it."""

    def __init__(
        self,
        configuration: Configured,
        *,
        hub_url: str,
        environment: Mapping[str, str],
        data_folder: Path | None = None,
    ) -> None:
        """
        An agency whose contract the simulator does not know is left out, for the others have to go on: it has
        a system of its own. Raises EnvironmentMissing with every name that is not set.
        """
        _insist_on(configuration.agencies, environment)
        self.timings = Timings()
        self._journal = Journal(data_folder)
        self.ledger = Ledger(self._journal)
        self.cargo = CargoSystem(environment.get("HUB_CARGO_TOKEN", ""), self._journal)
        self._sender = CallbackSender(
            hub_url,
            ledger=self.ledger,
            timings=self.timings,
            write=self._write,
            signers={
                slug: CallbackSigner(agency.channel.callback.auth, environment)
                for slug, agency in configuration.agencies.items()
                if agency.channel.callback is not None
            },
        )
        contracts: dict[str, tuple[Contract, bytes]] = {}
        self.agencies: dict[str, Simulated] = {}
        self.left_out: dict[str, str] = {}
        """Agencies that are not simulated, and why."""
        for slug, file in configuration.agencies.items():
            name = file.channel.contract
            if name not in contracts:
                path = configuration.folder / name
                try:
                    contracts[name] = contract(path), path.read_bytes()
                except NotSimulated as wrong:
                    self.left_out[slug] = str(wrong)
                    continue
            kept, document = contracts[name]
            agency = SimulatedAgency(
                file,
                ledger=self.ledger,
                timings=self.timings,
                agencies=configuration.agencies.keys(),
                repeatable=kept.repeatable,
                tell=self._sender.tell,
                zone=configuration.calendars[slug].zone,
            )
            auth = file.channel.auth
            user = auth.ws_security if auth.ws_security and auth.ws_security.username else None
            tokens = UsernameTokens(user, environment) if user else None
            self.agencies[slug] = Simulated(
                kept, Door(agency, HttpCredentials(auth, environment), tokens), document
            )

    async def start(self) -> None:
        """Go on with what an earlier run had still to tell."""
        for simulated in self.agencies.values():
            simulated.door.agency.go_on()

    async def clear(self) -> None:
        """Forget everything that was received, and behave as usual again."""
        await self._sender.stop()
        self._journal.clear()
        self.ledger.clear()
        self.cargo.clear()
        for simulated in self.agencies.values():
            simulated.door.agency.forget()

    async def close(self) -> None:
        await self._sender.close()
        self._journal.close()

    def _write(self, waiting: Waiting) -> tuple[str, bytes]:
        simulated = self.agencies[waiting.entry.agency]
        return simulated.contract.notice(waiting, simulated.door.agency)


def _insist_on(agencies: Mapping[str, AgencyFile], environment: Mapping[str, str]) -> None:
    missing = {
        name
        for agency in agencies.values()
        for name in names(agency.channel)
        if not environment.get(name) and f"env:{name}" != agency.channel.endpoint
    }
    if missing:
        raise EnvironmentMissing(f"not set: {', '.join(sorted(missing))}")
