"""Maintenance windows in an agency's file: each kind of fault, and what is legal and unwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.config.maintenance import maintenance

LABS = "agencies/labs.yaml"
EVERY_DAY = "[mon, tue, wed, thu, fri, sat, sun]"


def announce(folder, *windows: str) -> None:
    """Give the laboratories these windows."""
    lines = "".join(f"    - {window}\n" for window in windows)
    folder.spoil(LABS, "  submit:\n", f"  maintenance:\n{lines}  submit:\n")


@pytest.mark.parametrize(
    ("window", "key", "what", "cure"),
    [
        ("{note: soon}", "[0]", "does not say when", "write `start` and `end`"),
        (
            '{start: 2031-01-01T00:00, end: 2031-01-01T04:00, days: [mon], from: "22:00", until: "04:00"}',
            "[0]",
            "once and every week at the same time",
            "or `days`, `from` and `until`",
        ),
        ("{start: 2031-01-01T00:00}", "[0].end", "'end' is missing", "write `start` and `end`"),
        ('{days: [mon], until: "04:00"}', "[0].from", "'from' is missing", "`from` and `until`"),
        ('{from: "22:00", until: "04:00"}', "[0].days", "'days' is missing", "`from` and `until`"),
        (
            "{start: 2031-01-01T04:00, end: 2031-01-01T04:00}",
            "[0].end",
            "ends before it begins",
            "after `start`",
        ),
        (
            "{start: 2031-01-01T00:00+09:00, end: 2031-01-01T04:00}",
            "[0].end",
            "not written alike",
            "both with an offset",
        ),
        ('{start: "99", end: 2031-01-01T04:00}', "[0].start", "the year 1970", "correct the year"),
        (
            '{days: [mon], from: "04:00", until: "04:00"}',
            "[0].until",
            "ends when it begins",
            "a whole day is from 00:00 until 00:00",
        ),
        ('{days: [mon], from: "04:00Z", until: "05:00"}', "[0].from", "no offset", "22:00"),
        (f'{{days: {EVERY_DAY}, from: "00:00", until: "00:00"}}', "", "leave no time", "between them"),
        ('{days: [monday], from: "04:00", until: "05:00"}', "[0].days[0]", "'monday'", "mon"),
    ],
)
def test_a_faulty_window_is_told_with_its_place_and_cure(
    folder, window: str, key: str, what: str, cure: str
) -> None:
    """One fault for one mistake."""
    announce(folder, window)
    [fault] = folder.faults()
    assert fault.key == f"channel.maintenance{key}"
    assert what in fault.what
    assert cure in fault.cure


@pytest.mark.parametrize(
    ("window", "what"),
    [
        ("{start: 2020-01-01T00:00, end: 2020-01-01T04:00}", "is over"),
        ("{start: 2031-01-01T00:00, end: 2031-01-09T04:00}", "for 8 days"),
    ],
)
def test_what_is_legal_and_unwise_is_a_warning(folder, window: str, what: str) -> None:
    """The file is sound, and somebody is told."""
    announce(folder, window)
    [warning] = [w for w in folder.load().warnings if "maintenance" in w.key]
    assert what in warning.what


def test_what_the_windows_mean(folder) -> None:
    """In the zone of the agency's calendar, which is New York's."""
    announce(
        folder,
        '{days: [sat], from: "22:00", until: "04:00", note: backups}',
        '{days: [sun], from: "00:00", until: "00:00"}',
        "{start: 2031-01-01T00:00, end: 2031-01-02T00:00}",
        "{start: 2032-01-01T00:00+09:00, end: 2032-01-02T00:00+09:00}",
    )
    configuration = folder.load()
    zone = configuration.calendars["labs"].zone
    windows = maintenance(configuration.agencies["labs"].channel.maintenance, zone)
    saturday = datetime(2030, 6, 15, 22, tzinfo=zone)
    assert windows.at(saturday - timedelta(seconds=1)) is None
    away = windows.at(saturday)
    assert away is not None
    assert away.until == datetime(2030, 6, 17, tzinfo=zone)
    assert away.note == "backups"
    for start in (datetime(2031, 1, 1, 5, tzinfo=UTC), datetime(2031, 12, 31, 15, tzinfo=UTC)):
        away = windows.at(start)
        assert away is not None
        assert away.until - start == timedelta(days=1)
