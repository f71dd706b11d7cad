"""An agency with a contract of the test's own, spoken to over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from hub.adapters.check import check_channels
from hub.adapters.gateway import Gateway
from hub.config.models import AgencyFile
from tests.adapters.support import NOW, SEOUL, agency

NAME = "kats"


def rest_agency(folder: Path, contract: str, channel: str, **file: Any) -> AgencyFile:
    """An agency whose channel is given in YAML; its endpoint is `env:THERE`, its contract beside."""
    (folder / "contract.yaml").write_text(contract, encoding="utf-8")
    data = agency(NAME).model_dump(mode="json")
    written = YAML(typ="safe").load(channel)
    data["channel"] = {
        "adapter": "rest",
        "contract": "contract.yaml",
        "endpoint": "env:THERE",
        "limits": {"attempts": 1, "timeout": "5s"},
        **written,
    }
    data["verdicts"] = {"yes": "approved", "no": "refused"}
    return AgencyFile.model_validate(data | file)


@asynccontextmanager
async def spoken_to(
    folder: Path, url: str, file: AgencyFile, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Gateway]:
    gateway = Gateway(
        {NAME: file}, {NAME: "v1"}, folder, {"THERE": url, **(environment or {})}, {NAME: SEOUL}, lambda: NOW
    )
    try:
        yield gateway
    finally:
        await gateway.close()


def faults(folder: Path, file: AgencyFile) -> dict[str, str]:
    """What the check finds wrong, by key below `channel`; warnings are left out."""
    found = check_channels({NAME: file}, folder, {"THERE": "https://there.example"})
    return {".".join(map(str, one.key[1:])): one.what for one in found if not one.warning}
