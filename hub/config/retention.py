"""retention.yaml, checked and turned into what the hub archives by."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from hub.config.models.retention import PruneFile, RetentionFile, WindowFile
from hub.config.schema_faults import FileReport
from hub.config.terms import check_term
from hub.domain.deadlines import parse_duration
from hub.domain.declaration import Procedure
from hub.ports.retention import Pruned, RetentionPolicy, Window

_LEAST = timedelta(days=1)


def check_retention(file: RetentionFile, report: FileReport, *, development: bool) -> None:
    """Lengths of time, years for every procedure, the window."""
    after = check_term(file.after, ("after",), report, may_be_zero=development)
    if after is not None and after < _LEAST and not development:
        report.add(("after",), f"{file.after} is shorter than a day", "write 1d or more")
    if missing := [procedure.value for procedure in Procedure if procedure not in file.years]:
        report.add(("years",), f"it does not say {', '.join(missing)}", "say it for every procedure")
    for name in PruneFile.model_fields:
        check_term(getattr(file.prune, name), ("prune", name), report)
    if file.window is not None:
        _check_window(file.window, report)


def retention_policy(file: RetentionFile | None) -> RetentionPolicy:
    """What a sound file says, or the defaults where there is none."""
    if file is None:
        return RetentionPolicy()
    return RetentionPolicy(
        after=parse_duration(file.after),
        years={procedure.value: years for procedure, years in file.years.items()},
        law=file.law,
        window=_window(file.window),
        per_file=file.per_file,
        prune={Pruned(name): parse_duration(getattr(file.prune, name)) for name in PruneFile.model_fields},
    )


def _check_window(window: WindowFile, report: FileReport) -> None:
    if window.from_ == window.until:
        report.add(("window", "until"), "it ends when it begins", "write another time, or leave `window` out")
    try:
        ZoneInfo(window.zone)
    except (KeyError, ValueError, OSError):
        report.add(
            ("window", "zone"), f"there is no zone {window.zone!r}", "write an IANA name, as Asia/Seoul"
        )


def _window(file: WindowFile | None) -> Window:
    return Window() if file is None else Window(file.from_, file.until, ZoneInfo(file.zone))
