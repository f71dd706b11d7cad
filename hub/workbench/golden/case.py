"""One golden file, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Base64Bytes, BeforeValidator, Field

from hub.config.faults import ConfigurationFaults
from hub.config.models import FileModel
from hub.config.schema_faults import FileReport, validated
from hub.config.yaml import read
from hub.workbench.operations import NO_REASON
from hub.workbench.unready import Unready

FOLDER = "golden"
"""Of the configuration folder."""
BASE = "base.yaml"
AT = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
"""When a case is played that does not say."""

Does = Literal[
    "submit",
    "look_up",
    "poll",
    "amend",
    "withdraw",
    "inform",
    "remind",
    "pull",
    "acknowledge",
    "reject",
    "callback",
]


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class SentFile(FileModel):
    """A request as it must go out."""

    method: str
    path: str
    headers: dict[str, str] = Field(default_factory=dict)
    json_: str | None = Field(default=None, alias="json")
    xml: str | None = None
    form: str | None = None
    multipart: str | None = None
    text: str | None = None

    @property
    def body(self) -> tuple[str, str] | None:
        """Its kind and its text."""
        for kind in ("json_", "xml", "form", "multipart", "text"):
            held = getattr(self, kind)
            if held is not None:
                return kind.rstrip("_"), held
        return None


class AnswerFile(FileModel):
    """An answer as it comes back."""

    status: int
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = ""
    base64: str | None = None


class ReceivedFile(FileModel):
    """A callback as it comes in."""

    headers: dict[str, str] = Field(default_factory=dict)
    body: str = ""


class MeansFile(FileModel):
    """What it must be taken to mean; what is not written is not compared."""

    receipt: str | None = None
    values: dict[str, str] = Field(default_factory=dict)
    found: bool | None = None
    decisions: list[dict[str, Any]] = Field(default_factory=list)
    messages: list[dict[str, Any]] = Field(default_factory=list)
    next_page: dict[str, Any] | None = None
    error: str | None = None
    says: list[str] = Field(default_factory=list)
    retry_after: float | None = None
    message_id: str | None = None
    referral: str | None = None
    agency_reference: str | None = None
    trouble: str | None = None


class PageFile(FileModel):
    """Which page of a feed is pulled."""

    number: int = 1
    cursor: str = ""


class WithdrawalFile(FileModel):
    """Why the declarant takes the declaration back."""

    reason: str
    remarks: str = ""


class DocumentFile(FileModel):
    """A document of the declarant's answer."""

    name: str
    type: str = "application/pdf"
    base64: Base64Bytes
    """Its content."""


class InformationFile(FileModel):
    """What the declarant answers to the agency's question."""

    id: str = "INFORMATION-1"
    request: str = "DECISION-1"
    request_reference: str | None = None
    text: str
    documents: list[DocumentFile] = Field(default_factory=list)


class GoldenFile(FileModel):
    """golden/<agency>/<case>.yaml."""

    why: str
    does: Does
    at: AwareDatetime = AT
    service: str | None = None
    items: list[int] | None = None
    declaration: dict[str, Any] = Field(default_factory=dict)
    receipt: str | None = None
    values: dict[str, str] = Field(default_factory=dict)
    ids: list[str] = Field(default_factory=list)
    reason: str = NO_REASON
    page: PageFile = PageFile()
    revision: Annotated[int, Field(ge=1)] = 1
    former: list[str] = Field(default_factory=list)
    withdrawal: WithdrawalFile | None = None
    information: InformationFile | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    sent: Annotated[list[SentFile], BeforeValidator(_listed)] = Field(default_factory=list)
    answered: Annotated[list[AnswerFile], BeforeValidator(_listed)] = Field(default_factory=list)
    received: ReceivedFile | None = None
    means: MeansFile


@dataclass(frozen=True)
class Case:
    """A golden file and its place."""

    path: Path
    file: GoldenFile

    @property
    def name(self) -> str:
        return self.path.stem


def paths(folder: Path, agency: str) -> list[Path]:
    """The golden files of an agency in a configuration folder, by name."""
    return sorted((folder / FOLDER / agency).glob("*.yaml"))


def read_case(path: Path) -> Case:
    """A golden file. Raises ConfigurationFaults with every fault of it, Unready when it is not there."""
    name = f"{FOLDER}/{path.parent.name}/{path.name}"
    try:
        document = read(path.read_bytes())
    except OSError as wrong:
        raise Unready(f"{name} cannot be read: {wrong.strerror}") from wrong
    report = FileReport(name, document)
    file = validated(GoldenFile, document, report)
    if file is not None:
        _check(file, report)
    if file is None or report.faults:
        raise ConfigurationFaults(report.faults)
    return Case(path, file)


def read_base(folder: Path) -> Mapping[str, Any] | None:
    """The declaration that the cases start from, if the folder has one. Raises ConfigurationFaults."""
    path = folder / FOLDER / BASE
    if not path.is_file():
        return None
    document = read(path.read_bytes())
    report = FileReport(f"{FOLDER}/{BASE}", document)
    if not isinstance(document.data, dict) and not report.faults:
        report.add((), "this is no mapping", "write `key: value` lines")
    if report.faults:
        raise ConfigurationFaults(report.faults)
    base: dict[str, Any] = document.data
    return base


def _check(file: GoldenFile, report: FileReport) -> None:
    if file.does == "callback":
        if file.received is None:
            report.add((), "a callback comes in, and there is no `received`", "add headers and body")
        return
    for name in ("sent", "answered"):
        if name not in file.model_fields_set:
            report.add((), f"{name!r} is missing", f"add `{name}:`; `hub agency record` writes such files")
    if file.does in ("acknowledge", "reject") and not file.ids:
        report.add((), "no messages are named", "add `ids:`")
    if file.does == "inform" and file.information is None:
        report.add((), "there is no answer to be passed on", "add `information:` with a `text`")
    for name, does in (("withdrawal", "withdraw"), ("information", "inform")):
        if name in file.model_fields_set and file.does != does:
            report.add((name,), f"{file.does} tells of no {name}", f"remove it, or write does: {does}")
