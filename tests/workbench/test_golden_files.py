"""Golden files: recorded out of real exchanges, played, and what differs told."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest
from ruamel.yaml import YAML

from hub.adapters.sample import SAMPLE_MRN
from hub.domain.declaration import Declaration
from hub.domain.exchange import Exchange
from hub.domain.intake import accept
from hub.store import create_store
from hub.workbench.bench import open_bench
from hub.workbench.golden.comparison import body_lines, differing
from tests.adapters.system import Heard, Say, answer, system
from tests.workbench.conftest import CHERRIES, REAL, Hub, WorkFolder

CASE = "golden/mfds/gives-a-ticket.yaml"
CASES = list((REAL / "golden" / "mfds").iterdir())
MRN = "26KRABCDEFGHJKLMN0"
AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


def ticket(heard: Heard) -> Say:
    reference = heard.body.decode().split('"clientReference":"')[1].split('"')[0]
    body = f'{{"ticket": "T-7", "state": "PENDING", "echo": "{reference}", "fee": 10.50}}'
    return answer(202, body, Content_Type="application/json", Server="x", Set_Cookie="s=1")


@pytest.mark.slow
def test_a_difference_is_shown_line_by_line(hub: Hub, folder: WorkFolder) -> None:
    """What is written down beside what is now, for the request and for its meaning; the rest passes."""
    folder.spoil(CASE, '"regime": "IM"', '"regime": "EX"')
    folder.spoil(CASE, "receipt: T-2", "receipt: T-3")
    ended = hub("test", "mfds")
    assert ended.status == 1
    for line in ('-     "regime": "EX",', '+     "regime": "IM",', '- receipt: "T-3"', '+ receipt: "T-2"'):
        assert line in ended.said
    assert ended.said.count("FAIL") == 1
    assert ended.said.endswith(f"{len(CASES)} golden files, 1 failed\n")
    assert hub("test", "mfds", "has-it-already").status == 0


def test_a_changed_mapping_fails_the_cases_it_touches(hub: Hub, folder: WorkFolder) -> None:
    """That is what they are for."""
    folder.spoil("agencies/mfds.yaml", "clientReference: =referral.id", "clientReference: =referral.mrn")
    ended = hub("test", "mfds", "gives-a-ticket")
    assert ended.status == 1
    assert f'+   "clientReference": "{SAMPLE_MRN}"' in ended.said


@pytest.mark.slow
def test_a_golden_file_is_checked_itself(hub: Hub, folder: WorkFolder) -> None:
    """Every fault with line, key and cure; the other files are played."""
    folder.spoil(CASE, "does: submit", "dose: submit")
    ended = hub("test", "mfds")
    assert ended.status == 1
    assert "golden/mfds/gives-a-ticket.yaml:2  dose  unknown key 'dose'" in ended.said
    assert "did you mean 'does'?" in ended.said
    assert ended.said.count("pass") == len(CASES) - 1
    assert "did you mean 'gives-a-ticket'?" in hub("test", "mfds", "gives-a-tikcet").said
    shutil.rmtree(folder.path / "golden" / "kahpa")
    assert "hub agency record kahpa" in hub("test", "kahpa").said


def test_a_request_too_many_or_too_few(hub: Hub, folder: WorkFolder) -> None:
    """An answer that nobody asks for is one request too few."""
    folder.spoil(CASE, "sent:\n  method: POST", "sent:\n  method: GET")
    assert "+ POST /agency/applications" in hub("test", "mfds", "gives-a-ticket").said


def test_a_try_becomes_a_golden_file(hub: Hub, folder: WorkFolder) -> None:
    """Scrubbed, under the sample's mrn, with what it means filled in; it passes at once."""
    words = ["record", "mfds", "--declaration", str(CHERRIES), "--as", "takes-cherries", "--why", "Cherries."]
    with system(ticket) as running:
        env = {"MFDS_ENDPOINT": running.url, "MFDS_TOKEN": "top-secret-token"}
        ended = hub(*words, **env)
        assert ended.status == 0, ended.said
        again = hub(*words, **env)
        asked = len(running.heard)
        forced = hub(*words, "--force", **env)
    text = folder.text("golden/mfds/takes-cherries.yaml")
    case = YAML(typ="safe").load(text)
    assert case["why"] == "Cherries."
    assert case["means"] == {"receipt": "T-7", "decisions": []}
    assert case["answered"]["headers"] == {"Content-Type": "application/json"}
    assert f'"echo": "{SAMPLE_MRN}/mfds-food-import"' in case["answered"]["body"]
    assert "10.50" in case["answered"]["body"]
    assert "authorization" not in case["sent"]["headers"]
    assert "top-secret" not in text
    assert case["declaration"]["lrn"] == "EXAMPLE-0001"
    assert hub("test", "mfds", "takes-cherries").status == 0
    assert (again.status, forced.status, asked) == (1, 0, 1)
    assert "--force" in again.said


