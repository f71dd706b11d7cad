"""Forms of the console and the tracking page, and documents handed in."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from urllib.parse import quote, urlencode

from fuzz.campaign import Outcome
from fuzz.doors.over_http import HttpDoor
from fuzz.inputs.text import nasty
from fuzz.wire import request
from hub.ports import Role, UserRole

_FORMS = (
    *(
        "/console/preferences",
        "/console/account/password",
        "/console/users/new",
        "/console/users/fuzz-viewer",
    ),
    *(
        "/console/users/fuzz-viewer/disabled",
        "/console/act/retry",
        "/console/act/look_up",
        "/console/act/extend",
    ),
    *(
        "/console/act/decide",
        "/console/act/pause",
        "/console/act/x",
        "/console/bulks/new",
        "/console/bulks/1/stop",
    ),
    *(
        "/console/approvals/1/confirm",
        "/console/incidents/1/snooze",
        "/console/incidents/1/note",
        "/console/doctor/examine",
    ),
    *(
        "/console/doctor/repair",
        "/console/incidents/9999999999999999999/acknowledge",
        "/console/approvals/x/decline",
    ),
)
_PAGES = (
    *(
        "/console",
        "/console/stuck",
        "/console/declarations",
        "/console/agencies",
        "/console/audit",
        "/console/bulks/new",
    ),
    *(
        "/console/act/retry",
        "/console/approvals",
        "/console/incidents",
        "/console/users",
        "/console/doctor",
        "/track",
    ),
    *(
        "/console/sign-in",
        "/console/oidc/back",
        "/console/oidc",
        "/console/acted",
        "/console/declarations/{mrn}",
    ),
    *(
        "/console/declarations/{mrn}/events",
        "/console/declarations/{mrn}/exchanges",
        "/console/incidents/1",
        "/console/bulks/1",
    ),
)
_FIELDS = (
    *(
        "name",
        "password",
        "next",
        "back",
        "language",
        "scheme",
        "mrn",
        "service",
        "reason",
        "verdict",
        "agency",
        "until",
    ),
    *(
        "older",
        "page",
        "cursor",
        "state",
        "code",
        "error",
        "role",
        "display",
        "days",
        "text",
        "note",
        "kind",
        "q",
        "since",
    ),
    *("iss", "session_state", "id", "seen", "count", "items", "referral", "hours", "user", "action", "csrf"),
)


class Pages(HttpDoor):
    """By somebody of any role who is signed in, or not; with the form's token, or another."""

    name = "console and tracking"

    def put(self, number: int, random: Random) -> Iterable[Outcome]:
        role = random.choice((*UserRole, UserRole.ADMIN, None))
        headers, token = (
            self.target.signed_in(role) if role else ({"Origin": f"http://{self.target.host}"}, "")
        )
        headers["Host"] = self.target.host
        fields = [
            (random.choice(_FIELDS), random.choice((nasty(random)[:3000], "1", self.target.mrns[0])))
            for _ in range(random.choice((0, 1, 3, 8, 600)) if random.random() < 0.9 else 1)
        ]
        if random.random() < 0.4:
            path = random.choice(_PAGES).replace("{mrn}", random.choice(self.target.mrns))
            yield self.ask("pages", request("GET", f"{path}?{_encoded(fields)}"[:60_000], headers))
        elif random.random() < 0.15:
            yield self._track(random)
        else:
            kind = "forms"
            if random.random() < 0.15:
                kind, token = "forms, forged", nasty(random)[:100]
                headers |= random.choice(
                    (
                        {},
                        {"Origin": "http://other"},
                        {"Origin": "null"},
                        {"Origin": nasty(random)[:80].replace("\r\n", "")},
                    )
                )
            path = random.choice(_FORMS)
            fields.append(("csrf", token))
            media_type, body = _form(fields, random)
            yield self.ask(kind, request("POST", path, {**headers, "Content-Type": media_type}, body))

    def _track(self, random: Random) -> Outcome:
        code = random.choice((self.target.tracking, "/track/" + quote(nasty(random)[:3000], safe="")))
        said = random.choice(("", "?lang=" + quote(nasty(random)[:500]), "x", "/../../console", "%00"))
        headers = {"Accept-Language": nasty(random)[:200].replace("\r\n", "")}
        return self.ask("tracking links", request("GET", code + said, headers))


