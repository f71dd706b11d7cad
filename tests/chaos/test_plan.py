"""The plan of a campaign: data, made of its seed alone."""

from __future__ import annotations

from datetime import date

from chaos.plan import FaultKind, Kind
from chaos.planning import make_plan
from chaos.world import World
from hub.config.loader import load
from hub.domain.declaration import Declaration
from hub.domain.routing import route
from hub.simulator.behaviour import asked_for
from tests.chaos.conftest import CONFIGURATION

DAY = date(2026, 11, 22)


def test_a_seed_is_one_plan(world: World) -> None:
    """The same seed is the same plan, another one another."""
    first, same, other = (
        make_plan(seed, world, declarations=50, kills=5, faults=5, database="sqlite") for seed in "112"
    )
    assert first == same
    assert first.lots != other.lots


def test_every_kind_and_every_fault_is_met(world: World) -> None:
    """A thousand declarations leave nothing out, and each asks for a behaviour that there is."""
    plan = make_plan(
        "1", world, declarations=1000, kills=100, faults=300, database="postgresql", means=["disk", "clock"]
    )
    assert {lot.kind for lot in plan.lots} == set(Kind)
    assert {fault.kind for fault in plan.faults} == set(FaultKind)
    assert sum(fault.kind is FaultKind.KILL for fault in plan.faults) == 100
    for lot in plan.lots:
        assert len(lot.ucr) <= 35
        for agency in world.vocabulary:
            asked_for(lot.ucr, agency, world.vocabulary)


def test_the_campaign_knows_who_must_consent(world: World) -> None:
    """What it has written down about goods agrees with the catalogue that is shipped."""
    configuration = load(CONFIGURATION, development=True)
    plan = make_plan("1", world, declarations=400, kills=0, faults=0, database="sqlite")
    asked = {(line.good, lot.procedure) for lot in plan.lots for line in lot.versions[0] if line.good >= 0}
    assert {good for good, _ in asked} == set(range(len(world.goods)))
    for place, procedure in asked:
        good = world.goods[place]
        declaration = Declaration.model_validate(
            {
                "lrn": "1",
                "procedure": procedure,
                "declarant": {"id": "B"},
                "consignment": {"ucr": "1"},
                "items": [{"number": 1, "hs_code": good.hs_code, "attributes": good.attributes}],
            }
        )
        routing = route(declaration, configuration.catalogue, DAY)
        assert {one.service for one in routing.required} == set(good.services)
        assert bool(routing.prohibited) == good.prohibited