@pytest.mark.slow
def test_errors_and_empty_answers_are_kept_too(hub: Hub, folder: WorkFolder) -> None:
    """What an agency does wrong is what most files are about."""
    for name, say, error in (
        ("is-closed", answer(503, "<html>closed</html>", Retry_After="30"), "AgencyUnavailable"),
        ("spoils-its-json", answer(200, '{"ticket": '), "NotUnderstood"),
        ("says-nothing", answer(500), "InDoubt"),
    ):
        with system(say) as running:
            env = {"MFDS_ENDPOINT": running.url, "MFDS_TOKEN": "t-123456"}
            assert hub("record", "mfds", "--as", name, **env).status == 0
        means = YAML(typ="safe").load(folder.text(f"golden/mfds/{name}.yaml"))["means"]
        assert means["error"] == error
        assert hub("test", "mfds", name).status == 0


def test_no_answer_is_nothing_to_keep(hub: Hub, folder: WorkFolder) -> None:
    """Nothing is written."""
    with system(Say()) as running:
        ended = hub("record", "mfds", "--as", "cuts", MFDS_ENDPOINT=running.url, MFDS_TOKEN="t-123456")
    assert ended.status == 1
    assert "has no answer to keep" in ended.said
    assert not (folder.path / "golden/mfds/cuts.yaml").exists()
    assert "is no name of a case" in hub("record", "mfds", "--as", "../x").said


def test_without_a_base_the_sample_is_the_base(hub: Hub, folder: WorkFolder) -> None:
    """A folder that has just been begun needs nothing but the agency's file."""
    (folder.path / "golden" / "base.yaml").unlink()
    with system(ticket) as running:
        env = {"MFDS_ENDPOINT": running.url, "MFDS_TOKEN": "t-123456"}
        assert hub("record", "mfds", "--as", "takes-a-sample", **env).status == 0
    assert "declaration" not in YAML(typ="safe").load(folder.text("golden/mfds/takes-a-sample.yaml"))
    assert hub("test", "mfds", "takes-a-sample").status == 0


@pytest.fixture
def recorded(folder: WorkFolder, sqlite_url: str) -> tuple[str, str]:
    """A database in which a real declaration was put to an agency; its URL and the exchange's id."""
    bench = open_bench(folder.path, "mfds", {})
    declaration = Declaration.model_validate(
        {
            "lrn": "SECRET-LRN-77",
            "procedure": "import",
            "declarant": {"id": "BROKER-REAL-9", "name": "Real Brokers"},
            "importer": {"id": "987-65-43210", "name": "Jane & Sons <Ltd>"},
            "consignment": {"ucr": "6KRREALUCR42", "containers": ["REAL1234567"]},
            "items": [
                {
                    "number": 4,
                    "hs_code": "0805100000",
                    "description": "Oranges",
                    "origin": "US",
                    "attributes": {"intended_use": "food"},
                    "lpcos": [{"type": "05101", "id": "LICENCE-REAL-1"}],
                }
            ],
        }
    )
    accepted = accept(declaration, bench.configuration.rulebook(), mrn=MRN, client="c", at=AT)
    assert [referral.terms.service for referral in accepted.case.referrals] == ["mfds-food-import"]
    exchange = Exchange(
        id="0190abc",
        agency="mfds",
        kind="submit",
        mrn=MRN,
        service="mfds-food-import",
        started_at=AT,
        milliseconds=5,
        request={"method": "POST", "url": "https://mfds.example/applications", "headers": {}, "body": "{}"},
        reply={
            "status": 202,
            "headers": {"content-type": "application/json"},
            "body": f'{{"ticket": "T-8", "state": "PENDING", "for": "{MRN}", "who": "Jane & Sons <Ltd>"}}',
        },
        reading="receipt T-8",
    )
    store = create_store(sqlite_url)
    try:
        store.lodge(accepted)
        from hub.store.record import record_exchanges

        with store._database.write() as connection:
            record_exchanges(connection, [exchange])
    finally:
        store.close()
    return sqlite_url, exchange.id


