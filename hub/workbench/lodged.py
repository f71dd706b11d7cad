"""A declaration out of a file, read and checked as the API would."""

from __future__ import annotations

from pathlib import Path

from hub.api.body import MediaType
from hub.api.problems import ApiProblem
from hub.api.reading import read_declaration
from hub.domain.declaration import Declaration
from hub.domain.intake import Rulebook
from hub.workbench.unready import Unready

_BLANK_OR_MARK = b"\xef\xbb\xbf\xff\xfe \t\r\n"


def declaration_in(path: Path, rulebook: Rulebook) -> Declaration:
    """The declaration in a JSON or WCO XML file. Raises Unready, with every fault of it."""
    try:
        content = path.read_bytes()
    except OSError as wrong:
        raise Unready(f"the declaration {path} cannot be read: {wrong.strerror}") from wrong
    is_xml = content.lstrip(_BLANK_OR_MARK).startswith(b"<") or path.suffix == ".xml"
    kind = MediaType("application/xml" if is_xml else "application/json", None)
    try:
        lodged = read_declaration(content, kind, rulebook)
        lodged.check(rulebook)
    except ApiProblem as problem:
        faults = [
            f"  {fault.pointer}{f' (line {fault.line})' if fault.line else ''}  {fault.detail}"
            for fault in problem.faults
        ]
        head = f"{path} is no declaration that the hub accepts: {problem.detail}"
        raise Unready("\n".join([head, *faults]), "correct the declaration; docs/api.md describes it") from (
            problem
        )
    return lodged.declaration
