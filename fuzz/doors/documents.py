"""Declarations lodged and amended as XML and as JSON, and what agencies call back."""

from __future__ import annotations

import time
from collections.abc import Iterable
from random import Random

from fuzz.campaign import Outcome
from fuzz.doors.over_http import HttpDoor
from fuzz.inputs import json, xml
from fuzz.target import Target, demo
from fuzz.wire import request
from hub.ports import Role
from hub.simulator.callbacks import CallbackSigner


class LodgeXml(HttpDoor):
    """WCO declarations, lodged and as amendments."""

    name = "declarations, XML"

    def put(self, number: int, random: Random) -> Iterable[Outcome]:
        sound = demo(random.choice(("wco-apples.xml", "wco-mixed.xml")))
        kind, body = xml.attack(sound, random)
        charset = random.choice(
            ("", "", "", "; charset=utf-8", "; charset=utf-16", "; charset=x", "; charset=")
        )
        media_type = random.choice(("application/xml", "text/xml")) + charset
        headers = {**self.target.authorized(Role.CUSTOMS), "Content-Type": media_type}
        yield self.ask(kind, request("POST", _path(self.target, random), headers, body))


class LodgeJson(HttpDoor):
    """The same as JSON."""

    name = "declarations, JSON"

    def put(self, number: int, random: Random) -> Iterable[Outcome]:
        kind, body = json.attack(demo("cherries.json"), random)
        headers = {**self.target.authorized(Role.CUSTOMS), "Content-Type": "application/json"}
        yield self.ask(kind, request("POST", _path(self.target, random), headers, body))


def _path(target: Target, random: Random) -> str:
    if random.random() < 0.8:
        return "/v1/declarations"
    return f"/v1/declarations/{random.choice(target.mrns)}/amendments"


_SOAP = """<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
  xmlns:a="http://exchange.agency.example/notice">
  <soap:Header/><soap:Body>
    <a:ResultOfNotice>
      <a:MessageId>M-{number}</a:MessageId>
      <a:DocumentId>{referral}</a:DocumentId>
      <a:RegisteredAs>R-{number}</a:RegisteredAs>
      <a:Disposition>PASS</a:Disposition>
      <a:ActionTime>2026-03-02T09:29:00+09:00</a:ActionTime>
    </a:ResultOfNotice>
  </soap:Body>
</soap:Envelope>"""
_XML = """<?xml version="1.0" encoding="UTF-8"?>
<CheckResult><ResultId>M-{number}</ResultId><CheckNumber>R-{number}</CheckNumber><Key>{referral}</Key>
  <Word>인증유효</Word><Comment>Two pieces</Comment><At>2026-03-02T00:25:00Z</At></CheckResult>"""
_JSON = """{{"messageId": "M-{number}", "submissionId": "{referral}", "receiptNo": "R-{number}",
 "decision": {{"code": "합법", "certificateNumber": "C-1", "remarks": "",
  "madeAt": "2026-03-02T00:25:00Z"}}}}"""
_NOTICE = """{{"noticeId": "M-{number}", "clientReference": "{referral}", "ticket": "R-{number}",
 "decision": {{"decisionId": "D-{number}", "result": "적합", "certificateNo": "C-1",
  "decidedAt": "2026-03-02T00:25:00Z", "itemNos": [1]}}}}"""
_MESSAGES = {"fiti": _SOAP, "ktc": _XML, "kfs": _JSON, "mfds": _NOTICE}
"""By agency: SOAP and XML with a token, JSON with a signature."""


class Callbacks(HttpDoor):
    """Messages of agencies, hostile in their content and yet authentic; some forged."""

    name = "callbacks"

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._signers = {}
        for agency in _MESSAGES:
            callback = target.configuration.agencies[agency].channel.callback
            assert callback is not None
            self._signers[agency] = CallbackSigner(callback.auth, target.secrets)

    def put(self, number: int, random: Random) -> Iterable[Outcome]:
        agency = random.choice(tuple(_MESSAGES))
        referral = self.target.referrals[agency]
        sound = _MESSAGES[agency].format(number=number, referral=referral).encode()
        kind, body = (json if sound.startswith(b"{") else xml).attack(sound, random)
        at = time.time() + (random.choice((-1e6, 1e12)) if random.random() < 0.02 else 0)
        headers = {"Content-Type": random.choice(("application/json", "application/xml", "text/xml", "x"))}
        headers |= self._signers[agency].headers(body, at)
        if random.random() < 0.05:
            name = random.choice(list(headers))
            headers[name] = random.choice(("", "x", "\x01", "é", "Bearer ", "9" * 4000, headers[name] + "0"))
        yield self.ask(kind, request("POST", f"/v1/agencies/{agency}/callbacks", headers, body))
