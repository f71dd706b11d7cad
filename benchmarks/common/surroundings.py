"""Where a contender's processes find the others, read from the environment."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Surroundings(BaseSettings):
    """Every variable has a name that begins with `BENCH_`."""

    model_config = SettingsConfigDict(env_prefix="BENCH_")

    agencies: Path
    """What `benchmarks.agencies.write_list` wrote."""
    database_url: str
    cargo_url: str
    port: int
    """Of the contender's door."""
    engine: str = ""
    """Address of its engine or broker."""


@cache
def surroundings() -> Surroundings:
    return Surroundings.model_validate({})
