"""The conformance kit, through its command: what passes, what fails rightly, and with which advice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer import Typer
from typer.testing import CliRunner

from hub.cli import agency_certify
from hub.config.loader import load
from hub.workbench.certify.behaviours import BEHAVIOURS
from hub.workbench.unready import Unready
from tests.adapters.system import Heard, Say, System, answer, system
from tests.simulator.support import Simulator, fake_hub, running
from tests.workbench.certifying import every_agency
from tests.workbench.conftest import CHERRIES, REAL, WorkFolder


class Desk:
    """Certifies by the command; `folder` is a copy of the configuration that may be spoilt."""

    def __init__(self, folder: WorkFolder, tmp_path: Path) -> None:
        self.folder = folder
        self.reports = tmp_path / "report"
        self.tmp_path = tmp_path
        self.output = ""
        self.status = 0

    def change(self, agency: str, *changes: tuple[str, str]) -> None:
        for old, new in changes:
            self.folder.spoil(f"agencies/{agency}.yaml", old, new)

    def without(self, agency: str, key: str) -> None:
        """The agency's file without one key of its channel."""
        path, yaml = self.folder.path / "agencies" / f"{agency}.yaml", YAML(typ="safe")
        content = yaml.load(path)
        del content["channel"][key]
        yaml.dump(content, path)

    def declaration(self, ucr: str) -> str:
        """The path of a declaration with a ucr."""
        content = json.loads(CHERRIES.read_text(encoding="utf-8"))
        content["consignment"]["ucr"] = ucr
        path = self.tmp_path / f"{ucr}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)

    def certify(
        self, agency: str, *only: str, options: tuple[str, ...] = (), env: dict[str, str] | None = None
    ) -> dict[str, dict[str, Any]]:
        """The behaviours of the report, by name."""
        app = Typer()
        agency_certify.add_to(app)
        chosen = [part for name in only for part in ("--only", name)]
        run = CliRunner().invoke(
            app,
            [agency, "--config", str(self.folder.path), "--report", str(self.reports), *chosen, *options],
            env={"HUB_ENVIRONMENT": "development", **(env or {})},
        )
        self.output, self.status = run.output, run.exit_code
        if isinstance(run.exception, Exception) and not isinstance(run.exception, SystemExit):
            raise run.exception
        return {one["name"]: one for one in self.report()["behaviours"]}

    def report(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.reports / "report.json").read_text(encoding="utf-8"))
        return read


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(every_agency(tmp_path), tmp_path)


@pytest.fixture(scope="module")
def rightly() -> Iterator[Simulator]:
    """Every agency as it is configured, whatever a test writes into its copy of the files."""
    with ExitStack() as stack:
        hub = stack.enter_context(fake_hub())
        simulator = stack.enter_context(running(load(REAL, development=True), hub))
        simulator.reset()
        yield simulator


def marks(played: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: one["mark"] for name, one in played.items()}


def test_an_agency_that_calls_back_passes_and_the_report_says_what_was_tested(desk: Desk) -> None:
    """Callbacks are captured and played again by the kit itself; the report is whole and holds no secret."""
    played = desk.certify(
        "kcma",
        "approve",
        "unknown-word",
        "callback-repeated",
        "callback-late",
        "callback-out-of-order",
        "callback-before-receipt",
        "callback-forged",
        "secrets",
        options=("--simulate",),
    )
    assert set(marks(played).values()) == {"pass"}, desk.output
    assert len(played) == 8
    assert desk.status == 0
    report = desk.report()
    assert report["schema"] == 1
    assert report["passed"] is True
    assert report["agency"] == "kcma"
    assert report["simulated"] is True
    assert report["endpoint"] is None
    assert report["file_version"] == load(REAL, development=True).versions["kcma"]
    assert len(report["contract_sha256"]) == 64
    assert report["counts"] == {"pass": 8, "fail": 0, "not_applicable": 0, "not_played": 0}
    assert played["approve"]["exchanges"]
    page = (desk.reports / "report.html").read_text(encoding="utf-8")
    assert "Passed" in page
    assert report["file_version"] in page
    assert "Forged callbacks" in desk.output


