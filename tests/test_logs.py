"""What is written of what happens."""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from hub.logs import configure

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Afterwards everything is logged as it was."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    logging.captureWarnings(False)
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**before)


def _lines(capsys: Capture) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_of_ours_one_of_a_library_and_a_warning_have_one_form(capsys: Capture) -> None:
    configure("json")
    structlog.get_logger("hub.ours").info("referral.delivered", agency="apqa", name="식물")
    logging.getLogger("library").warning("took %s s", 3)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("a library is growing old", stacklevel=1)
    lines = _lines(capsys)
    assert [(line["logger"], line["level"]) for line in lines] == [
        ("hub.ours", "info"),
        ("library", "warning"),
        ("py.warnings", "warning"),
    ]
    assert {"agency", "name", "timestamp"} <= lines[0].keys()
    assert lines[0]["name"] == "식물"


def test_an_error_is_one_line_with_where_it_was(capsys: Capture) -> None:
    configure("json")
    try:
        raise LookupError("nothing there")
    except LookupError:
        structlog.get_logger("hub.ours").exception("round.failed")
    [line] = _lines(capsys)
    assert line["level"] == "error"
    assert line["exception"].endswith("LookupError: nothing there")


def test_nothing_is_written_below_the_least_level(capsys: Capture) -> None:
    configure("json", least=logging.ERROR)
    structlog.get_logger("hub.ours").warning("referral.delayed")
    logging.getLogger("library").warning("slow")
    structlog.get_logger("hub.ours").error("round.failed")
    assert [line["event"] for line in _lines(capsys)] == ["round.failed"]


def test_a_log_that_cannot_be_written_does_not_stop_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    configure("json")
    with Path("/dev/full").open("w", encoding="utf-8", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        with pytest.raises(OSError, match="No space"):
            full.write("so it is\n")
        structlog.get_logger("hub.ours").info("referral.delivered")
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())  # what is left in it can go
