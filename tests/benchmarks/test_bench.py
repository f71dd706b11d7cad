"""The bench measures what it says: the right agencies are asked, and ratios are made within rounds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from benchmarks.agencies import HS_CODE, Job, Kind, list_agencies, make_folder
from benchmarks.job import declaration
from benchmarks.measuring import Figures
from benchmarks.report import Result, tables
from benchmarks.targets import judge
from hub.config.loader import load
from hub.domain.declaration import Declaration
from hub.domain.routing import route


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bench") / "config"
    make_folder(made)
    return made


@pytest.mark.parametrize("job", Job)
def test_the_hub_asks_whom_the_others_ask(folder: Path, job: Job) -> None:
    content = Declaration.model_validate(declaration(job))
    routing = route(content, load(folder, development=True).catalogue, date(2026, 3, 2))
    others = [each for each in list_agencies(folder, "http://agencies", "seed") if HS_CODE[job] in each.hs]
    assert sorted(routing.services()) == sorted(each.service for each in others)
    assert len(others) == job.referrals
    replying = {Kind.REST_REPLY, Kind.SOAP_REPLY}
    assert {each.kind for each in others} == (set(Kind) if job in (Job.MIX_4, Job.MIX_38) else replying)


def test_ratios_are_made_within_rounds_and_the_median_counts() -> None:
    rounds = [_round(hub=20, lean=10), _round(hub=30, lean=10), _round(hub=5, lean=10), {"hub": _speed(99)}]
    [against_lean] = judge(rounds)
    assert against_lean.values == [2.0, 3.0, 0.5]
    assert (against_lean.median, against_lean.met) == (2.0, True)


def test_a_result_is_read_as_it_was_written_and_names_what_failed(tmp_path: Path) -> None:
    result = Result(rounds=[_round(hub=20, lean=11)], failed={"celery": "it cannot be had here"})
    result.write(tmp_path / "result.json")
    again = Result.read(tmp_path / "result.json")
    assert again == result
    assert "1.82" in tables(again)
    assert "NOT MET" in tables(again)
    assert "celery IS LEFT OUT" in tables(again)


def _round(*, hub: float, lean: float) -> dict[str, Figures]:
    return {"hub": _speed(hub), "lean": _speed(lean)}


def _speed(per_second: float) -> Figures:
    return Figures({"per_second_50": per_second})
