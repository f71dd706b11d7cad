"""What agencies ask the declarant, and the answers: given here, and read here by whoever asked."""

from __future__ import annotations

import hashlib
from typing import Annotated
from urllib.parse import quote

import structlog
from anyio import to_thread
from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from hub.api.access import Lodger, Mrn, Seeing, declaration_seen
from hub.api.asking import read_asked
from hub.api.body import media_type_of
from hub.api.changing import change, refusal
from hub.api.enclosures import MULTIPART, TAKEN, Handed, read_form, text_faults
from hub.api.parts import ApiParts, Parts
from hub.api.presenting import answers_seen, questions_of
from hub.api.problems import ApiProblem, ProblemFault, problem_responses
from hub.api.reading import JSON
from hub.api.shapes import AnswerAnswer, QuestionPage
from hub.domain.information import Document, Information, Scan
from hub.domain.model import Model
from hub.domain.steps import StepRefused, informing
from hub.operations.sight import Sight
from hub.ports import DeclarationView, ScannerUnavailable

router = APIRouter(tags=["questions"])
log = structlog.get_logger(__name__)

Service = Annotated[str, Path(max_length=64, examples=["apqa-animal-import"])]
Question = Annotated[str, Path(max_length=500, description="Id of the question.")]


class Answering(Model):
    """An answer without documents."""

    text: str = Field(min_length=1)


@router.get(
    "/v1/declarations/{mrn}/questions",
    response_model=QuestionPage,
    summary="What agencies ask the declarant, and until when",
    responses=problem_responses("unauthenticated", "not-found", "invalid-parameters"),
)
async def list_questions(mrn: Mrn, parts: Parts, sight: Seeing) -> QuestionPage:
    """
    Each question with who asks it, under which law, and its answer. While one is open the agency's clock
    stands still. An agency sees its own, with the answers: it reads them here if its channel takes none.
    """
    view = await declaration_seen(mrn, parts, sight)
    answers = await to_thread.run_sync(answers_seen, view, sight, parts)
    return QuestionPage(mrn=mrn, questions=questions_of(view, sight, parts, answers))


@router.post(
    "/v1/declarations/{mrn}/questions/{service}/{question:path}/answer",
    response_model=AnswerAnswer,
    summary="Answer a question",
    responses={
        **problem_responses(
            "unreadable-body",
            "unauthenticated",
            "forbidden",
            "not-found",
            "no-such-question",
            "already-answered",
            "already-withdrawn",
            "referral-withdrawn",
            "already-released",
            "closed",
            "body-too-slow",
            "body-too-large",
            "unsupported-media-type",
            "invalid-answer",
            "invalid-request",
            "infected-document",
            "scanner-unavailable",
        ),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A text, documents, or both.",
            "content": {
                MULTIPART: {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "text": {"type": "string", "maxLength": 10000},
                            "documents": {
                                "type": "array",
                                "maxItems": 20,
                                "items": {"type": "string", "contentMediaType": "application/octet-stream"},
                            },
                        },
                    }
                },
                JSON: {
                    "schema": {
                        "type": "object",
                        "required": ["text"],
                        "properties": {"text": {"type": "string", "maxLength": 10000}},
                    },
                    "example": {"text": "The certificate of origin is AU-2026-77120."},
                },
            },
        }
    },
)
async def answer_question(
    request: Request,
    mrn: Mrn,
    service: Service,
    question: Question,
    client: Lodger,
    sight: Seeing,
    parts: Parts,
) -> AnswerAnswer:
    """
    What is handed in is scanned, kept by its hash, and passed on to the agency, whose clock then goes on. The
    same answer again gets the same answer; another one is refused.
    """
    view = await declaration_seen(mrn, parts, sight)
    _is_ours(sight)
    if media_type_of(request, frozenset({JSON, MULTIPART})).name == JSON:
        text = (await read_asked(request, parts, Answering)).text
        documents: tuple[Handed, ...] = ()
        if faults := text_faults(text, has_documents=False):
            raise ApiProblem("invalid-answer", "see errors for each part at fault", faults=faults)
    else:
        text, documents = await read_form(request, parts)

    def hashed() -> Information:
        described = [_described(handed) for handed in documents]
        return informing.information_of(question, text, described, parts.clock(), client.id)

    information = await to_thread.run_sync(hashed)
    # Refused before anything is scanned or stored, if it can be told already.
    if _answered(view, service, information):
        scanned = await to_thread.run_sync(_scanned, parts, information, documents)
        contents = {d.sha256: h.content for d, h in zip(scanned.documents, documents, strict=True)}
        await to_thread.run_sync(parts.cases.put_information, mrn, service, scanned, contents)
        await change(
            parts,
            mrn,
            lambda now: informing.answer(now, service, scanned),
        )
    view = await declaration_seen(mrn, parts, sight)
    answers = await to_thread.run_sync(answers_seen, view, sight, parts)
    [shown] = [
        q for q in questions_of(view, sight, parts, answers) if (q.service, q.id) == (service, question)
    ]
    return AnswerAnswer(mrn=mrn, question=shown)


