"""What the kit is made of: the proxy between hub and agency, edited bodies, crowds of requests."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests

from hub.workbench.certify.behaviours.crowds import keeps_rate, most_at_once
from hub.workbench.certify.behaviours.told import told_by
from hub.workbench.certify.leaves import Leaves, NoLeaves
from hub.workbench.certify.proxy import Proxy, Tap
from hub.workbench.certify.wire import (
    Answer,
    Passage,
    Request,
    cut_before_answer,
    cut_in_answer,
    saying,
)
from tests.adapters.system import Say, System, answer, system

CHUNKED = Say(
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Kept: yes\r\n\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
    ),
    keep=True,
)


@contextmanager
def between(say: Say) -> Iterator[tuple[Proxy, Tap, System]]:
    with system(say) as agency:
        tap = Tap(lambda method, *_: "submit" if method == "POST" else "poll")
        proxy = Proxy(agency.url, tap)
        try:
            yield proxy, tap, agency
        finally:
            proxy.close()


def test_it_passes_everything_on() -> None:
    """Method, path, query, headers and body; the agency is named as the host."""
    with between(CHUNKED) as (proxy, tap, agency), requests.Session() as session:
        for _ in range(3):
            heard = session.post(f"{proxy.url}/a/b?c=d%2Fe", data=b"body", headers={"X-Own": "1"}, timeout=5)
            assert (heard.status_code, heard.text) == (200, "hello")
            assert heard.headers["X-Kept"] == "yes"
    first = agency.heard[0]
    assert (first.method, first.path, first.body) == ("POST", "/a/b?c=d%2Fe", b"body")
    assert first.headers["x-own"] == "1"
    assert first.headers["host"] == urlsplit(agency.url).netloc
    assert [passage.request.kind for passage in tap.passages] == ["submit"] * 3
    assert tap.passages[0].said[0].body == b"hello"


def test_no_connection_to_the_agency_is_used_again() -> None:
    """One that the agency is about to close would look as if the agency had broken off."""
    with between(answer(200, "ok")) as (proxy, _, agency):
        for _ in range(3):
            assert requests.post(proxy.url, data=b"x", timeout=5).text == "ok"
        assert agency.connections == 3


@pytest.mark.parametrize("trick", [cut_in_answer, cut_before_answer])
def test_a_cut_takes_the_answer_and_not_the_request(trick: object) -> None:
    """The agency has it; whoever asked has no whole answer. Only the next one of its kind is cut."""
    with between(answer(200, "a whole answer")) as (proxy, tap, agency):
        with tap.playing(trick, "submit", 1):  # type: ignore[arg-type]
            assert requests.get(proxy.url, timeout=5).text == "a whole answer"
            with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
                requests.post(proxy.url, data=b"x", timeout=5)
            assert requests.post(proxy.url, data=b"x", timeout=5).text == "a whole answer"
        assert len(agency.heard) == 3


def test_an_answer_in_the_agencys_place() -> None:
    """The agency hears nothing of it."""
    with between(answer(200, "the agency")) as (proxy, tap, agency):
        with tap.playing(saying(Answer(503, (("Retry-After", "7"),), b"closed")), "submit"):
            heard = requests.post(proxy.url, data=b"x", timeout=5)
        assert (heard.status_code, heard.headers["Retry-After"], heard.text) == (503, "7", "closed")
        assert agency.heard == []
        assert not tap.passages[0].reached


def test_nobody_is_there_and_then_somebody_at_the_same_address() -> None:
    """Connections that were kept are gone too."""
    with between(answer(200, "here")) as (proxy, _, agency), requests.Session() as session:
        assert session.get(proxy.url, timeout=5).text == "here"
        with proxy.away(), pytest.raises(requests.ConnectionError, match="refused"):
            session.get(proxy.url, timeout=5)
        assert session.get(proxy.url, timeout=5).text == "here"
        assert len(agency.heard) == 2


def test_an_agency_that_breaks_off_is_noted() -> None:
    """Whoever asked finds it as it is; the kit knows that it was the agency."""
    with between(Say()) as (proxy, tap, _):
        with pytest.raises(requests.ConnectionError):
            requests.post(proxy.url, data=b"x", timeout=5)
        assert "RemoteDisconnected" in tap.passages[0].broke


def test_links_to_the_next_page_of_a_feed_lead_through_the_proxy() -> None:
    """Whole addresses of the agency's origin, in the body as JSON may write them, and in headers."""
    with system(answer(200)) as agency:
        origin = agency.url
        escaped = origin.replace("/", "\\/")
        body = f'{{"next": "{origin}/a?p=2", "other": "{escaped}\\/c", "else": "http://127.0.0.1:1/"}}'
        agency.script = lambda heard: answer(200, body, Link=f"<{origin}/b>")
        proxy = Proxy(agency.url, Tap(lambda *_: "pull"))
        try:
            heard = requests.get(proxy.url, timeout=5)
        finally:
            proxy.close()
    assert heard.json() == {
        "next": f"{proxy.url}/a?p=2",
        "other": f"{proxy.url}/c",
        "else": "http://127.0.0.1:1/",
    }
    assert heard.headers["Link"] == f"<{proxy.url}/b>"


