"""The simulator's own pages: behaviours, timings, and the ledgers."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hub.simulator.agency import now
from hub.simulator.behaviour import Behaviour
from hub.simulator.cargo import CargoBehaviour
from hub.simulator.ledger import summary
from hub.simulator.world import Simulated, World

Milliseconds = Annotated[int, Field(ge=0, le=600_000)]


class _Setting(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AgencySetting(_Setting):
    """How an agency is to behave from now on."""

    behaviour: Behaviour = Behaviour.APPROVE
    delay_ms: Milliseconds = 2000
    """What SLOW takes for every answer."""


class CargoSetting(_Setting):
    """How the cargo system is to behave from now on."""

    behaviour: CargoBehaviour = CargoBehaviour.TAKE
    delay_ms: Milliseconds = 2000


class TimingSetting(_Setting):
    """Timings to change, in milliseconds; see `hub.simulator.behaviour.Timings`."""

    callback: Milliseconds | None = None
    poll: Milliseconds | None = None
    late: Milliseconds | None = None
    retry: Milliseconds | None = None
    retry_most: Milliseconds | None = None


def admin_routes(world: World) -> list[BaseRoute]:
    """
    /_simulator/agencies[/{agency}], /_simulator/timings, /_simulator/ledger and /_simulator/cargo.

    DELETE of an agency resets it, DELETE of the ledger forgets everything.
    """

    async def agencies(request: Request) -> Response:
        return JSONResponse({slug: _setting(simulated) for slug, simulated in world.agencies.items()})

    async def agency(request: Request) -> Response:
        simulated = world.agencies.get(request.path_params["agency"])
        if simulated is None:
            return _problem(404, "there is no such agency")
        if request.method != "GET":
            body = await request.body() if request.method == "PUT" else b"{}"
            try:
                setting = AgencySetting.model_validate_json(body)
            except ValidationError as wrong:
                return _faults(wrong)
            simulated.door.agency.behaviour = setting.behaviour
            simulated.door.agency.delay = timedelta(milliseconds=setting.delay_ms)
        return JSONResponse(_setting(simulated))

    async def timings(request: Request) -> Response:
        if request.method == "PUT":
            try:
                setting = TimingSetting.model_validate_json(await request.body())
            except ValidationError as wrong:
                return _faults(wrong)
            for name, value in setting.model_dump(exclude_none=True).items():
                setattr(world.timings, name, value)
        return JSONResponse(asdict(world.timings))

    async def ledger(request: Request) -> Response:
        if request.method == "DELETE":
            await world.clear()
            return Response(status_code=204)
        query = request.query_params
        entries = world.ledger.entries(agency=query.get("agency"), mrn=query.get("mrn"))
        moment = now()
        return JSONResponse(
            {"summary": summary(entries), "applications": [entry.view(moment) for entry in entries]}
        )

    async def cargo(request: Request) -> Response:
        if request.method == "PUT":
            try:
                setting = CargoSetting.model_validate_json(await request.body())
            except ValidationError as wrong:
                return _faults(wrong)
            world.cargo.behaviour = setting.behaviour
            world.cargo.delay = timedelta(milliseconds=setting.delay_ms)
        query = request.query_params
        return JSONResponse(
            {
                "behaviour": world.cargo.behaviour,
                "notices": world.cargo.ledger(ucr=query.get("ucr"), mrn=query.get("mrn")),
            }
        )

    return [
        Route("/_simulator/agencies", agencies, methods=["GET"]),
        Route("/_simulator/agencies/{agency}", agency, methods=["GET", "PUT", "DELETE"]),
        Route("/_simulator/timings", timings, methods=["GET", "PUT"]),
        Route("/_simulator/ledger", ledger, methods=["GET", "DELETE"]),
        Route("/_simulator/cargo", cargo, methods=["GET", "PUT"]),
    ]


def _setting(simulated: Simulated) -> dict[str, Any]:
    agency = simulated.door.agency
    return {
        "behaviour": agency.behaviour,
        "delay_ms": round(agency.delay.total_seconds() * 1000),
        "contract": agency.file.channel.contract,
    }


def _problem(status: int, detail: str) -> Response:
    return JSONResponse(
        {"type": "about:blank", "title": "not done", "status": status, "detail": detail},
        status,
        media_type="application/problem+json",
    )


def _faults(wrong: ValidationError) -> Response:
    return _problem(422, "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong.errors()))