@router.get(
    "/v1/declarations/{mrn}/documents/{sha256}",
    response_class=Response,
    summary="A document that the declarant has handed in",
    responses={
        200: {
            "description": "Its content, as it was handed in.",
            "content": {kind: {"schema": {"type": "string"}} for kind in TAKEN},
        },
        **problem_responses("unauthenticated", "not-found", "invalid-parameters"),
    },
)
async def show_document(
    mrn: Mrn,
    sha256: Annotated[str, Path(max_length=64, description="SHA-256 of its content, in hexadecimal.")],
    parts: Parts,
    sight: Seeing,
) -> Response:
    """For the declarant, for customs, and for the agency whose question it answers."""
    view = await declaration_seen(mrn, parts, sight)
    found = await to_thread.run_sync(_document, parts, view, sight, sha256)
    if found is None:
        raise ApiProblem("not-found", f"declaration {mrn} has no document {sha256}")
    document, content = found
    name = quote(document.name, safe="")
    return Response(
        content,
        media_type=document.media_type,
        headers={
            # Whatever is in it, no browser is to run it on our behalf (RFC 6266, WHATWG MIME sniffing).
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "Content-Security-Policy": "sandbox",
            "X-Content-Type-Options": "nosniff",
            "ETag": f'"{sha256}"',
        },
    )


def _is_ours(sight: Sight) -> None:
    """Raises ApiProblem (403) for a client that is bound to an agency: it asks, it does not answer."""
    if sight.agency is not None:
        raise ApiProblem("forbidden", "the declarant answers, or customs on its behalf")


def _answered(view: DeclarationView, service: str, information: Information) -> bool:
    """Whether this answer is new. Raises ApiProblem when it is refused."""
    try:
        return bool(informing.answer(view, service, information))
    except StepRefused as refused:
        raise refusal(refused) from refused


def _described(handed: Handed) -> Document:
    return Document(
        name=handed.name,
        media_type=handed.media_type,
        sha256=hashlib.sha256(handed.content).hexdigest(),
        size=len(handed.content),
        scan=Scan.NOT_SCANNED,
    )


def _scanned(parts: ApiParts, information: Information, documents: tuple[Handed, ...]) -> Information:
    """The information with what the scanner said. Raises ApiProblem (422, 503)."""
    documents_scanned = []
    faults = []
    for index, (document, handed) in enumerate(zip(information.documents, documents, strict=True)):
        try:
            scan = parts.scanner.scan(handed.name, handed.content)
        except ScannerUnavailable as error:
            log.error("scanner.unavailable", reason=str(error))
            raise ApiProblem(
                "scanner-unavailable",
                "documents cannot be scanned for viruses now; nothing was stored",
                headers={"Retry-After": "60"},
            ) from error
        if scan is Scan.INFECTED:
            log.warning("document.refused", sha256=document.sha256)
            faults.append(ProblemFault(pointer=f"/documents/{index}", detail=f"{handed.name!r} is infected"))
        documents_scanned.append(document.model_copy(update={"scan": scan}))
    if faults:
        raise ApiProblem("infected-document", "see errors for each infected document", faults=faults)
    return information.model_copy(update={"documents": tuple(documents_scanned)})


def _document(
    parts: ApiParts, view: DeclarationView, sight: Sight, sha256: str
) -> tuple[Document, bytes] | None:
    for information in answers_seen(view, sight, parts).values():
        for document in information.documents:
            if document.sha256 == sha256:
                content = parts.cases.document(view.acceptance.mrn, sha256)
                return None if content is None else (document, content)
    return None
