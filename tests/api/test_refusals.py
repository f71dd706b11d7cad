"""The callback door against a flood of forgeries."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from hub.api.app import create_app
from hub.api.refusals import RefusalLimit
from hub.store import Store
from tests.api.support import SECRET, Api, DescribedTransport, EngineFake, parts


class Clock:
    """Told what time it is, in seconds."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(store: Store, clock: Clock) -> Callable[[str], Api]:
    """The same application, called from an address."""
    engine = EngineFake()
    app = create_app(parts(store, engine, refusals=RefusalLimit(monotonic=clock)))

    def at(address: str) -> Api:
        transport = DescribedTransport(app, address)
        return Api(app, store, engine, httpx.AsyncClient(transport=transport, base_url="http://hub"))

    return at


async def forge(api: Api, agency: str = "apqa") -> httpx.Response:
    return await api.http.post(
        f"/v1/agencies/{agency}/callbacks", content=b"{}", headers={"X-Secret": "guessed"}
    )


async def flood(api: Api, count: int, agency: str = "apqa") -> list[int]:
    return [(await forge(api, agency)).status_code for _ in range(count)]


async def test_a_flood_of_forgeries_is_not_recorded_beyond_the_first(
    client: Callable[[str], Api], store: Store, clock: Clock
) -> None:
    """Twenty at once are kept, then one a second; whoever sends the others is told when to come again."""
    api = client("192.0.2.1")
    assert await flood(api, 20) == [401] * 20
    answer = await forge(api)
    assert answer.status_code == 429
    assert answer.json()["type"] == "/problems/too-many-refused-callbacks"
    assert answer.headers["retry-after"] == "1"
    assert await flood(api, 5) == [429] * 5
    assert len(store.refused_callbacks(100)) == 20
    clock.now += 2.5
    assert await flood(api, 4) == [401, 401, 429, 429]
    assert len(store.refused_callbacks(100)) == 22
    clock.now += 3600
    assert await flood(api, 21) == [401] * 20 + [429]


async def test_what_an_agency_sends_is_taken_while_others_flood_its_door(
    client: Callable[[str], Api],
) -> None:
    """Also from the very same address: a proxy may stand before both."""
    api = client("192.0.2.1")
    mrn = (await api.lodge())["mrn"]
    await flood(api, 25)
    for number in range(30):
        taken = await api.call_back("apqa", f"{mrn}/apqa-animal-import", id=f"M-{number}")
        assert taken.status_code == 202
    kept = await api.http.post("/v1/agencies/apqa/callbacks", content=b"{", headers={"X-Secret": SECRET})
    assert kept.status_code == 422


async def test_each_agency_and_each_address_is_counted_by_itself(client: Callable[[str], Api]) -> None:
    """A flood at one door, or from one sender, hides no forgery elsewhere."""
    first, second = client("192.0.2.1"), client("192.0.2.2")
    assert await flood(first, 21) == [401] * 20 + [429]
    assert await flood(second, 1) == [401]
    assert await flood(first, 1, "mfds") == [401]


async def test_an_ipv6_sender_is_counted_with_its_network(client: Callable[[str], Api]) -> None:
    """Whoever has one address has 2^64 of them."""
    answers = [(await forge(client(f"2001:db8::{number:x}"))).status_code for number in range(1, 23)]
    assert answers == [401] * 20 + [429] * 2
    assert (await forge(client("2001:db8:0:1::1"))).status_code == 401
    mapped = [await flood(client(address), 15) for address in ("::ffff:192.0.2.9", "192.0.2.9")]
    assert mapped == [[401] * 15, [401] * 5 + [429] * 10]


def test_no_more_senders_are_remembered_than_there_is_room_for(clock: Clock) -> None:
    """The one not heard of for longest is forgotten."""
    limit = RefusalLimit(burst=1, remembered=2, monotonic=clock)
    assert limit.take("apqa", "192.0.2.1") is None
    assert limit.take("apqa", "192.0.2.2") is None
    assert limit.take("apqa", "192.0.2.1") == 1.0
    assert limit.take("apqa", "192.0.2.3") is None
    assert limit.take("apqa", "192.0.2.1") == 1.0
    assert limit.take("apqa", "192.0.2.2") is None


def test_a_sender_without_an_address_is_a_sender_too(clock: Clock) -> None:
    """On a Unix socket nobody has one."""
    limit = RefusalLimit(burst=1, monotonic=clock)
    assert [limit.take("apqa", None), limit.take("apqa", None)] == [None, 1.0]
