"""A short campaign: the same inputs each time, and nothing is found."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from fuzz.campaign import Door, Report, chance, play
from fuzz.doors.answers import Answers
from fuzz.doors.configuration import ConfigurationFolder, YamlAndCel
from fuzz.doors.documents import Callbacks, LodgeJson, LodgeXml
from fuzz.doors.pages import Documents, Pages
from fuzz.doors.requests import Requests
from fuzz.inputs import json, xml, yaml
from fuzz.judging import Judge
from fuzz.target import demo, running
from fuzz.wire import Answer

CONFIG = Path(__file__).parents[2] / "adapters_config"
SEED = 7


def _found(door: Door, inputs: int) -> list[str]:
    report = Report(SEED)
    with closing(door):
        play(report, door, range(inputs))
    assert report.inputs >= inputs
    return [str(finding) for finding in report.findings]


def test_what_agencies_answer() -> None:
    """Over a socket, by the gateway as production has it."""
    assert _found(Answers(CONFIG), 60) == []


def test_what_stands_in_files() -> None:
    """YAML and CEL by themselves."""
    assert _found(YamlAndCel(CONFIG), 30) == []


def test_what_stands_in_a_folder() -> None:
    """As `hub agencies check` and a hub that follows its folder read it."""
    assert _found(ConfigurationFolder(CONFIG), 2) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("fuzz")
def test_every_door_of_a_running_hub(tmp_path: Path) -> None:
    """On sockets, with the worker, Temporal and simulated agencies behind it."""
    with running(tmp_path, CONFIG) as target:
        doors = (LodgeXml, LodgeJson, Callbacks, Requests, Pages, Documents)
        found = [finding for door in doors for finding in _found(door(target), 100)]
    assert found == []


def test_the_same_seed_sends_the_same() -> None:
    """Each input follows from seed, door and number alone."""
    for attack, sound in (
        (xml.attack, demo("wco-apples.xml")),
        (json.attack, demo("cherries.json")),
        (yaml.attack, (CONFIG / "agencies" / "apqa.yaml").read_bytes()),
    ):
        made = [[attack(sound, chance(SEED, "door", number)) for number in range(40)] for _ in range(2)]
        assert made[0] == made[1]
        assert len({kind for kind, _ in made[0]}) > 5


def test_no_input_changes_those_that_follow() -> None:
    """Whichever come before: what is put into one is its own, and stands in itself nowhere."""
    numbers = range(2000)

    def made(number: int) -> tuple[str, bytes]:
        return json.attack(b'{"a": {"b": [1]}, "c": 2}', chance(SEED, "door", number))

    there = {number: made(number) for number in numbers}
    assert {number: made(number) for number in reversed(numbers)} == there


@pytest.mark.parametrize(
    "body",
    [
        b'Traceback (most recent call last):\n  File "x.py", line 1',
        b"near hub/api/app.py",
        b"(sqlite3.OperationalError) no such table",
        b"SELECT id FROM declarations",
        b"<class 'hub.domain.Case'>",
        b"ValueError: x",
        b"the-secret",
        b"/srv/hub/adapters_config/x.yaml",
    ],
)
def test_a_leak_is_seen_unless_it_is_what_was_sent(body: bytes) -> None:
    """The campaign could find nothing if its judge were blind."""
    judge = Judge(frozenset({b"the-secret"}), frozenset({b"/srv/hub"}))
    assert judge.faults(Answer(400, b"", body), b"")
    assert judge.faults(Answer(400, b"", b"what was sent is " + body), body) == []
    assert judge.faults(Answer(200, b"", b"the referral is with its agency"), b"") == []


def test_a_failure_is_seen() -> None:
    """An answer of 5xx, and one that takes too long."""
    judge = Judge(frozenset())
    assert judge.faults(Answer(500), b"")
    assert judge.faults(Answer(503), b"")
    assert judge.faults(Answer(200, seconds=60.0), b"")
