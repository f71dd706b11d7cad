"""Low-level errors in words that an operator can read."""

from __future__ import annotations

import http.client

import requests
import urllib3

from hub.adapters.transport import UnreadableHeaders, _sorted


def test_a_connection_that_is_closed_without_an_answer_is_told_in_words() -> None:
    """Neither tuples nor the names of Python's classes."""
    cause = http.client.RemoteDisconnected("Remote end closed connection without response")
    wrong = requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", cause))
    assert str(_sorted(wrong)) == "sent, and then: the connection was closed without an answer"
    reset = requests.ConnectionError(
        urllib3.exceptions.ProtocolError(
            "Connection aborted.", ConnectionResetError(104, "Connection reset by peer")
        )
    )
    assert str(_sorted(reset)) == "sent, and then: the connection was cut by the other side"
    garbled = requests.ConnectionError(
        urllib3.exceptions.ProtocolError("Connection aborted.", UnreadableHeaders())
    )
    assert str(_sorted(garbled)) == "sent, and then: the headers of the answer cannot be read"
