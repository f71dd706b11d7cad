"""A small configuration folder without faults, to be spoilt by the tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hub.config.loader import Configuration, ConfigurationFaults, Fault, load

PLANTS = """\
agency: plants
name: {en: Plant Service, ko: 식물청}
contact: desk@plants.example
services:
  plants-import:
    name: {en: Plant quarantine}
    law: {en: Plant Act}
    law_code: "13"
    procedure: [import]
    hs:
      - "0601"
      - "8429"
      - {code: "842959", excluded: true}
      - {code: "060110", needed_when: item.used, valid: {start: 2026-01-01}}
    needed_when: >-
      !item.hs_code.startsWith("84") ||
      (item.used && item.species in list.cites_species)
    document: Certificate
    document_types: ["13101"]
    answer_within: 3wd
    on_expiry: hold
    answers: poll
    alternative_group: certificate
    confidence: assumed
channel:
  adapter: soap
  contract: contracts/plants.wsdl
  endpoint: env:PLANTS_ENDPOINT
  auth: {ws_security: {username: hub, password: env:PLANTS_PASSWORD}}
  submit:
    operation: Request
    request: {No: =referral.id, Lines: '=items.map(i, {"No": i.number})'}
    receipt: {reference: =reply.No}
    errors:
      - {when: '=fault != ""', means: refused, text: =fault}
  look_up:
    operation: Find
    request: {No: =referral.id}
    found: =reply.Found
  poll:
    operation: Ask
    request: {No: =receipt.reference}
    every: 10m
    decision: {when: =has(reply.Code), word: =reply.Code}
  withdraw: {operation: Cancel, request: {Receipt: =receipt.reference, Why: =withdrawal.reason}}
verdicts: {"01": approved, "02": refused}
"""

LABS = """\
agency: labs
name: {en: Laboratories}
contact: desk@labs.example
calendar: night
services:
  labs-import:
    name: {en: Safety certificate}
    law: {en: Safety Act}
    law_code: "22"
    procedure: [import, export]
    hs: ["8504"]
    prohibited_when: item.voltage > 1000.0
    document: Certificate
    document_types: ["22101"]
    answer_within: 48h
    on_expiry: escalate
    answers: callback
    alternative_group: certificate
    valid: {start: 2020-01-01, end: 2030-12-31}
    confidence: verified
  labs-batch:
    name: {en: Batch test}
    law: {en: Safety Act}
    law_code: "22"
    procedure: [import]
    hs: ["8505"]
    document: Report
    answer_within: 30d
    on_expiry: deemed_approved
    answers: feed
    confidence: likely
channel:
  adapter: rest
  contract: contracts/labs.yaml
  endpoint: https://labs.example/api
  auth: {bearer: env:LABS_TOKEN}
  limits: {timeout: 5s, concurrency: 2}
  submit:
    method: POST
    path: /v1/{referral.service}/applications
    headers: {Idempotency-Key: =referral.id}
    request: {number: =referral.id, agency: =agency.slug}
    decision: {word: =reply.word}
  withdraw: {method: DELETE, path: '/v1/applications/{referral.id}'}
  callback:
    auth: {hmac: {secret: env:LABS_SECRET}}
    referral: =message.number
    decision: {word: =message.word, remarks: '=message.?remarks.orValue("")'}
  feed:
    every: 1m
    pull: {method: GET, path: /v1/feed, query: {limit: 50}}
    messages: =reply.messages
    message: {id: =message.id, agency_reference: =message.ref, decision: {word: =message.word}}
    acknowledge: {method: POST, path: /v1/feed/acks, request: {ids: =ids}}
verdicts: {yes: approved, no: refused}
"""

FILES = {
    "agencies/plants.yaml": PLANTS,
    "agencies/labs.yaml": LABS,
    "attributes.yaml": """\
attributes:
  used: {title: {en: Used}, type: bool}
  species: {title: {en: Species}, type: string, absent: unknown}
  voltage: {title: {en: Voltage}, type: number, absent: 12}
  materials: {title: {en: Materials}, type: list, values: [animal, plant]}
""",
    "lists.yaml": "lists:\n  cites_species: [Huso huso, Panthera tigris]\n",
    "exemptions.yaml": """\
exemptions:
  "13A01": {law: "13", name: {en: Not a plant}}
  "22B03": {law: "22", name: {en: For research}, document_required: true}
""",
    "calendar.yaml": """\
calendars:
  default: {zone: Asia/Seoul, closes_at: "18:00", holidays: KR}
  night: {zone: America/New_York, closes_at: 23:30, holidays: US-NY, closed: [2026-03-03], weekend: [sun]}
""",
    "policy.yaml": "country: KR\nrefusal_open_for: 30d\n",
    "contracts/plants.wsdl": "<definitions/>",
    "contracts/labs.yaml": "openapi: 3.1.0\n",
}

ENVIRONMENT = {
    "PLANTS_ENDPOINT": "https://plants.example/soap",
    "PLANTS_PASSWORD": "p",
    "LABS_TOKEN": "t",
    "LABS_SECRET": "s",
}


class Folder:
    """A configuration folder on disk."""

    environment = ENVIRONMENT

    def __init__(self, path: Path) -> None:
        self.path = path
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def text(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def spoil(self, name: str, old: str, new: str) -> None:
        """Replace one text, which must be there."""
        text = self.text(name)
        assert old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new, 1))

    def line(self, name: str, text: str) -> int:
        """The line in which a text first stands."""
        return self.text(name).partition(text)[0].count("\n") + 1

    def load(
        self, *, development: bool = False, environment: Mapping[str, str] | None = None
    ) -> Configuration:
        chosen = self.environment if environment is None else environment
        return load(self.path, development=development, environment=chosen)

    def faults(
        self, *, development: bool = False, environment: Mapping[str, str] | None = None
    ) -> tuple[Fault, ...]:
        """The faults it has; none when it loads."""
        try:
            self.load(development=development, environment=environment)
        except ConfigurationFaults as faults:
            return faults.faults
        return ()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "config")


@pytest.fixture(scope="session")
def folder_class() -> type[Folder]:
    """For tests that make folders of their own."""
    return Folder
