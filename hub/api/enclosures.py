"""
An answer to an agency's question as it comes in: a text, and documents that are what they say they are.

`multipart/form-data` (RFC 7578): a field `text`, and any number of files.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from fastapi import Request
from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from hub.api.body import read_body
from hub.api.parts import ApiParts
from hub.api.problems import ApiProblem, ProblemFault

MULTIPART = "multipart/form-data"
MAX_TEXT = 10_000
"""Characters of an answer's text."""
MAX_DOCUMENTS = 20
MAX_NAME = 255
"""Characters of a document's name."""

_OFFICE = "application/vnd.openxmlformats-officedocument."
_IN_ZIP = {
    "word/": f"{_OFFICE}wordprocessingml.document",
    "xl/": f"{_OFFICE}spreadsheetml.sheet",
    "ppt/": f"{_OFFICE}presentationml.presentation",
}
_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_TEXTS = ("text/plain", "text/csv", "application/xml", "application/json")
TAKEN = (*dict.fromkeys(kind for _, kind in _MAGIC), *_IN_ZIP.values(), *_TEXTS)
"""Media types of documents."""

_SAME = {"text/xml": "application/xml", "image/jpg": "image/jpeg", "image/tif": "image/tiff"}
_SAYS_NOTHING = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\"<>|:*?]")
"""Control characters, changes of direction, and what file systems do not take."""


@dataclass(frozen=True)
class Handed:
    """A document as it was handed in, and found to be what it says it is."""

    name: str
    media_type: str
    content: bytes


async def read_form(request: Request, parts: ApiParts) -> tuple[str, tuple[Handed, ...]]:
    """
    The text and the documents of an answer. Raises ApiProblem: 400 when the body is not what its type says,
    408, 413, and 422 with a pointer to every fault.
    """
    body = await read_body(request, parts.max_answer_bytes, parts.answer_within)

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield body
        yield b""

    parser = MultiPartParser(
        request.headers,
        chunks(),
        max_files=MAX_DOCUMENTS + 1,
        max_fields=MAX_DOCUMENTS,
        max_part_size=8 * MAX_TEXT,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if error.message.startswith("Too many files"):
            too_many = ProblemFault(pointer="/documents", detail=f"at most {MAX_DOCUMENTS} are taken")
            raise ApiProblem(
                "invalid-answer", "see errors for each part at fault", faults=[too_many]
            ) from error
        raise ApiProblem("unreadable-body", f"the form cannot be read: {error.message}") from error
    except (FormParserError, KeyError) as error:
        raise ApiProblem("unreadable-body", f"the form cannot be read: {error}") from error
    try:
        texts = [value for name, value in form.multi_items() if name == "text" and isinstance(value, str)]
        strange = {n for n, value in form.multi_items() if n != "text" and not isinstance(value, UploadFile)}
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        handed = [
            (file.filename or "", (file.content_type or "").partition(";")[0], await file.read())
            for file in files
        ]
    finally:
        await form.close()
    faults = [
        ProblemFault(pointer=f"/{name}", detail="is no field of an answer; there are text, and files")
        for name in sorted(strange)
    ]
    if len(texts) > 1:
        faults.append(ProblemFault(pointer="/text", detail="is there more than once"))
    return _checked(texts[0] if texts else "", handed, faults)


def _checked(
    text: str, handed: list[tuple[str, str, bytes]], faults: list[ProblemFault]
) -> tuple[str, tuple[Handed, ...]]:
    faults += text_faults(text, bool(handed))
    if len(handed) > MAX_DOCUMENTS:
        faults.append(ProblemFault(pointer="/documents", detail=f"at most {MAX_DOCUMENTS} are taken"))
    documents = []
    for index, (name, declared, content) in enumerate(handed[:MAX_DOCUMENTS]):
        found = media_type_of_content(content, declared.strip().lower())
        wrong = _wrong(content, declared.strip().lower(), found)
        if wrong is not None or found is None:
            faults.append(ProblemFault(pointer=f"/documents/{index}", detail=f"{name[:MAX_NAME]!r} {wrong}"))
            continue
        documents.append(Handed(safe_name(name) or f"document-{index + 1}", found, content))
    if faults:
        raise ApiProblem("invalid-answer", "see errors for each part at fault", faults=faults)
    return text, tuple(documents)


def text_faults(text: str, has_documents: bool) -> list[ProblemFault]:
    """What is wrong with the text of an answer."""
    if len(text) > MAX_TEXT:
        return [ProblemFault(pointer="/text", detail=f"may have at most {MAX_TEXT} characters")]
    if "\x00" in text:
        return [ProblemFault(pointer="/text", detail="holds a NUL character")]
    if not text.strip() and not has_documents:
        return [ProblemFault(pointer="/text", detail="an answer has a text, a document, or both")]
    return []


def media_type_of_content(content: bytes, declared: str) -> str | None:
    """What a document is, by its content; `declared` only tells texts apart. None for what is not taken."""
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    if content.startswith(b"PK\x03\x04"):
        return _in_zip(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if "\x00" in text:
        return None
    declared = _SAME.get(declared, declared)
    return declared if declared in _TEXTS else "text/plain"


def _in_zip(content: bytes) -> str | None:
    """The kind of an Office Open XML document (ECMA-376 part 2), by the names of its parts."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    if "[Content_Types].xml" not in names:
        return None
    return next((kind for begin, kind in _IN_ZIP.items() if any(n.startswith(begin) for n in names)), None)


def _wrong(content: bytes, declared: str, found: str | None) -> str | None:
    if not content:
        return "is empty"
    if found is None:
        return f"is not of a kind that is taken: {', '.join(TAKEN)}"
    if declared in _SAYS_NOTHING or _SAME.get(declared, declared) == found:
        return None
    return f"is sent as {declared[:100]} and is {found}"


def safe_name(name: str) -> str:
    """A file's name without folders, and without what would mislead people or programs."""
    last = PurePosixPath(PureWindowsPath(name).name).name
    return _UNSAFE.sub("_", last).strip(". ")[-MAX_NAME:]
