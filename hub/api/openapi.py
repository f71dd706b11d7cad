"""The API's description: what FastAPI derives, made to tell the truth."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from hub.api.asked import BODIES
from hub.api.problems import Problem, problem_responses
from hub.domain.declaration import Declaration

_REF = "#/components/schemas/{model}"


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """
    A function that gives the OpenAPI document.

    Bodies and problems are read and written by our own code, so their schemas are put in here; FastAPI's own
    422, which this API never answers with, is taken out.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                routes=app.routes,
            )
            schemas = document["components"]["schemas"]
            models: tuple[type[BaseModel], ...] = (Problem, Declaration, *BODIES)
            for model in models:
                schema = model.model_json_schema(ref_template=_REF)
                schemas.update(schema.pop("$defs", {}))
                schemas[model.__name__] = schema
            _drop_foreign_validation_errors(document)
            _tell_of_the_archive(document)
            app.openapi_schema = document
        return app.openapi_schema

    return openapi


def _tell_of_the_archive(document: dict[str, Any]) -> None:
    """Whatever is asked of a declaration, it may have left for the archive."""
    for path, operations in document["paths"].items():
        if "{mrn}" in path:
            for operation in operations.values():
                operation["responses"] |= {
                    str(status): response
                    for status, response in problem_responses("archived").items()
                    if status == HTTPStatus.GONE
                }


def _drop_foreign_validation_errors(document: dict[str, Any]) -> None:
    foreign = _REF.format(model="HTTPValidationError")
    for operations in document["paths"].values():
        for operation in operations.values():
            schema = operation["responses"].get("422", {}).get("content", {}).get("application/json", {})
            if schema.get("schema", {}).get("$ref") == foreign:
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