@pytest.mark.slow
def test_a_feed_passes(desk: Desk) -> None:
    """A poisoned message keeps no other waiting, and what comes twice counts once."""
    played = desk.certify("nibr", "feed-poisoned", "feed-twice", "unknown-word", options=("--simulate",))
    assert marks(played) == {
        "unknown-word": "not_applicable",
        "feed-poisoned": "pass",
        "feed-twice": "pass",
    }, desk.output


@pytest.mark.slow
def test_ws_security_and_polls_pass(desk: Desk) -> None:
    """SOAP with a UsernameToken, decided by poll: doubt, words, certificates and credentials."""
    played = desk.certify(
        "dapa",
        "poll-until-decided",
        "unknown-word",
        "expired-certificate",
        "wrong-credential",
        options=("--simulate",),
    )
    assert set(marks(played).values()) == {"pass"}, desk.output
    assert any("expired" in seen for seen in played["expired-certificate"]["seen"])


@pytest.mark.slow
def test_a_wrong_verdict_table_fails(desk: Desk, rightly: Simulator) -> None:
    """The agency says no, the file takes it for yes: the report shows the word and where to mend it."""
    desk.change(
        "kats",
        ("형식승인필: approved", "형식승인필: refused"),
        ("미승인기종: refused", "미승인기종: approved"),
    )
    approve, refuse = desk.declaration("26KR-SIM-APPROVE"), desk.declaration("26KR-SIM-REFUSE")
    played = desk.certify(
        "kats",
        "approve",
        "refuse",
        "conditions",
        options=("--approve", approve, "--refuse", refuse),
        env={"KATS_ENDPOINT": rightly.of("kats"), "KATS_KEY": rightly.secret("KATS_KEY")},
    )
    assert marks(played) == {"approve": "fail", "refuse": "fail", "conditions": "not_played"}
    assert "'형식승인필', which was read as refused" in played["approve"]["reason"]
    assert "verdicts" in played["approve"]["cure"]
    assert "--conditions FILE" in played["conditions"]["cure"]
    assert desk.status == 1
    assert desk.report()["endpoint"] == rightly.of("kats")


@pytest.mark.slow
def test_an_answer_that_cannot_be_read_is_a_finding(desk: Desk, rightly: Simulator) -> None:
    """An exchange that goes wrong where a behaviour expects none ends that behaviour, and no other."""
    desk.change(
        "kats", ("receipt: {reference: =reply.review_id}", "receipt: {reference: =reply.review_id.no}")
    )
    played = desk.certify(
        "kats",
        "duplicate",
        "garbage-answer",
        env={"KATS_ENDPOINT": rightly.of("kats"), "KATS_KEY": rightly.secret("KATS_KEY")},
    )
    assert marks(played)["duplicate"] == "fail"
    assert "reply.review_id.no: a part is read of what has no parts" in played["duplicate"]["reason"]
    assert "hub agency try" in played["duplicate"]["cure"]
    assert len(played) == 2
    assert desk.status == 1


@pytest.mark.slow
def test_a_word_missing_in_the_table_fails(desk: Desk, rightly: Simulator) -> None:
    """The hub does not guess, and the report says which word is to be added."""
    desk.change("kats", ("  형식승인필: approved\n", ""))
    desk.change("kats", ("기한부승인: approved_with_conditions", "기한부승인: approved"))
    played = desk.certify(
        "kats",
        "approve",
        options=("--approve", desk.declaration("26KR-SIM-APPROVE")),
        env={"KATS_ENDPOINT": rightly.of("kats"), "KATS_KEY": rightly.secret("KATS_KEY")},
    )
    assert played["approve"]["mark"] == "fail"
    assert "'형식승인필' is unknown" in " ".join([played["approve"]["reason"], *played["approve"]["seen"]])