def _encoded(fields: list[tuple[str, str]]) -> str:
    return urlencode(fields, errors="surrogatepass")


def _form(fields: list[tuple[str, str]], random: Random) -> tuple[str, bytes]:
    if random.random() < 0.7:
        return "application/x-www-form-urlencoded", _encoded(fields).encode()
    return _multipart(
        [(name, None, "", value.encode("utf-8", "surrogatepass")) for name, value in fields], random
    )


class Documents(HttpDoor):
    """Answers to an agency's question, with documents."""

    name = "documents"

    def put(self, number: int, random: Random) -> Iterable[Outcome]:
        mrn, service, question = self.target.question
        path = f"/v1/declarations/{mrn}/questions/{service}/{quote(question, safe='')}/answer"
        parts: list[tuple[str, str | None, str, bytes]] = [
            ("text", None, "", nasty(random).encode("utf-8", "surrogatepass"))
        ]
        for _ in range(random.choice((0, 1, 1, 2, 25, 300))):
            content = random.choice(
                (b"%PDF-1.7", b"PK\x03\x04" + bytes(50), b"<x/>", b"\xff\xd8\xff", b"MZ", b"", b"x" * 300_000)
            )
            name = random.choice(
                (
                    nasty(random)[:300],
                    "a.pdf",
                    "a.exe",
                    "..\\a.pdf",
                    "CON",
                    "a" * 400 + ".pdf",
                    "a.pdf\x00.exe",
                )
            )
            media_type = random.choice(
                ("application/pdf", "image/png", "text/html", "x", "", "text/plain; charset=x", "a" * 5000)
            )
            parts.append((random.choice(("file", "documents", "", "text")), name, media_type, content))
        media_type, body = _multipart(parts, random)
        headers = {
            **self.target.authorized(random.choice((Role.CUSTOMS, Role.ADMIN))),
            "Content-Type": media_type,
        }
        yield self.ask("documents", request("POST", path, headers, body))


def _multipart(parts: list[tuple[str, str | None, str, bytes]], random: Random) -> tuple[str, bytes]:
    """A form in parts, sometimes with something wrong around them."""
    pieces = []
    for name, file, media_type, content in parts:
        head = f'form-data; name="{name}"' + (f'; filename="{file}"' if file is not None else "")
        kind = f"\r\nContent-Type: {media_type}" if media_type else ""
        lines = f"--b\r\nContent-Disposition: {head}{kind}\r\n\r\n".encode("utf-8", "surrogatepass")
        pieces.append(lines + content + b"\r\n")
    whole = b"".join(pieces) + b"--b--\r\n"
    media_type = "multipart/form-data; boundary=b"
    match random.randrange(12):
        case 0:
            whole = whole[: random.randrange(len(whole))]
        case 1:
            media_type = random.choice(
                (
                    "multipart/form-data",
                    "multipart/form-data; boundary=",
                    "multipart/mixed; boundary=b",
                    "multipart/form-data; boundary=" + "b" * 500,
                )
            )
        case 2:
            whole = whole.replace(b"\r\n", b"\n")
        case 3:
            whole = b"--b\r\n" + b"X: y\r\n" * 5000 + whole
        case 4:
            whole = whole.replace(
                b"form-data", random.choice((b"attachment", b"", b"form-data; name*=utf-8''%ff", b"\xff"))
            )
        case 5:
            whole = whole.replace(
                b"Content-Disposition", b"Content-Transfer-Encoding: base64\r\nContent-Disposition"
            )
    return media_type, whole
