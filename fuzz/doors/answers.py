"""What agencies' systems answer: the gateway as production has it, and a hostile system on a real socket."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import structlog
from ruamel.yaml import YAML

from fuzz.apart import Apart
from fuzz.campaign import Outcome
from fuzz.inputs import http, json, xml
from hub.adapters.gateway import Gateway
from hub.adapters.sample import sample_dossiers
from hub.clock import utc_now
from hub.config.loader import load
from hub.config.models import AgencyFile
from hub.domain.errors import ChannelError
from hub.domain.referral import Receipt
from hub.simulator.environment import environment

_AGENCIES = ("apqa", "kfeed", "mfds", "kats", "kcl", "nibr")
"""SOAP, SOAP with a feed, and REST with JSON, with XML and with a feed."""
_ASKED = {"submit": "submit", "poll": "poll", "look_up": "look_up", "pull": "pull_feed", "amend": "amend"}
"""What a golden file says an exchange does, and the gateway's word for it."""
_TIMEOUT = "1s"


class Answers:
    """For each input the hub asks an agency something; the answer is hostile in its content or its form."""

    name = "agencies' answers"

    def __init__(self, folder: Path) -> None:
        self._sound = list(_sound_answers(folder / "golden"))
        self._system = _Hostile()
        self._gateway = Apart(_speaker, str(folder), self._system.url)

    def put(self, number: int, random: Random) -> Iterable[Outcome]:
        agency, asked, media_type, body = random.choice(self._sound)
        if random.random() < 0.6:
            language = json if "json" in media_type else xml
            kind, body = language.attack(body, random)
            said = http.whole(body, media_type, random.choice((200, 200, 200, 400, 404, 409, 500)))
        else:
            kind, said = http.attack(body, media_type, random)
        self._system.said = said
        began = time.perf_counter()
        result, faults = self._gateway.judged((agency, asked))
        if self._system.trapped:
            self._system.trapped = False
            faults.append("followed a redirect")
        yield Outcome(kind, result, time.perf_counter() - began, said.sample, tuple(faults))

    @property
    def pid(self) -> int:
        return self._gateway.pid

    def close(self) -> None:
        self._gateway.close()
        self._system.close()


def _sound_answers(golden: Path) -> Iterable[tuple[str, str, str, bytes]]:
    """Agency, what it was asked, media type and body of every answer in the golden files."""
    for agency in _AGENCIES:
        for path in sorted((golden / agency).glob("*.yaml")):
            told = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
            answered = told.get("answered") or {}
            headers = {name.lower(): value for name, value in answered.get("headers", {}).items()}
            body = answered.get("body", "").strip()
            if told["does"] in _ASKED and body[:1] in ("<", "{", "["):
                usual = "text/xml" if body.startswith("<") else "application/json"
                yield agency, _ASKED[told["does"]], headers.get("content-type", usual), body.encode()


def _speaker(folder: str, url: str) -> Callable[[tuple[str, str]], str]:
    """A gateway to agencies that all live at a URL, with little patience; what it makes of one answer."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    configuration = load(Path(folder), development=True)
    files = {slug: _impatient(configuration.agencies[slug]) for slug in _AGENCIES}
    variables = environment(files, url, "fuzz")
    zones = {slug: configuration.calendars[slug].zone for slug in files}
    gateway = Gateway(files, dict.fromkeys(files, "v1"), Path(folder), variables, zones, utc_now)
    receipt = Receipt(reference="R-1", received_at=utc_now())
    dossiers = {
        slug: next(dossier for dossier, whole in sample_dossiers(file) if whole).model_copy(
            update={"receipt": receipt}
        )
        for slug, file in files.items()
    }
    loop = asyncio.new_event_loop()

    def ask(asked: tuple[str, str]) -> str:
        agency, what = asked
        dossier = dossiers[agency]
        given: Mapping[str, tuple[Any, ...]] = {"look_up": (dossier, utc_now()), "pull_feed": (agency,)}
        try:
            loop.run_until_complete(getattr(gateway, what)(*given.get(what, (dossier,))))
        except ChannelError as error:
            return type(error).__name__
        return "taken"

    return ask


def _impatient(file: AgencyFile) -> AgencyFile:
    data = file.model_dump(mode="json")
    data["channel"]["limits"] |= {
        "timeout": _TIMEOUT,
        "attempts": 1,
        "per_second": None,
        "breaker_failures": 1_000_000,
    }
    return AgencyFile.model_validate(data)


class _Hostile:
    """A system that says what it is told to, to whoever asks."""

    def __init__(self) -> None:
        self.said = http.Said(())
        self.trapped = False
        """Whether somebody went where a redirect led."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        # The other side goes away when it has heard enough: that is what is being tried.
        with line:
            try:
                if not self._heard(line):
                    return
                said = self.said
                for piece in said.pieces:
                    line.sendall(piece)
                    time.sleep(said.pause)
                line.shutdown(socket.SHUT_WR)
            except OSError:
                return

    def _heard(self, line: socket.socket) -> bool:
        """Read a request to its end."""
        line.settimeout(10)
        data = b""
        while b"\r\n\r\n" not in data:
            more = line.recv(65536)
            if not more:
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        self.trapped |= b"/trap" in head.partition(b"\r\n")[0]
        length = next(
            (
                int(row.partition(b":")[2])
                for row in head.split(b"\r\n")
                if row.lower().startswith(b"content-length")
            ),
            0,
        )
        while len(body) < length:
            body += line.recv(65536)
        return True
