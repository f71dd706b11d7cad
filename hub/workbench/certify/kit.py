"""The kit, whole: sets the stage, plays each behaviour, and gives the report."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hub import journal
from hub.adapters.secrets import without_user
from hub.api.parts import ApiParts
from hub.api.refusals import RefusalLimit
from hub.clock import utc_now
from hub.domain.declaration import Declaration
from hub.operations.desk import desk_of
from hub.operations.progress import ProgressTeller
from hub.operations.tracking import Tracking
from hub.ports import NotScanning
from hub.simulator.contracts import NotSimulated
from hub.store import create_store, upgrade
from hub.workbench.bench import Bench
from hub.workbench.certify.behaviour import Behaviour
from hub.workbench.certify.behaviours import BEHAVIOURS
from hub.workbench.certify.certificates import Authority
from hub.workbench.certify.door import Door, opened
from hub.workbench.certify.finding import Finding
from hub.workbench.certify.report import Report
from hub.workbench.certify.rerouting import addresses
from hub.workbench.certify.scene import PlayedEngine
from hub.workbench.certify.simulated import Secrets, SimulatedAgency, playing
from hub.workbench.certify.stage import Stage
from hub.workbench.unready import Unready
from hub.workbench.variables import require


@dataclass(frozen=True)
class Wishes:
    """How a run is wanted."""

    simulate: bool = False
    """The simulator plays the agency."""
    declarations: Mapping[str, Path] = field(default_factory=dict)
    """Files by outcome (approve, refuse, conditions, ask): declarations that the agency answers so."""
    service: str | None = None
    """This service alone."""
    only: Sequence[str] = ()
    """Names of behaviours; all of them otherwise."""
    callback_host: str = "127.0.0.1"
    callback_port: int = 0
    """Where the hub takes the agency's callbacks; 0 lets the system choose."""
    patience: float = 20.0
    """Seconds that a decision is waited for."""


class Listener:
    """Hears of a run while it is under way; does nothing by itself."""

    def opened(self, stage: Stage) -> None:
        """Everything is set up."""

    def begins(self, behaviour: Behaviour) -> None:
        """It is about to be played."""

    def ended(self, finding: Finding) -> None:
        """It has been played."""


