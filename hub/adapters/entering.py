"""
What must be had before an agency is asked: a token of its authorisation server, a session of its own system.

Both are kept for the whole channel, and had anew, once, when the agency does not take them any more: a
request that was turned away at the door had no effect, so it may be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.adapters.channel import Login
from hub.adapters.context import agency_context
from hub.adapters.proof.held import Held, Kept, Token
from hub.adapters.reading import Kind, LoggedOut
from hub.adapters.wire import Context, Heard
from hub.domain.errors import AgencyRefused, AgencyUnavailable, NotUnderstood
from hub.expressions import Expression, ExpressionFailed

if TYPE_CHECKING:  # the two need each other: a talk enters, and entering takes a talk
    from hub.adapters.talk import Talk


class TurnedAway(Exception):
    """The agency does not take what we came in with; the request had no effect. The message says how."""


class LoginUnreadable(Exception):
    """An answer to a log-in that is not what the contract says, and may hold a token all the same."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one request came in with."""

    token: Kept | None = None
    session: Kept | None = None

    def context(self, context: Context) -> Context:
        """What the request's expressions see."""
        return context if self.session is None else {**context, "session": {"token": self.session.text}}

    def turned_away(self, heard: Heard) -> str | None:
        """
        How an answer says that our token or session is not taken, if it does.

        403 is what some systems answer to a session that has ended, and others to what one may not do: it
        counts only for a session that was not opened just now. An answer that is not shown to be the
        agency's own tells nothing of what took effect.
        """
        if (self.token is None and self.session is None) or heard.unproven is not None:
            return None
        if heard.status == 401:
            return "status 401"
        if self.session is None:
            return None
        if heard.status == 403 and not self.session.fresh:
            return "status 403"
        if heard.fault is not None and heard.fault.about_security:
            return heard.fault.text
        return None


class Entrance:
    """The tokens of one channel, for all its threads."""

    def __init__(self) -> None:
        self._token = Held()
        self._session = Held()

    def enter(self, talk: Talk) -> Entry:
        """What a request needs, fetched where it is not at hand. Raises ChannelError, ChannelUnusable."""
        channel = talk.line.channel()
        token = None
        if channel.proof.client_credentials is not None:
            talk.take_time()
            token = self._token.get(lambda: fetch_token(talk))
        login = channel.login
        if login is None:
            return Entry(token)
        talk.take_time()
        return Entry(token, self._session.get(lambda: log_in(talk, login, Entry(token))))

    def leave(self, entry: Entry) -> None:
        """What this request came in with is not taken any more."""
        if entry.token is not None:
            self._token.drop(entry.token.text)
        if entry.session is not None:
            self._session.drop(entry.session.text)


def fetch_token(talk: Talk) -> Token:
    """A token of the authorisation server. Raises AgencyUnavailable, NotUnderstood."""
    credentials = talk.line.channel().proof.client_credentials
    assert credentials is not None
    name, breaker = talk.line.file.agency, talk.line.breaker
    reply = talk.send(credentials.request(), Kind.TOKEN)
    try:
        token = credentials.read(reply, talk.heard_at)
    except AgencyUnavailable as wrong:
        breaker.failed()
        raise AgencyUnavailable(f"{name}: {wrong}", retry_after=wrong.retry_after) from wrong
    except NotUnderstood as wrong:
        raise NotUnderstood(f"{name}: {wrong}") from wrong
    talk.line.scrubber.learn(token.text)
    talk.understood(_for_so_long("a token", token.lasts))
    return token


def log_in(talk: Talk, login: Login, entry: Entry) -> Token:
    """A session of the agency's system. Raises ChannelError."""
    name = talk.line.file.agency
    context = agency_context(talk.line.file)
    try:
        heard, _, reading = talk.put(login.operation, context, Kind.LOGIN, entry, again=True)
    except LoginUnreadable as wrong:
        raise NotUnderstood(
            f"{name} has answered the log-in with what does not fit the contract; "
            "its values are not recorded, for one of them may be the token"
        ) from wrong
    except (AgencyRefused, LoggedOut) as refused:
        # The declaration is not refused: we are.
        raise NotUnderstood(f"{name} does not let us log in: {refused}") from refused
    # Beside the token there may be another, to renew it; nobody knows under which name.
    talk.hide_answer(heard)
    text = _evaluated(login.token, reading)
    if not isinstance(text, str) or not text.strip():
        raise NotUnderstood(
            f"{name} has answered the log-in, and `login.token` finds no text in it; "
            "its values are not recorded, for one of them may be the token"
        )
    text = text.strip()
    talk.line.scrubber.learn(text)
    lasts = login.lasts
    if login.expires_in is not None:
        lasts = _seconds(_evaluated(login.expires_in, reading)) or lasts
    talk.understood(_for_so_long("logged in", lasts))
    return Token(text, lasts)


def _evaluated(expression: Expression, reading: Mapping[str, Any]) -> Any:
    try:
        value = expression.evaluate(reading)
    except ExpressionFailed:
        return None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if 0 < seconds < float("inf") else None


def _for_so_long(what: str, lasts: float | None) -> str:
    return what if lasts is None else f"{what}, for {lasts:g} s"
