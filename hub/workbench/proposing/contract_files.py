"""The files of a contract: read, explained where they are not what they should be, and copied."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hub.adapters.openapi import RestContract
from hub.adapters.soap import ContractUnreadable, SoapContract
from hub.workbench.proposing.survey import Survey
from hub.workbench.proposing.survey_rest import survey_rest
from hub.workbench.proposing.survey_soap import survey_soap
from hub.workbench.unready import Unready

_BEGINNING = 4096


@dataclass(frozen=True)
class Source:
    """A contract, read, and the files it is made of."""

    survey: Survey
    files: tuple[Path, ...]
    """Itself first."""


def read_wsdl(path: Path) -> Source:
    """Raises Unready, in words for somebody who has only saved a file."""
    _explain(path, wsdl=True)
    try:
        contract = SoapContract(path, _root())
        return Source(survey_soap(contract), contract.files)
    except ContractUnreadable as wrong:
        raise Unready(f"{path} cannot be read: {wrong}", _cure(path, str(wrong))) from wrong


def read_openapi(path: Path) -> Source:
    """Raises Unready."""
    _explain(path, wsdl=False)
    try:
        contract = RestContract(path, _root())
        return Source(survey_rest(contract), contract.files)
    except ContractUnreadable as wrong:
        raise Unready(f"{path} cannot be read: {wrong}", _cure(path, str(wrong))) from wrong


def _root() -> Path:
    """Imported files may lie anywhere on this machine: all of them are copied into one folder."""
    return Path(os.sep)


def _cure(path: Path, wrong: str) -> str:
    if "network" in wrong or "no such file" in wrong or "cannot read" in wrong:
        return f"put what is missing where it is looked for, or into {path.resolve().parent}, then try again"
    return "save it once more from the agency's system; if it is the same, ask the agency's vendor"


def _explain(path: Path, *, wsdl: bool) -> None:
    """What people save instead of a contract, told apart."""
    wanted = "a WSDL" if wsdl else "an OpenAPI document"
    if not path.exists():
        raise Unready(f"there is no file {path}", "save the contract there, or correct the path")
    if path.is_dir():
        raise Unready(f"{path} is a folder", f"name the file in it that is {wanted}")
    try:
        with path.open("rb") as file:
            begin = file.read(_BEGINNING)
    except OSError as wrong:
        raise Unready(f"{path} cannot be read: {wrong.strerror}", "see that you may read it") from wrong
    text = begin.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    lower = text.lower()
    if not text:
        raise Unready(f"{path} is empty", "save it once more")
    if begin.startswith(b"PK\x03\x04"):
        raise Unready(f"{path} is a zip archive", f"unpack it, and name the file in it that is {wanted}")
    if begin.startswith((b"\x1f\x8b", b"%PDF", b"\xd0\xcf\x11\xe0")):
        raise Unready(
            f"{path} is an archive or a document for people", f"{wanted} is text: ask the agency for it"
        )
    if lower.startswith(("<!doctype html", "<html")) or ("<html" in lower and "<body" in lower):
        cure = (
            "the WSDL itself mostly is at the service's address with ?wsdl behind it"
            if wsdl
            else ("the document itself mostly is at /openapi.json, /v3/api-docs or /swagger.json")
        )
        raise Unready(
            f"{path} is a web page, perhaps a login page: not {wanted}", f"{cure}; save that, not the page"
        )
    if wsdl and (text.startswith("{") or lower.startswith(("openapi:", "swagger:", "---"))):
        raise Unready(f"{path} is not XML", "for an OpenAPI document use --openapi")
    if not wsdl and text.startswith("<"):
        raise Unready(f"{path} is XML", "for a WSDL use --wsdl")
    if wsdl and "schema" in lower[:400] and "definitions" not in lower and _is_schema(text):
        raise Unready(f"{path} is an XML schema", "name the WSDL that imports it")
    if not wsdl and text.startswith("{") and _is_collection(path):
        raise Unready(f"{path} is a Postman collection", "ask for the OpenAPI document, or export one")


def _is_schema(text: str) -> bool:
    head = text.split("?>", 1)[-1].lstrip()
    while head.startswith("<!--") and "-->" in head:
        head = head.split("-->", 1)[1].lstrip()
    return (
        head[1:].split(None, 1)[0].rpartition(":")[2].startswith("schema") if head.startswith("<") else False
    )


def _is_collection(path: Path) -> bool:
    try:
        read = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(read, dict) and "item" in read and "info" in read and "paths" not in read


@dataclass(frozen=True)
class Copy:
    """Where the files go, and the contract's own name below the configuration folder."""

    name: str
    targets: tuple[tuple[Path, Path], ...]

    def make(self) -> None:
        """Copy what is not there already."""
        for source, target in self.targets:
            if source.resolve() != target.resolve():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


def plan_copy(agency: str, files: Iterable[Path], folder: Path, *, force: bool) -> Copy:
    """
    Where the files of a contract go: `contracts/<file>` for one, `contracts/<agency>/` for several, which
    stay as they lie towards each other. Raises Unready where another file is in the way, unless `force`.
    """
    sources = [path.resolve() for path in files]
    contracts = (folder / "contracts").resolve()
    first = sources[0]
    if all(path.is_relative_to(contracts) for path in sources):
        return Copy(str(Path("contracts") / first.relative_to(contracts)), ())
    if len(sources) == 1:
        root, below = first.parent, contracts
        if (below / first.name).exists() and not _same(first, below / first.name) and not force:
            below = contracts / agency
    else:
        root, below = Path(os.path.commonpath([path.parent for path in sources])), contracts / agency
    targets = tuple((path, below / path.relative_to(root)) for path in sources)
    for source, target in targets:
        if target.exists() and not _same(source, target) and not force:
            raise Unready(
                f"{_shown(target, folder)} is there already, and is another file than {source.name}",
                "--force replaces it",
            )
    return Copy((below / first.relative_to(root)).relative_to(contracts.parent).as_posix(), targets)


def _same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def _shown(path: Path, folder: Path) -> str:
    try:
        return str(path.relative_to(folder.resolve()))
    except ValueError:
        return str(path)
