"""What the campaign knows of goods and agencies, read from the files and from nobody's answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

CONSENTING = frozenset({"approved", "approved_with_conditions"})
"""The verdicts by which an agency consents."""


@dataclass(frozen=True)
class Good:
    """Goods that can be declared, and the services that must consent to them."""

    hs_code: str
    procedure: str
    attributes: Mapping[str, Any]
    services: tuple[str, ...]
    prohibited: bool
    certificate: str | None
    """The type of the certificate from which their quantity is written off."""


@dataclass(frozen=True)
class Service:
    """What an agency's file says of one service that matters to who is waiting."""

    name: str
    agency: str
    answers: str
    on_expiry: str
    amends: bool
    takes_answers: bool
    """The contract has an operation by which it is told what the declarant answers."""
    speaks_again: bool
    """After a question of its own it is heard once more: by callback, poll or feed."""
    speaks_unasked: bool
    """It is heard whenever it speaks, by callback or feed; who is polled is not asked after its decision."""


@dataclass(frozen=True)
class World:
    """Goods, services, and what each agency's words mean."""

    goods: tuple[Good, ...]
    services: Mapping[str, Service]
    vocabulary: Mapping[str, Mapping[str, str]]
    """By agency: its word, and the verdict that it stands for."""

    def says(self, agency: str, verdict: str) -> bool:
        """Whether an agency has a word for a verdict."""
        return verdict in self.vocabulary[agency].values()


def read_world(configuration: Path) -> World:
    """The world of a configuration folder."""
    yaml = YAML(typ="safe")
    goods = tuple(
        Good(
            hs_code=one["hs_code"],
            procedure=one.get("procedure", "import"),
            attributes=one.get("attributes", {}),
            services=tuple(one["services"]),
            prohibited=one.get("prohibited", False),
            certificate=one.get("certificate"),
        )
        for one in yaml.load((Path(__file__).parent / "goods.yaml").read_text())
    )
    services: dict[str, Service] = {}
    vocabulary: dict[str, dict[str, str]] = {}
    for path in sorted((configuration / "agencies").glob("*.yaml")):
        file = yaml.load(path.read_text())
        agency, channel = file["agency"], file["channel"]
        vocabulary[agency] = dict(file["verdicts"])
        for name, one in file["services"].items():
            services[name] = Service(
                name=name,
                agency=agency,
                answers=one["answers"],
                on_expiry=one["on_expiry"],
                amends="amend" in channel,
                takes_answers="inform" in channel,
                speaks_again=one["answers"] != "reply",
                speaks_unasked=one["answers"] in ("callback", "feed"),
            )
    return World(goods, services, vocabulary)