def test_a_case_for_every_request_and_no_look_up_fails(desk: Desk) -> None:
    """Where each request opens a case, a lost answer opens a second one: the advice names the key."""
    desk.without("kahpa", "look_up")
    played = desk.certify("kahpa", "cut-connection", options=("--simulate",))
    assert marks(played) == {"cut-connection": "fail"}, desk.output
    assert "2 cases" in played["cut-connection"]["reason"]
    assert "look_up" in played["cut-connection"]["cure"]
    assert "look_up" in desk.output


def test_callbacks_that_prove_nothing_fail(desk: Desk) -> None:
    """The hub takes none of them, and says what is missing, long before the patience is used up."""
    desk.change("kcma", ("auth: {hmac: {secret: env:KCMA_CALLBACK_SECRET}}", "auth: {}"))
    played = desk.certify("kcma", "approve", "callback-forged", options=("--simulate", "--patience", "10"))
    assert marks(played) == {"approve": "fail", "callback-forged": "fail"}, desk.output
    for one in played.values():
        assert "hmac" in one["cure"]
    assert "401" in played["approve"]["reason"]


@pytest.mark.slow
def test_an_agency_that_never_decides_is_not_played(desk: Desk, rightly: Simulator) -> None:
    """Silence is no failure: the report says what is needed."""
    played = desk.certify(
        "kcma",
        "approve",
        "callback-repeated",
        options=("--approve", desk.declaration("26KR-SIM-STALL"), "--patience", "0.2"),
        env={name: rightly.secret(name) for name in ("KCMA_USER", "KCMA_PASSWORD", "KCMA_CALLBACK_SECRET")}
        | {"KCMA_ENDPOINT": rightly.of("kcma")},
    )
    assert marks(played) == {"approve": "not_played", "callback-repeated": "not_played"}, desk.output
    assert "/v1/agencies/kcma/callbacks" in played["approve"]["cure"]
    assert desk.status == 0


# --- an agency that nobody knows from inside -------------------------------------------------------------


def reviews(*, by_reference: bool, key: str | None = "right") -> Callable[[Heard], Say]:
    """A review office: one case for each reference, or for each request; without `key` it lets anybody in."""
    known: dict[str, int] = {}
    numbers = count(1)

    def script(heard: Heard) -> Say:
        if key is not None and heard.headers.get("x-api-key") != key:
            return answer(401, '{"error": "who are you?"}', Content_Type="application/json")
        try:
            asked = json.loads(heard.body)
        except ValueError:
            return answer(400, '{"message": "this is no JSON"}', Content_Type="application/json")
        number = next(numbers)
        if by_reference:
            number = known.setdefault(asked["reference"], number)
        said = {
            "review_id": f"RV-{number}",
            "reference": asked["reference"],
            "finding": "형식승인필",
            "finding_id": f"F-{number}",
            "decided_at": "2026-03-02T09:30:00+09:00",
        }
        return answer(200, json.dumps(said), Content_Type="application/json")

    return script


def at(office: System) -> dict[str, str]:
    return {"KATS_ENDPOINT": office.url, "KATS_KEY": "right"}


@pytest.mark.slow
def test_one_case_is_told_by_the_agencys_own_answers(desk: Desk) -> None:
    """Without any ledger to look into: the same receipt each time is one case, another is a second one."""
    with system(reviews(by_reference=True)) as office:
        rightly = desk.certify("kats", "cut-connection", "no-connection", env=at(office))
    assert set(marks(rightly).values()) == {"pass"}, desk.output
    with system(reviews(by_reference=False)) as office:
        wrongly = desk.certify("kats", "cut-connection", "no-connection", env=at(office))
    assert marks(wrongly) == {"cut-connection": "fail", "no-connection": "pass"}
    assert "receipts differ" in wrongly["cut-connection"]["reason"]


