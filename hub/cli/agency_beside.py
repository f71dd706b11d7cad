"""What a request about a referral tells beside the declaration, as the workbench's options give it."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hub.clock import utc_now
from hub.domain.exchange import Dossier, Enclosure
from hub.domain.withdrawal import Withdrawal
from hub.workbench.asking import SAMPLE, Beside
from hub.workbench.operations import OperationName
from hub.workbench.unready import Unready

Revision = Annotated[
    int | None,
    typer.Option("--revision", min=1, metavar="N", help="which content it is: 1, or else 2 for amend"),
]
Reason = Annotated[
    str | None,
    typer.Option(
        "--reason", metavar="CODE", help="withdraw: why; '' where the declaration goes on; else a sample"
    ),
]
Words = Annotated[
    str | None, typer.Option("--text", help="inform: what the declarant answers; else a sample")
]
Documents = Annotated[
    list[Path] | None,
    typer.Option("--document", metavar="FILE", help="inform: a document of the answer; may be repeated"),
]


def beside_of(reason: str | None, text: str | None, documents: list[Path] | None) -> Beside:
    """Samples where nothing is given. Raises Unready for a document that cannot be read."""
    beside = SAMPLE
    if reason is not None:
        withdrawal = Withdrawal(reason=reason, requested_at=utc_now(), by="workbench") if reason else None
        beside = replace(beside, withdrawal=withdrawal)
    if text is not None or documents:
        told = {"text": text or "", "enclosures": tuple(map(_enclosure, documents or ()))}
        beside = replace(beside, information=beside.information.model_copy(update=told))
    return beside


def revised(dossier: Dossier, operation: OperationName, revision: int | None) -> Dossier:
    """The dossier as that of this content; an amendment's is never the first."""
    if revision is None:
        revision = 2 if operation is OperationName.AMEND else 1
    return dossier.model_copy(update={"terms": dossier.terms.model_copy(update={"revision": revision})})


def _enclosure(path: Path) -> Enclosure:
    try:
        content = path.read_bytes()
    except OSError as wrong:
        raise Unready(f"the document {path} cannot be read: {wrong.strerror}") from wrong
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    digest = hashlib.sha256(content).hexdigest()
    return Enclosure(name=path.name, media_type=kind, sha256=digest, content=content)
