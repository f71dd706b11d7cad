"""All that people do, joined: console, API and worker are given the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from hub.domain.deadlines import WorkingCalendar
from hub.domain.intake import Rulebook
from hub.operations.actions import Actions, Rules
from hub.operations.audit import Audit
from hub.operations.bulk import BulkActions
from hub.operations.by_hand import ByHand
from hub.operations.permission import Recorder
from hub.ports import (
    ActionStore,
    AgencyGateway,
    Attention,
    CaseStore,
    Clock,
    Controls,
    Engine,
    QueryStore,
    Scanner,
)


class DeskStore(CaseStore, QueryStore, ActionStore, Controls, Attention, Protocol):
    """What it takes of a store."""


@dataclass(frozen=True)
class Desk:
    """What operations do."""

    actions: Actions
    by_hand: ByHand
    bulks: BulkActions
    audit: Audit
    rules: Rules


def desk_of(
    store: DeskStore,
    engine: Engine,
    gateway: AgencyGateway,
    scanner: Scanner,
    clock: Clock,
    *,
    rulebook: Callable[[], Rulebook],
    calendar: Callable[[str], WorkingCalendar],
    patience: timedelta = timedelta(seconds=2),
) -> Desk:
    """
    The desk on a store. `patience` is how long an action waits for the engine before it leaves the telling to
    a relay.
    """
    recorder = Recorder(store, engine, clock, patience)
    rules = Rules(rulebook, calendar)
    actions = Actions(recorder, store, store, gateway, rules)
    return Desk(
        actions=actions,
        by_hand=ByHand(recorder, store, store, scanner),
        bulks=BulkActions(recorder, actions, store),
        audit=Audit(store, clock),
        rules=rules,
    )