def test_an_agency_that_does_not_check_who_asks_fails(desk: Desk) -> None:
    """That is the agency's own fault, and is told as such."""
    with system(reviews(by_reference=True)) as office:
        assert marks(desk.certify("kats", "wrong-credential", env=at(office))) == {"wrong-credential": "pass"}
    with system(reviews(by_reference=True, key=None)) as office:
        played = desk.certify("kats", "wrong-credential", env=at(office))
    assert played["wrong-credential"]["mark"] == "fail"
    assert "its team has to mend that" in played["wrong-credential"]["cure"]


@pytest.mark.slow
def test_the_agencys_own_words_must_reach_operations(desk: Desk) -> None:
    """A rule that tells something else than what the agency said is found out."""
    with system(reviews(by_reference=True)) as office:
        assert desk.certify("kats", "fault", env=at(office))["fault"]["mark"] == "pass", desk.output
        desk.change(
            "kats",
            (
                "    receipt: {reference: =reply.review_id}",
                "    errors: [{when: =status == 400, means: refused, text: '=\"rejected\"'}]\n"
                "    receipt: {reference: =reply.review_id}",
            ),
        )
        played = desk.certify("kats", "fault", env=at(office))
    assert played["fault"]["mark"] == "fail"
    assert "this is no JSON" in played["fault"]["reason"]


def test_an_error_taken_for_a_receipt_fails(desk: Desk) -> None:
    """Nothing in the answer is read, so anything passes for one."""
    desk.change(
        "kats",
        (
            "    receipt: {reference: =reply.review_id}",
            "    errors: [{when: =status == 503, means: refused}]",
        ),
    )
    with system(reviews(by_reference=True)) as office:
        played = desk.certify("kats", "retry-after", env=at(office))
    assert played["retry-after"]["mark"] == "fail"
    assert "503" in played["retry-after"]["cure"]


# --- what stands in the way --------------------------------------------------------------------------------


def test_a_behaviour_that_is_not_known_is_told_with_those_there_are(desk: Desk) -> None:
    """Before anything is sent."""
    with pytest.raises(Unready, match="there is no behaviour 'aprove'") as told:
        desk.certify("kats", "aprove", options=("--simulate",))
    assert all(behaviour.name in str(told.value) for behaviour in BEHAVIOURS)


def test_variables_that_are_not_set_are_told_together(desk: Desk) -> None:
    """Against a real endpoint everything has to be given."""
    with pytest.raises(Unready) as told:
        desk.certify("kats", "approve", env={"KATS_ENDPOINT": "", "KATS_KEY": ""})
    assert "KATS_ENDPOINT" in str(told.value)
    assert "KATS_KEY" in str(told.value)


def test_production_is_left_alone_unless_somebody_says_so(desk: Desk) -> None:
    """Real cases would be opened; the simulator may be asked anywhere."""
    with pytest.raises(Unready, match="this is production"):
        desk.certify("kats", "amend", env={"HUB_ENVIRONMENT": "production"})
    assert desk.certify("kats", "amend", options=("--simulate",), env={"HUB_ENVIRONMENT": "production"})


def test_behaviours_have_names_of_their_own() -> None:
    """`--only` and the report know them by name."""
    names = [behaviour.name for behaviour in BEHAVIOURS]
    assert len(set(names)) == len(names)
    assert names[-1] == "secrets"


@pytest.mark.slow
@pytest.mark.parametrize("agency", ["apqa", "kats", "fiti", "kcl", "nibr", "ksvs", "dapa", "khs"])
def test_the_whole_kit(desk: Desk, agency: str) -> None:
    """Every behaviour, for one agency of each kind: nothing fails, and nothing is left out."""
    played = desk.certify(agency, options=("--simulate",))
    assert set(marks(played).values()) == {"pass", "not_applicable"}, desk.output
    assert len(played) == len(BEHAVIOURS)