async def certify(bench: Bench, wishes: Wishes, listener: Listener | None = None) -> Report:
    """
    Play the behaviours between the hub's own parts and the agency.

    Raises Unready: a variable that is not set, a declaration that cannot be read, a behaviour that is not
    known, a port that is taken, a contract that the simulator does not know.
    """
    listener = listener or Listener()
    chosen = chosen_behaviours(wishes.only)
    declarations = {outcome: bench.declaration(path) for outcome, path in wishes.declarations.items()}
    if wishes.service is not None:
        bench.dossiers(service=wishes.service)
    started_at, began = utc_now(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hub-certify-") as made:
        async with _set(bench, wishes, declarations, Path(made)) as stage:
            listener.opened(stage)
            findings = []
            for behaviour in chosen:
                listener.begins(behaviour)
                findings.append(await behaviour.played(stage))
                listener.ended(findings[-1])
            return _report(stage, wishes, findings).model_copy(
                update={"started_at": started_at, "seconds": round(time.monotonic() - began, 1)}
            )


def chosen_behaviours(only: Sequence[str]) -> list[Behaviour]:
    """Those of these names, in the order they are played. Raises Unready."""
    known = {behaviour.name for behaviour in BEHAVIOURS}
    strange = [name for name in only if name not in known]
    if strange:
        names = ", ".join(behaviour.name for behaviour in BEHAVIOURS)
        raise Unready(f"there is no behaviour {strange[0]!r}", f"there are {names}")
    return [behaviour for behaviour in BEHAVIOURS if not only or behaviour.name in only]


@asynccontextmanager
async def _set(
    bench: Bench, wishes: Wishes, declarations: Mapping[str, Declaration], folder: Path
) -> AsyncIterator[Stage]:
    """The stage: a store of its own, the door for callbacks, the agency if it is to be simulated."""
    secrets = Secrets()
    if wishes.simulate:
        bench = bench.speaking_to(bench.file, {**bench.environment, **secrets.environment(bench)})
    require(bench.file, bench.environment)
    database = f"sqlite:///{folder / 'certify.sqlite'}"
    upgrade(database)
    store = create_store(database, sync="normal")
    store.announce(journal.tell)
    try:
        async with bench.gateway() as gateway:
            parts = ApiParts(
                cases=store,
                queries=store,
                engine=PlayedEngine(),
                gateway=gateway,
                certificates=store,
                cargo=store,
                rulebook=bench.configuration.rulebook,
                calendar=bench.configuration.calendar_of,
                clock=utc_now,
                agencies=list,
                desk=desk_of(
                    store,
                    PlayedEngine(),
                    gateway,
                    NotScanning(),
                    utc_now,
                    rulebook=bench.configuration.rulebook,
                    calendar=bench.configuration.calendar_of,
                ),
                progress=ProgressTeller(
                    cargo=store,
                    histories=store,
                    agencies=lambda: bench.configuration.catalogue.agencies,
                    calendar=bench.configuration.calendar_of,
                    clock=utc_now,
                ),
                tracking=Tracking(store, store, utc_now),
                # The kit forges callbacks by the dozen, and each must be judged.
                refusals=RefusalLimit(burst=100_000),
            )
            async with _door(parts, bench.agency, wishes) as door:
                stage = Stage(
                    bench=bench,
                    database=database,
                    store=store,
                    door=door,
                    authority=Authority(folder),
                    simulator=None,
                    declarations=declarations,
                    service=wishes.service,
                    patience=wishes.patience,
                )
                if not wishes.simulate:
                    await stage.reach()
                    yield stage
                    return
                async with _simulated(bench, door) as agency:
                    values = secrets.environment(bench, agency.url)
                    stage.bench = bench.speaking_to(bench.file, {**bench.environment, **values})
                    stage.simulator = agency
                    yield stage
    finally:
        store.close()


@asynccontextmanager
async def _door(parts: ApiParts, agency: str, wishes: Wishes) -> AsyncIterator[Door]:
    try:
        async with opened(parts, agency, wishes.callback_host, wishes.callback_port) as door:
            yield door
    except OSError as wrong:
        if wrong.errno is None or not wishes.callback_port:
            raise
        raise Unready(
            f"callbacks cannot be taken at {wishes.callback_host}:{wishes.callback_port}: {wrong.strerror}",
            "choose another port: --callback-port",
        ) from wrong


@asynccontextmanager
async def _simulated(bench: Bench, door: Door) -> AsyncIterator[SimulatedAgency]:
    hub_url = door.url.removesuffix(f"/v1/agencies/{bench.agency}/callbacks")
    try:
        async with playing(bench, hub_url) as agency:
            yield agency
    except NotSimulated as wrong:
        raise Unready(
            str(wrong), "set the variables of the agency's test endpoint, and leave --simulate out"
        ) from wrong


def _report(stage: Stage, wishes: Wishes, findings: Sequence[Finding]) -> Report:
    bench, file = stage.bench, stage.file
    contract = (bench.folder / file.channel.contract).read_bytes()
    return Report(
        agency=bench.agency,
        name=file.name,
        started_at=utc_now(),
        seconds=0.0,
        hub_version=_hub_version(),
        file=f"agencies/{bench.agency}.yaml",
        file_version=bench.configuration.versions[bench.agency],
        contract=file.channel.contract,
        contract_sha256=hashlib.sha256(contract).hexdigest(),
        endpoint=None if stage.simulator is not None else without_user(addresses(file, bench.environment)[0]),
        simulated=stage.simulator is not None,
        callbacks=stage.door.url if file.channel.callback is not None else None,
        only=tuple(wishes.only),
        behaviours=tuple(findings),
    )


def _hub_version() -> str:
    try:
        return version("single-window-hub")
    except PackageNotFoundError:
        return "not installed"