@pytest.mark.parametrize("by", ["--from", "--mrn"])
def test_a_recorded_exchange_becomes_one_in_which_nobody_is_known(
    hub: Hub, folder: WorkFolder, recorded: tuple[str, str], by: str
) -> None:
    """References, parties, containers and documents are the sample's, declared or answered."""
    url, id = recorded
    name = "takes-oranges"
    ended = hub("record", "mfds", "--as", name, by, id if by == "--from" else MRN, HUB_DATABASE_URL=url)
    assert ended.status == 0, ended.said
    text = folder.text(f"golden/mfds/{name}.yaml")
    for secret in ("REAL", "SECRET", MRN, "Jane", "987-65", "Real Brokers"):
        assert secret not in text
    case = YAML(typ="safe").load(text)
    assert case["at"] == "2026-05-04T03:02:01Z"
    assert case["declaration"]["items"][0]["description"] == "Oranges"
    assert f'"for": "{SAMPLE_MRN}"' in case["answered"]["body"]
    assert case["means"]["receipt"] == "T-8"
    assert hub("test", "mfds", name).status == 0


def test_what_is_not_recorded_is_told_with_what_is(hub: Hub, recorded: tuple[str, str]) -> None:
    """The exchanges there are, with their ids."""
    url, id = recorded
    ended = hub("record", "mfds", "--as", "x", "--mrn", MRN, "--operation", "poll", HUB_DATABASE_URL=url)
    assert ended.status == 1
    assert id in ended.said
    other = hub("record", "kats", "--as", "x", "--from", id, HUB_DATABASE_URL=url)
    assert "was with mfds, not kats" in other.said


@pytest.mark.parametrize(
    ("kind", "one", "other", "same"),
    [
        ("json", b'{"a": 1, "b": [1]}', b'{"b":[1],"a":1}', True),
        ("json", b'{"a": 1}', b'{"a": "1"}', False),
        ("xml", b'<x:a xmlns:x="n"><x:b/></x:a>', b'<a xmlns="n">\n <b></b>\n</a>', True),
        ("xml", b'<a xmlns="n"><b/></a>', b'<a xmlns="n"><b xmlns=""/></a>', False),
        (
            "xml",
            b'<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:p="n" i:type="p:t"/>',
            b'<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:q="n" i:type="q:t"/>',
            True,
        ),
        ("form", b"a=1+2&b=", b"a=1%202&b=", True),
        ("form", b"a=1&b=2", b"b=2&a=1", False),
        ("text", b"x", b"x ", False),
    ],
)
def test_bodies_are_compared_by_what_they_say(kind: str, one: bytes, other: bytes, same: bool) -> None:
    """Not by how they write it."""
    assert (differing(body_lines(kind, one), body_lines(kind, other)) == []) is same


def test_parts_of_a_multipart_body_are_compared_whatever_divides_them() -> None:
    """The boundary is new with each request."""
    body = (
        '--{0}\r\nContent-Disposition: form-data; name="no"\r\n\r\n7\r\n'
        '--{0}\r\nContent-Disposition: form-data; name="doc"; filename="a.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n%PDF\r\n--{0}--\r\n"
    )
    first, second = (
        body_lines("multipart", body.format(b).encode(), f'multipart/form-data; boundary="{b}"') for b in "ab"
    )
    assert (
        first == second == ["part no (text/plain)", "  7", "part doc file a.pdf (application/pdf)", "  %PDF"]
    )
