"""The tracking page: how far a declaration has got, for whoever has its link. No account, no menu."""

from __future__ import annotations

import math
from typing import cast

import structlog
from fastapi import APIRouter, Request, Response

from hub.console.i18n import _
from hub.console.parts import Parts
from hub.console.security import CheckedForm
from hub.console.shell import go, in_thread, page, words_of
from hub.domain.progress import Language, Reader
from hub.domain.progress.told import ANSWERED, AnswerState, Headline, StageState
from hub.operations.tracking import NotFollowed, TooManyFailures, as_shown
from hub.ports import DeclarationView

router = APIRouter()

_HEADERS = {
    # Robots keep nothing, and no page learns the address of this one; `no-referrer` would hide from forms
    # that they come from here.
    "x-robots-tag": "noindex, nofollow, noarchive",
    "referrer-policy": "strict-origin",
    "cache-control": "no-store, private",
}

_SIGNS = {
    StageState.DONE: "go",
    StageState.NOW: "wait",
    StageState.STOPPED: "stop",
    StageState.COMING: "",
}
_HEADLINE_SIGNS = {
    Headline.RELEASED: "go",
    Headline.GONE: "go",
    Headline.REFUSED: "stop",
    Headline.HELD: "stop",
    Headline.WITHDRAWN: "stop",
}
_STAGE_WORDS = {
    StageState.DONE: _("already done"),
    StageState.NOW: _("under way now"),
    StageState.STOPPED: _("goes no further"),
    StageState.COMING: _("still to come"),
}
_REFUSED = frozenset({AnswerState.REFUSED, AnswerState.DEEMED_REFUSED, AnswerState.PARTLY})


@router.get("/track")
async def ask(request: Request) -> Response:
    """The form for a reference and a code."""
    return _form(request)


@router.post("/track")
async def look_up(request: Request, parts: Parts, form: CheckedForm) -> Response:
    """To the page of the link, if the code is of a link of this reference. Both faults look the same."""
    reference, code = form.text("reference")[:200], form.text("code")[:200]
    faults = {
        name: _("Fill this in: it stands in the message that you were sent.")
        for name, said in (("reference", reference), ("code", code))
        if not said
    }
    if faults:
        return _form(request, reference, faults, status=422)
    try:
        await _follow(request, parts, code, reference)
    except NotFollowed:
        wrong = _(
            "No declaration of this reference opens with this code. Look at both once more; a link may also "
            "have been revoked, or its time may be over."
        )
        return _form(request, reference, {"code": wrong}, status=404)
    except TooManyFailures as error:
        return _slowed(request, error)
    return _private(go(f"/track/{as_shown(code)}"))


@router.get("/track/{code}")
async def show(request: Request, code: str, parts: Parts) -> Response:
    """The progress of the declaration that the code opens."""
    try:
        view = await _follow(request, parts, code[:200], None)
    except NotFollowed:
        return _private(page(request, "track/nothing.html", status=404))
    except TooManyFailures as error:
        return _slowed(request, error)
    structlog.contextvars.bind_contextvars(mrn=view.acceptance.mrn)
    language = cast(Language, words_of(request).language)
    progress = await in_thread(parts.progress.tell, view, Reader.LINK, language)
    answer = page(
        request,
        "track/progress.html",
        progress=progress,
        signs=_SIGNS,
        headline_signs=_HEADLINE_SIGNS,
        stage_words=_STAGE_WORDS,
        answered=ANSWERED,
        refused=_REFUSED,
    )
    return _private(answer)


async def _follow(request: Request, parts: Parts, code: str, reference: str | None) -> DeclarationView:
    address = request.client.host if request.client else None
    return await in_thread(parts.tracking.follow, code, address, reference)


def _form(
    request: Request, reference: str = "", faults: dict[str, str] | None = None, *, status: int = 200
) -> Response:
    # What was typed as the code is a secret, and is not shown again.
    answer = page(request, "track/ask.html", status=status, reference=reference, faults=faults or {})
    return _private(answer)


def _slowed(request: Request, error: TooManyFailures) -> Response:
    seconds = math.ceil(error.wait.total_seconds())
    answer = page(request, "track/slowed.html", status=429, seconds=seconds)
    answer.headers["retry-after"] = str(seconds)
    return _private(answer)


def _private(answer: Response) -> Response:
    answer.headers.update(_HEADERS)
    return answer
