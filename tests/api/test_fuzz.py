"""Whatever is sent to the door, the hub itself does not fail."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree

from hub.api.app import create_app
from hub.ports import Role
from hub.store import Store
from tests.api.support import DATA, Api, EngineFake, beef, parts

_ANSWERS = {202, 400, 409, 413, 415, 422}
_fuzz = settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Door:
    """The lodging door, from synchronous code."""

    def __init__(self, store: Store) -> None:
        self._app = create_app(parts(store, EngineFake()))
        self._headers = Api(self._app, store, EngineFake(), None).key(Role.ADMIN)  # type: ignore[arg-type]

    def post(self, body: bytes, media_type: str) -> int:
        return asyncio.run(self._post(body, media_type))

    async def _post(self, body: bytes, media_type: str) -> int:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
            headers = {**self._headers, "Content-Type": media_type}
            return (await http.post("/v1/declarations", content=body, headers=headers)).status_code


@pytest.fixture
def door(store: Store) -> Iterator[Door]:
    return Door(store)


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["0202300000", "KR", "USD", "2026-01-01T00:00:00Z", "1e9", "22B03", "\x00", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, member in members:
        yield from _places(member, (*place, key))


@st.composite
def _almost_declarations(draw: st.DrawFn) -> Any:
    """A sound declaration in which a few values have become something else."""
    declaration: Any = beef(lrn=draw(st.text(min_size=1, max_size=5)))
    declaration["items"][0]["attributes"] = draw(
        st.dictionaries(st.sampled_from(["use", "species", "used", "power_w", "x"]), _json, max_size=3)
    )
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(list(_places(declaration))[1:]))
        holder = declaration
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = draw(_json)
    return declaration


@_fuzz
@given(declaration=_almost_declarations() | _json)
def test_no_json_makes_the_hub_fail(door: Door, declaration: Any) -> None:
    assert door.post(json.dumps(declaration).encode(), "application/json") in _ANSWERS


_XML = [
    (DATA / name).read_text(encoding="utf-8")
    for name in ("import_beef_and_looms.xml", "export_without_ucr.xml")
]
_TEXTS = [
    "-1",
    "1e9",
    "NaN",
    "9" * 50,
    "9" * 24,
    "²",
    "٣",
    "99999999",
    "00000000",
    "0",
    "  ",
    "13",
    "CO",
    "TT",
]
_SCRAPS = ["<", ">", "&", "]]>", "<!--", "<ID/>", "<ID>x</ID>", "<!DOCTYPE x>", "\x85", "\x00"]


@st.composite
def _broken_xml(draw: st.DrawFn) -> str:
    """A sound document into which scraps were put where tags begin and end."""
    text = draw(st.sampled_from(_XML))
    for _ in range(draw(st.integers(1, 3))):
        marks = [i for i, c in enumerate(text) if c in "<>"]
        begin = draw(st.sampled_from(marks)) + draw(st.integers(0, 1))
        text = text[:begin] + draw(st.sampled_from(_SCRAPS) | st.text(max_size=4)) + text[begin:]
    return text


_xml_text = st.text(st.characters(exclude_categories=["C"]), max_size=6) | st.sampled_from(_TEXTS)


@st.composite
def _almost_xml(draw: st.DrawFn) -> str:
    """A well-formed document of which a few elements say something else, are gone, doubled or renamed."""
    root = etree.fromstring(draw(st.sampled_from(_XML)).encode())
    etree.SubElement(next(root.iter("{*}FunctionalReferenceID")), "x").tail = draw(_xml_text)
    for _ in range(draw(st.integers(0, 4))):
        element = draw(st.sampled_from(list(root.iter(etree.Element))[1:]))
        above = element.getparent()
        match draw(st.sampled_from(["text", "text", "text", "remove", "double", "rename", "unit"])):
            case "text":
                element.text = draw(_xml_text)
            case "remove":
                above.remove(element)
            case "double":
                above.append(copy.deepcopy(element))
            case "rename":
                element.tag = draw(st.sampled_from(list(root.iter(etree.Element)))).tag
            case _:
                name = draw(st.sampled_from(["unitCode", "currencyID", "formatCode"]))
                element.set(name, draw(_xml_text))
    return etree.tostring(root, encoding="unicode")


@_fuzz
@given(text=_almost_xml() | _almost_xml() | _broken_xml())
@example(text=_XML[0].replace("24960.000", "9" * 24 + ".1"))
@example(text=_XML[0].replace("<SequenceNumeric>1<", "<SequenceNumeric>" + "9" * 24 + "<"))
@example(text=_XML[0].replace("20261124063000+0900", "20261124063000+9999"))
def test_no_xml_makes_the_hub_fail(door: Door, text: str) -> None:
    assert door.post(text.encode("utf-8", "surrogatepass"), "application/xml") in _ANSWERS
