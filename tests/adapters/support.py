"""What these tests share: the real agencies, dossiers about them, and a gateway to a test system."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML

from hub.adapters.gateway import Gateway
from hub.config.models import AgencyFile
from hub.domain.declaration import Declaration
from hub.domain.exchange import Dossier
from hub.domain.referral import Receipt, ReferralTerms
from hub.ports import CallMeter, Clock, unmetered

FOLDER = Path(__file__).parents[2] / "adapters_config"
GOLDEN = FOLDER / "golden"
NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
MRN = "26KR1B2C3D4E5F6G72"
SEOUL = ZoneInfo("Asia/Seoul")


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


@cache
def agency(slug: str) -> AgencyFile:
    """An agency as it is configured."""
    return AgencyFile.model_validate(read_yaml(FOLDER / "agencies" / f"{slug}.yaml"))


def changed(file: AgencyFile, **channel: Any) -> AgencyFile:
    """An agency whose channel differs, as `limits={"attempts": 1}`; what is not named stays."""
    data = file.model_dump(mode="json")
    for name, value in channel.items():
        held = data["channel"].get(name)
        merged = isinstance(value, Mapping) and isinstance(held, dict)
        data["channel"][name] = {**held, **value} if merged else value
    return AgencyFile.model_validate(data)


def environment(file: AgencyFile, url: str) -> dict[str, str]:
    """A value for every variable the agency's channel names; the endpoint is `url`."""
    return {
        name: url if name.endswith("_ENDPOINT") else f'{name.lower()}-3f&<"é'
        for name in _variables(file.channel.model_dump(mode="json"))
    }


def _variables(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        for part in tree.values():
            yield from _variables(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _variables(part)
    elif isinstance(tree, str) and tree.startswith("env:"):
        yield tree.removeprefix("env:")


def merged(base: Any, change: Any) -> Any:
    if isinstance(base, dict) and isinstance(change, dict):
        both = {name: merged(base[name], change[name]) for name in base.keys() & change.keys()}
        return {**base, **change, **both}
    return change


def dossier(
    file: AgencyFile,
    service: str | None = None,
    *,
    facts: Mapping[str, Any] | None = None,
    items: tuple[int, ...] | None = None,
    receipt: str | None = None,
) -> Dossier:
    """A referral to one of the agency's services; all goods items, unless said otherwise."""
    code = service or next(iter(file.services))
    declaration = Declaration.model_validate(merged(read_yaml(GOLDEN / "base.yaml"), dict(facts or {})))
    asked = file.services[code]
    return Dossier(
        declaration=declaration,
        terms=ReferralTerms(
            id=f"{MRN}/{code}",
            mrn=MRN,
            service=code,
            agency=file.agency,
            service_name=asked.name,
            law=asked.law,
            document=asked.document,
            items=items or tuple(item.number for item in declaration.items),
            answers=asked.answers,
            answer_within=asked.answer_within,
            due_at=NOW + timedelta(days=3),
            on_expiry=asked.on_expiry,
            config_version="v1",
        ),
        accepted_at=NOW,
        receipt=None if receipt is None else Receipt(reference=receipt, received_at=NOW),
    )


@asynccontextmanager
async def gateway_to(
    url: str,
    *files: AgencyFile,
    extra: Mapping[str, str] | None = None,
    clock: Clock = lambda: NOW,
    meter: CallMeter = unmetered,
) -> AsyncIterator[Gateway]:
    """A gateway to agencies that all live at `url`; it is `NOW` unless a clock says otherwise."""
    variables: dict[str, str] = {}
    for file in files:
        variables |= environment(file, url)
    variables |= extra or {}
    gateway = Gateway(
        {file.agency: file for file in files},
        {file.agency: "v1" for file in files},
        FOLDER,
        variables,
        {file.agency: SEOUL for file in files},
        clock,
        meter,
    )
    try:
        yield gateway
    finally:
        await gateway.close()