def test_no_content_has_no_length() -> None:
    """RFC 9110 section 8.6."""
    with between(Say((b"HTTP/1.1 204 No Content\r\n\r\n",), keep=True)) as (proxy, _, _):
        port = urlsplit(proxy.url).port
        assert port is not None
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        line.request("DELETE", "/")
        heard = line.getresponse()
        assert heard.status == 204
        assert heard.getheader("Content-Length") is None
        line.close()


JSON = '{"no": 7, "say": "적합", "l": [{"ref": "A", "say": "적합"}, {"ref": "B", "say": "적합"}], "x": true}'
XML = '<l a="적합"><m><ref>A</ref><word>적합</word></m><m><ref>B</ref><word> 적합 </word></m></l>'


@pytest.mark.parametrize("body", [JSON, XML])
def test_texts_are_replaced_wherever_they_stand_or_in_one_message_alone(body: str) -> None:
    """The rest stays as it is."""
    leaves = Leaves(b"\xef\xbb\xbf\n" + body.encode())
    assert leaves.texts().count("적합") == 3
    everywhere = Leaves(leaves.replaced({"적합": "X"}))
    assert everywhere.texts() == ["X" if text == "적합" else text for text in leaves.texts()]
    one = Leaves(leaves.within("B", {"적합": "X"})).texts()
    assert one.count("X") == 1
    assert one.index("X") > one.index("B") > one.index("A")
    assert leaves.within("C", {"적합": "X"}) == leaves.replaced({})


def test_numbers_stay_numbers_and_truth_values_are_no_texts() -> None:
    """A contract may insist on the type."""
    assert Leaves(JSON.encode()).replaced({"7": "8"}).startswith(b'{"no": 8,')
    assert "True" not in Leaves(JSON.encode()).texts()


@pytest.mark.parametrize("body", [b"", b"<html><br></html>", b"%PDF-1.7"])
def test_what_is_neither_json_nor_xml_is_told(body: bytes) -> None:
    """Nothing can be edited in it."""
    with pytest.raises(NoLeaves):
        Leaves(body)


def test_a_reference_is_not_found_inside_a_longer_one() -> None:
    """R-1 is not R-12."""
    told = Answer(200, (), b'{"receipt": "R-12"}')
    assert told.names("R-12")
    assert not told.names("R-1")


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"code": "E1", "message": "box 4\\n is empty"}}',
        b"<F><faultcode>c</faultcode><faultstring>box 4 is  empty</faultstring></F>",
    ],
)
def test_what_an_error_says_to_people(body: bytes) -> None:
    """By the names such texts usually have, in one line."""
    assert told_by(body) == ["box 4 is empty"]


def passages(*spans: tuple[float, float]) -> list[Passage]:
    asked = Request("submit", "POST", "/", (), b"")
    return [Passage(asked, began, ended) for began, ended in spans]


def test_how_many_are_under_way_at_once() -> None:
    """One that ends as another begins makes room for it."""
    assert most_at_once([]) == 0
    assert most_at_once(passages((0, 1), (1, 2), (2, 3))) == 1
    assert most_at_once(passages((0, 5), (1, 2), (1.5, 3), (4, 6))) == 3


def test_a_rate_is_passed_by_what_comes_too_early_and_never_by_what_comes_late() -> None:
    """Four at once and four a second from then on."""
    kept = [(0.0, 0.0)] * 4 + [(0.25, 0.25), (0.5, 0.5)]
    assert keeps_rate(passages(*kept), 4, started=0.0)
    assert keeps_rate(passages(*[(3.0, 3.0)] * 6), 4, started=0.0)
    assert not keeps_rate(passages(*[(0.0, 0.0)] * 5), 4, started=0.0)
    assert not keeps_rate(passages(*kept, (0.55, 0.55)), 4, started=0.0)
