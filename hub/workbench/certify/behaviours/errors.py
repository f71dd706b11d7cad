"""What the agency says when it says no, and what others say in its place."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from hub.domain.exchange import Dossier
from hub.domain.referral import ReferralState
from hub.workbench.certify.behaviour import Behaviour
from hub.workbench.certify.behaviours.told import told_by
from hub.workbench.certify.finding import Notes, insist
from hub.workbench.certify.scene import Attempt, Scene
from hub.workbench.certify.stage import Stage
from hub.workbench.certify.wire import Answer, Ask, Cut, Request, Trick, saying

_SAID = "Box 44 names no permit <양식 7> & desk 12 cannot go on; ask for form 7-B"
_TAKEN = (ReferralState.DELIVERED, ReferralState.DECIDED)
_TEXT_CURE = (
    "say where the text is: `text` of the matching rule in `errors`; without a rule the whole is told"
)


async def _fault(stage: Stage, notes: Notes) -> None:
    async with stage.scene() as scene:
        dossier = scene.lodge()
        with stage.tap.playing(_faulty(stage), "submit", 1):
            attempt = await scene.hand_over(dossier)
        notes.saw(f"a fault in the agency's place: {attempt.words}", scene.exchanges(dossier))
        insist(
            attempt.state not in _TAKEN,
            f"a fault was taken for a receipt: {attempt.words}",
            "see `errors` and `receipt` of submit",
        )
        insist(
            _SAID in (attempt.trouble or ""),
            f"operations would not read the whole of {_SAID!r}, but {attempt.trouble!r}",
            _TEXT_CURE,
        )
        if stage.file.channel.adapter == "soap":
            insist(
                attempt.state is ReferralState.UNDELIVERABLE,
                f"a fault that blames the sender came to {attempt.words}",
                "such a request is never right as it is: a rule of `errors` should say `refused`",
            )
        await _own_words(scene, notes)


async def _own_words(scene: Scene, notes: Notes) -> None:
    """What the agency itself says to a request cut in half: its own words, in its own form."""
    dossier = scene.lodge()
    heard: list[Answer] = []

    def halved(request: Request, ask: Ask) -> Answer | Cut:
        heard.append(ask(request.body[: len(request.body) // 2]))
        return heard[0]

    with scene.stage.tap.playing(halved, "submit", 1):
        attempt = await scene.hand_over(dossier)
    if not heard or (heard[0].status < 300 and attempt.state in _TAKEN):
        notes.saw("a request cut in half is no error to the agency, so its own words were not heard")
        return
    _told_whole(heard[0], attempt, dossier, scene, notes)


def _told_whole(answer: Answer, attempt: Attempt, dossier: Dossier, scene: Scene, notes: Notes) -> None:
    said = told_by(answer.body)
    notes.saw(
        f"the agency's own words to a request cut in half ({answer.status}): {attempt.words}",
        scene.exchanges(dossier),
    )
    insist(attempt.state not in _TAKEN, f"it was taken for a receipt: {attempt.words}", "see `errors`")
    missing = [text for text in said if text not in " ".join((attempt.trouble or "").split())]
    insist(not missing, f"operations would not read {missing[:1]}, but {attempt.trouble!r}", _TEXT_CURE)


def _faulty(stage: Stage) -> Trick:
    def trick(request: Request, ask: Ask) -> Answer | Cut:
        return _soap_fault(request) if stage.file.channel.adapter == "soap" else _problem()

    return trick


def _soap_fault(request: Request) -> Answer:
    twelve = b"http://www.w3.org/2003/05/soap-envelope" in request.body
    text = escape(_SAID)
    if twelve:
        kind, body = (
            "application/soap+xml; charset=utf-8",
            (
                '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault>'
                "<e:Code><e:Value>e:Sender</e:Value></e:Code>"
                f'<e:Reason><e:Text xml:lang="en">{text}</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>'
            ),
        )
    else:
        kind, body = (
            "text/xml; charset=utf-8",
            (
                '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>'
                f"<faultcode>e:Client</faultcode><faultstring>{text}</faultstring>"
                "</e:Fault></e:Body></e:Envelope>"
            ),
        )
    return Answer(500, (("Content-Type", kind),), body.encode())


def _problem() -> Answer:
    # The names that agencies give to what they say; a rule that looks elsewhere does not match this answer.
    body = {"code": "E-4711", "title": _SAID, "message": _SAID, "detail": _SAID}
    kind = "application/problem+json"
    return Answer(422, (("Content-Type", kind),), json.dumps(body, ensure_ascii=False).encode())


FAULT = Behaviour(
    "fault",
    "The agency's fault",
    "An error is sorted by whom it blames, never taken for a receipt, and its text reaches operations whole.",
    _fault,
)

_RETRY_AFTER = 7


async def _retry_after(stage: Stage, notes: Notes) -> None:
    busy = Answer(
        503,
        (("Content-Type", "text/plain"), ("Retry-After", str(_RETRY_AFTER))),
        b"The system is closed for a moment.",
    )
    async with stage.scene() as scene:
        dossier = scene.lodge()
        with stage.tap.playing(saying(busy), "submit", 1):
            attempt = await scene.hand_over(dossier)
        notes.saw(f"503 with Retry-After: {_RETRY_AFTER}: {attempt.words}", scene.exchanges(dossier))
        insist(
            attempt.state is ReferralState.PENDING,
            f"it came to {attempt.words}",
            "see whether a rule of `errors` takes a 503 for another",
        )
        wait = attempt.retry_in.total_seconds() if attempt.retry_in else None
        insist(
            wait == _RETRY_AFTER,
            f"the next attempt would be in {wait} s, and {_RETRY_AFTER} were asked for",
            "see whether a rule of `errors` takes a 503 for another",
        )
        insist(
            not stage.submissions(dossier.terms.id), "it was sent all the same", "this is a defect of the hub"
        )


RETRY_AFTER = Behaviour(
    "retry-after",
    "503 with Retry-After",
    "The agency counts as unavailable, and is asked again after exactly the time it names.",
    _retry_after,
)

_PAGE = b"""<!DOCTYPE html><html><head><title>Maintenance</title></head>
<body><h1>We will be back soon</h1><p>APPROVED quality since 1998.</p></body></html>"""


async def _garbage(stage: Stage, notes: Notes) -> None:
    page = Answer(200, (("Content-Type", "text/html; charset=utf-8"),), _PAGE)
    async with stage.scene() as scene:
        dossier = scene.lodge()
        with stage.tap.playing(saying(page), "submit", 1):
            attempt = await scene.hand_over(dossier)
        notes.saw(f"an HTML page with status 200: {attempt.words}", scene.exchanges(dossier))
        insist(
            attempt.state not in _TAKEN,
            f"a web page was taken for a receipt: {attempt.words}",
            "read something from the answer that only a true one has: `receipt.reference` of submit",
        )
        insist(attempt.trouble, "operations are told nothing", "this is a defect of the hub")
        view = scene.view(dossier)
        insist(not view.decisions, "a decision was read from it", "correct `decision` of submit")


GARBAGE = Behaviour(
    "garbage-answer",
    "Garbage answer",
    "A web page in the answer's place is not understood, and is shown to a person.",
    _garbage,
)
