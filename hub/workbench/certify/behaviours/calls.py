"""Callbacks that are played: one that the agency really sent, and others made from it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from hub.clock import utc_now
from hub.domain.errors import CallbackRefused
from hub.domain.exchange import Dossier, Message
from hub.domain.referral import Answers, Decision
from hub.simulator.callbacks import CallbackSigner
from hub.simulator.environment import EnvironmentMissing
from hub.workbench.certify.behaviours.ordinary import decided
from hub.workbench.certify.door import Callback, Told
from hub.workbench.certify.finding import NotApplicable, Notes, NotPlayed
from hub.workbench.certify.leaves import Leaves, NoLeaves
from hub.workbench.certify.scene import Scene
from hub.workbench.certify.stage import Stage

_Shows = Callable[[Message, str], bool]
"""Whether a message as read shows a new text where it was put."""
_YEARS = 4
"""So that the 29th of February stays a day."""


@dataclass(frozen=True)
class Call:
    """A callback that came in, and what it was about."""

    dossier: Dossier
    callback: Callback
    message: Message

    @property
    def decision(self) -> Decision:
        """What it said."""
        return self.message.decisions[-1]


def answering_by_callback(stage: Stage) -> str:
    """A service whose decisions come by callback. Raises NotApplicable."""
    if stage.file.channel.callback is None or Answers.CALLBACK not in stage.ways:
        raise NotApplicable("no service of the agency answers by callback")
    return stage.ways[Answers.CALLBACK]


class Caller:
    """
    Calls back as the agency would.

    The hub knows the secret that callbacks are proved with, so the kit can sign whatever it makes. Where in a
    body something stands is found out by changing it and asking the hub's own reader.
    """

    def __init__(self, scene: Scene) -> None:
        """Raises NotPlayed when the secret is not set."""
        self._scene = scene
        callback = scene.file.channel.callback
        assert callback is not None
        self._agency = scene.file.agency
        self.auth = callback.auth
        try:
            self._signer = CallbackSigner(callback.auth, scene.stage.bench.environment)
        except EnvironmentMissing as missing:
            raise NotPlayed(str(missing), "set it to what callbacks are proved with") from missing

    async def first(self, service: str, notes: Notes) -> Call:
        """
        A callback of the agency's own about a referral that it has decided; one is enough for a whole run.

        Raises Failed, NotPlayed.
        """
        stage = self._scene.stage
        if stage.call is None:
            dossier = self._scene.lodge("approve", service)
            await decided(self._scene, dossier, notes)
            # Its decision is stored before its answer has gone out, and only then is it kept here.
            await self._scene.until(lambda: self._about(dossier))
            stage.call = self._about(dossier)
        if stage.call is None:
            raise NotPlayed("the agency decided otherwise than by a callback", "see `services.*.answers`")
        notes.saw(
            f"the agency's own callback about {stage.call.dossier.terms.id}: {stage.call.decision.word!r}"
        )
        return stage.call

    def headers(self, call: Call, body: bytes, age: float = 0.0) -> dict[str, str]:
        """Headers that prove a body, signed so many seconds ago."""
        kind = {key: value for key, value in call.callback.headers.items() if key == "content-type"}
        return {**kind, **self._signer.headers(body, time.time() - age)}

    async def send(self, call: Call, body: bytes) -> Told:
        """Signed now."""
        return await self._scene.stage.door.send(self.headers(call, body), body)

    async def again(self, call: Call) -> Told:
        """The same bytes once more; signed anew, since the agency would do so too."""
        return await self.send(call, call.callback.body)

    def another(self, call: Call, word: str, *, older: bool = False) -> bytes:
        """
        Another message about the same referral, with another word; `older` by years. Raises NotPlayed.
        """
        body = call.callback.body
        fresh = str(uuid.uuid4().int)[:12]
        texts = _texts(body)
        if call.message.message_id in texts:
            body = self._put(call, body, call.message.message_id, fresh, lambda m, new: m.message_id == new)
        if call.decision.id in texts and call.decision.id != call.message.message_id:
            body = self._put(call, body, call.decision.id, f"{fresh}1", _decides)
        # The word comes last: with one that is not known, nothing else is read.
        if older:
            body = self._older(call, body)
        return self._put(call, body, call.decision.word, word, _says)

    def about(self, call: Call, body: bytes, referral: str) -> bytes:
        """The same message about another referral. Raises NotPlayed."""
        return self._put(call, body, call.message.referral or "", referral, lambda m, new: m.referral == new)

    def read(self, call: Call, body: bytes) -> Message:
        """How the hub would read a body that is proved."""
        return self._scene.gateway.read_callback(self._agency, self.headers(call, body), body, utc_now())

    def _about(self, dossier: Dossier) -> Call | None:
        receipt = self._scene.view(dossier).receipt
        for callback in reversed(self._scene.stage.door.captured):
            try:
                message = self._scene.gateway.read_callback(
                    self._agency, dict(callback.headers), callback.body, utc_now()
                )
            except CallbackRefused:
                continue
            ours = message.referral == dossier.terms.id
            theirs = receipt is not None and message.agency_reference == receipt.reference
            if message.decisions and (ours or (message.referral is None and theirs)):
                return Call(dossier, callback, message)
        return None

    def _put(
        self, call: Call, body: bytes, old: str, new: str, shows: Callable[[Message, str], bool]
    ) -> bytes:
        """Replace a text where it is what the hub reads, and not where it only happens to stand too."""
        leaves = Leaves(body)
        places = {
            place
            for place, text in enumerate(leaves.texts())
            if text == old and shows(self.read(call, leaves.changed(_at({place: new}))), new)
        }
        if not places:
            raise NotPlayed(
                f"{old!r} does not stand in the message by itself",
                "what an expression puts together cannot be edited",
            )
        return leaves.changed(_at(dict.fromkeys(places, new)))

    def _older(self, call: Call, body: bytes) -> bytes:
        """Decided some years earlier. Raises NotPlayed where the message tells no time."""
        leaves = Leaves(body)
        year = call.decision.decided_at.year
        for place, text in enumerate(leaves.texts()):
            if str(year) not in text:
                continue
            changed = leaves.changed(_at({place: text.replace(str(year), str(year - _YEARS), 1)}))
            read = self.read(call, changed)
            if read.decisions and read.decisions[-1].decided_at < call.decision.decided_at:
                return changed
        raise NotPlayed(
            "no time of decision is read from its messages, so the last to arrive counts",
            "if the agency tells when it decided, read it: `callback.decision.decided_at`",
        )


def _decides(message: Message, new: str) -> bool:
    return any(decision.id == new for decision in message.decisions)


def _says(message: Message, new: str) -> bool:
    # A word that is not known makes no decision; the trouble names it.
    return any(decision.word == new for decision in message.decisions) or repr(new) in (message.trouble or "")


def _at(new: dict[int, str]) -> Callable[[int, str], str | None]:
    return lambda place, _: new.get(place)


def _texts(body: bytes) -> set[str]:
    try:
        return set(Leaves(body).texts())
    except NoLeaves:
        return set()
