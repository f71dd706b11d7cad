"""What the tests of the domain share: the catalogue as configured, and small ones made for one test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from hub.config.loader import Configuration, load
from hub.domain.catalogue import Attribute, Catalogue, ExemptionCode, Row, Service
from hub.domain.declaration import Declaration, Procedure
from hub.domain.referral import Answers, OnExpiry

CONFIGURATION = Path(__file__).parents[2] / "adapters_config"
CONSIGNMENTS = Path(__file__).parent / "data" / "consignments.yaml"
DAY = date(2026, 3, 2)


@cache
def configuration() -> Configuration:
    """The project's own configuration folder."""
    return load(CONFIGURATION, development=True)


@cache
def consignments() -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(CONSIGNMENTS.read_text(encoding="utf-8"))
    return content


def declaration(*items: Mapping[str, Any], procedure: str = "import", **more: Any) -> Declaration:
    """A declaration of these items, numbered in order where they have no number."""
    consignment = {"ucr": "6KR0001-T1"} | more.pop("consignment", {})
    return Declaration.model_validate(
        {
            "lrn": "T-1",
            "procedure": procedure,
            "declarant": {"id": "KR-0001"},
            "consignment": consignment,
            "items": [{"number": n, **item} for n, item in enumerate(items, start=1)],
            **more,
        }
    )


@dataclass(frozen=True)
class Says:
    """A condition written in Python, for catalogues that are made for one test."""

    text: str
    names: tuple[str, ...]
    test: Callable[[Mapping[str, object]], bool]

    def __call__(self, facts: Mapping[str, object]) -> bool:
        return self.test(facts)


def flag(name: str) -> Says:
    """Holds where the boolean attribute is declared true."""
    fact = f"item.{name}"
    return Says(fact, (fact,), lambda facts: facts[fact] is True)


def service(code: str, *rows: Row | str, **more: Any) -> Service:
    """A service for import under a law of its own, always in force, unless `more` says otherwise."""
    given: dict[str, Any] = {
        "agency": code.partition("-")[0],
        "name": {"en": f"Approval {code}"},
        "law": {"en": f"Act on {code}"},
        "law_code": "01",
        "procedures": frozenset({Procedure.IMPORT}),
        "document": "Certificate",
        "answers": Answers.REPLY,
        "answer_within": "3wd",
        "on_expiry": OnExpiry.HOLD,
        **more,
    }
    return Service(code=code, rows=tuple(Row(r) if isinstance(r, str) else r for r in rows), **given)


def catalogue(*services: Service, flags: tuple[str, ...] = ("a", "b"), **exemptions: str) -> Catalogue:
    """These services, boolean attributes `flags`, and exemption reasons by code: the law code of each."""
    return Catalogue(
        services=services,
        attributes={name: Attribute(name, "bool", {"en": name}, absent=False) for name in flags},
        exemptions={
            code: ExemptionCode(code, law, {"en": f"reason {code}"}) for code, law in exemptions.items()
        },
        lists={},
        version="test",
    )
