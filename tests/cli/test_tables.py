"""What `hub show` prints."""

from __future__ import annotations

import time

import pytest

from hub.cli.tables import moment


def test_a_time_names_its_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A due time without a zone could be nine hours off."""
    monkeypatch.setenv("TZ", "Asia/Seoul")
    time.tzset()
    try:
        assert moment("2026-03-05T09:00:00Z") == "2026-03-05 18:00 KST"
    finally:
        monkeypatch.undo()
        time.tzset()
