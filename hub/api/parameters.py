"""Query parameters that nobody reads are refused: a misspelt filter would list what was not asked for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.routing import APIRoute

from hub.api.problems import ApiProblem, ProblemFault

Cursor = Annotated[str | None, Query(max_length=500, description="Of the page before.")]
"""Where a page begins, as the page before said it."""


async def only_known(request: Request) -> None:
    """Dependency of every route; it minds those that read, or take parameters. Raises ApiProblem."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = _names(route)
    if request.method not in ("GET", "HEAD") and not known:
        return
    strange = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if strange:
        there = f"there are {', '.join(known)}" if known else "there are none here"
        raise ApiProblem(
            "invalid-parameters",
            "see errors for each parameter at fault",
            faults=[ProblemFault(parameter=name, detail=f"is not known; {there}") for name in strange],
        )


def _names(route: APIRoute) -> list[str]:
    found, waiting = [], [route.dependant]
    while waiting:
        dependant = waiting.pop(0)
        found += [parameter.alias for parameter in dependant.query_params]
        waiting += dependant.dependencies
    return list(dict.fromkeys(found))
