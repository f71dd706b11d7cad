"""
The agencies of the reference job, as a configuration folder of the hub and as a plain list for the others.

They are four agencies of `adapters_config`, one of each kind, copied under new names: the same contracts,
mappings and proofs, without the laws and conditions that would choose among them. Which of them a declaration
needs follows from the tariff code of its one goods item.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import count, cycle, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML

from hub.config.loader import load
from hub.simulator.environment import environment

_SOURCE = Path(__file__).parent.parent / "adapters_config"
_LEFT_OUT = ("agencies", "golden", "exemptions.yaml")


class Kind(StrEnum):
    """How an agency is spoken to, and how its decision comes."""

    REST_REPLY = "rest-reply"
    SOAP_REPLY = "soap-reply"
    REST_CALLBACK = "rest-callback"
    SOAP_POLL = "soap-poll"


_MODELS = {Kind.REST_REPLY: "rra", Kind.SOAP_REPLY: "rda", Kind.REST_CALLBACK: "kcma", Kind.SOAP_POLL: "nfqs"}
"""The agency of `adapters_config` that each kind is a copy of."""


class Job(StrEnum):
    """Which agencies a declaration needs."""

    MIX_4 = "4"
    """The reference job: one of each kind."""
    MIX_38 = "38"
    """38 agencies, the four kinds in turn."""
    REPLY_4 = "4-reply"
    """Two REST and two SOAP, all answered in the reply."""
    REPLY_38 = "38-reply"

    @property
    def referrals(self) -> int:
        return int(self.value.partition("-")[0])


HS_CODE = {Job.MIX_4: "010121", Job.MIX_38: "010221", Job.REPLY_4: "010310", Job.REPLY_38: "010410"}
"""The tariff code of the goods item that needs the agencies of a job."""
POLL_EVERY = 0.15
"""Seconds between two polls of one referral: the first finds it undecided, the second decided."""


@dataclass(frozen=True)
class Agency:
    """What a contender other than the hub is told of an agency."""

    slug: str
    kind: Kind
    service: str
    hs: tuple[str, ...]
    url: str
    contract: str
    """Path of its WSDL or OpenAPI file."""
    credentials: Mapping[str, str]
    """`key`, or `user` and `password`; `callback`: the secret by which callbacks are signed."""
    approves: str
    """Its word for an approval."""


def make_folder(
    folder: Path, more: Mapping[str, str] = MappingProxyType({}), *, timeout: str = "20s"
) -> None:
    """
    Write the configuration folder; `folder` must not exist yet.

    `more` are agencies beside those of the jobs, which answer in their reply by REST, and the tariff code
    that needs each. `timeout` is how long a call to an agency may take.
    """
    shutil.copytree(_SOURCE, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    (folder / "agencies").mkdir()
    (folder / "exemptions.yaml").write_text("# These agencies' law knows none.\nexemptions: {}\n")
    yaml: Any = YAML(typ="safe")
    yaml.sort_base_mapping_type_on_output = False
    models = {
        kind: yaml.load((_SOURCE / "agencies" / f"{name}.yaml").read_text()) for kind, name in _MODELS.items()
    }
    beside = {slug: (Kind.REST_REPLY, (code,)) for slug, code in more.items()}
    for slug, (kind, codes) in (_plan() | beside).items():
        with (folder / "agencies" / f"{slug}.yaml").open("w") as file:
            yaml.dump(_copy(models[kind], _MODELS[kind], slug, codes, timeout), file)


def list_agencies(folder: Path, simulator_url: str, seed: str) -> list[Agency]:
    """The agencies of a folder that `make_folder` wrote, with their simulated endpoints and secrets."""
    files = load(folder, development=True).agencies
    values = environment(files, simulator_url, seed)
    agencies = []
    for slug, (kind, codes) in _plan().items():
        name = slug.upper()
        channel = files[slug].channel
        credentials = {
            each: values[f"{name}_{each.upper()}"]
            for each in ("key", "user", "password")
            if f"{name}_{each.upper()}" in values
        }
        if channel.callback is not None:
            credentials["callback"] = values[f"{name}_CALLBACK_SECRET"]
        agencies.append(
            Agency(
                slug=slug,
                kind=kind,
                service=f"{slug}-consent",
                hs=codes,
                url=values[f"{name}_ENDPOINT"],
                contract=str((folder / channel.contract).resolve()),
                credentials=credentials,
                approves=next(iter(files[slug].verdicts)),
            )
        )
    return agencies


def write_list(agencies: list[Agency], path: Path) -> None:
    """Keep the list in a file that is readable by its owner only."""
    path.touch(mode=0o600)
    path.write_text(json.dumps([asdict(agency) for agency in agencies]))


def read_list(path: Path) -> list[Agency]:
    """What `write_list` has written."""
    return [
        Agency(**{**each, "kind": Kind(each["kind"]), "hs": tuple(each["hs"])})
        for each in json.loads(path.read_text())
    ]


def _plan() -> dict[str, tuple[Kind, tuple[str, ...]]]:
    """Each agency's kind and the tariff codes that need it."""
    mixed = list(islice(cycle(Kind), Job.MIX_38.referrals))
    short = Job.REPLY_38.referrals - sum(kind in (Kind.REST_REPLY, Kind.SOAP_REPLY) for kind in mixed)
    more = list(islice(cycle((Kind.REST_REPLY, Kind.SOAP_REPLY)), short))
    plan: dict[str, tuple[Kind, tuple[str, ...]]] = {}
    replying = count(1)
    for number, kind in enumerate([*mixed, *more], 1):
        codes = []
        if number <= Job.MIX_4.referrals:
            codes.append(HS_CODE[Job.MIX_4])
        if number <= Job.MIX_38.referrals:
            codes.append(HS_CODE[Job.MIX_38])
        if kind in (Kind.REST_REPLY, Kind.SOAP_REPLY):
            if next(replying) <= Job.REPLY_4.referrals:
                codes.append(HS_CODE[Job.REPLY_4])
            codes.append(HS_CODE[Job.REPLY_38])
        plan[f"agency{number:02}"] = (kind, tuple(codes))
    return plan


def _copy(model: dict[str, Any], old: str, slug: str, codes: tuple[str, ...], timeout: str) -> dict[str, Any]:
    channel = _renamed(model["channel"], f"env:{old.upper()}_", f"env:{slug.upper()}_")
    # No agency is to be the bottleneck: what is measured is who asks them.
    channel["limits"] = {"timeout": timeout, "concurrency": 64, "per_second": 1000}
    if "poll" in channel:
        channel["poll"]["every"] = "1s"  # times HUB_POLL_SCALE
    return {
        "agency": slug,
        "name": {"en": f"Agency {slug.removeprefix('agency')} of the benchmark"},
        "contact": f"{slug}@agency.example",
        "calendar": "default",
        "note": f"Made for the benchmark after {old}.",
        "services": {
            f"{slug}-consent": {
                "name": {"en": "Consent"},
                "law": {"en": "Act on Benchmarks"},
                "law_code": "99",
                "procedure": ["import"],
                "hs": list(codes),
                "document": "Consent",
                "answer_within": "3wd",
                "on_expiry": "hold",
                "answers": next(iter(model["services"].values()))["answers"],
                "confidence": "assumed",
            }
        },
        "channel": channel,
        **{key: model[key] for key in ("tables", "verdicts") if key in model},
    }


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, dict):
        return {key: _renamed(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, old, new) for inner in value]
    return value
