"""watch.yaml, checked and turned into what the early warning goes by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from hub.config.faults import Key
from hub.config.models.watch import QuietFile, ReceiverFile, ThresholdsFile, WatchFile
from hub.config.references import PREFIX
from hub.config.schema_faults import FileReport
from hub.config.security import Surroundings
from hub.config.terms import check_term
from hub.domain.deadlines import parse_duration
from hub.ports import QuietHours, Receiver, Thresholds, WatchPolicy

_AT_MOST = {
    "agency_slow_within": timedelta(minutes=15),
    "not_understood_within": timedelta(minutes=15),
    "certificate_warning": timedelta(days=30),
}
"""What is measured reaches back, or ahead, no further."""
_LESS_THAN = (
    ("disk_free_critical_mb", "disk_free_warning_mb"),
    ("certificate_critical", "certificate_warning"),
    ("clock_skew", "clock_skew_critical"),
)
"""Of these the first comes before the second."""


def check_watch(file: WatchFile, around: Surroundings, report: FileReport) -> None:
    """Lengths of time, zones, and that each receiver can be told, safely."""
    for name in ("grouping", "remind_every", "reopen_within"):
        check_term(getattr(file, name), (name,), report)
    _check_thresholds(file.thresholds, report)
    first: dict[str, int] = {}
    for place, receiver in enumerate(file.receivers):
        key: Key = ("receivers", place)
        earlier = first.setdefault(receiver.name, place)
        if earlier != place:
            line = report.line_of(("receivers", earlier))
            report.add(
                (*key, "name"),
                f"the receiver in line {line} has this name already",
                "give each a name of its own: what waits for them is kept under it",
            )
        _check_receiver(receiver, key, around, report)


def watch_policy(file: WatchFile | None, environment: Mapping[str, str] | None) -> WatchPolicy:
    """What a sound file says, or the defaults where there is none."""
    if file is None:
        return WatchPolicy()
    return WatchPolicy(
        thresholds=_thresholds(file.thresholds),
        receivers=tuple(_receiver(each, environment or {}) for each in file.receivers),
        grouping=parse_duration(file.grouping),
        remind_every=parse_duration(file.remind_every),
        clear_rounds=file.clear_rounds,
        reopen_within=parse_duration(file.reopen_within),
    )


def _check_thresholds(file: ThresholdsFile, report: FileReport) -> None:
    lengths = {}
    for name in ThresholdsFile.model_fields:
        said = getattr(file, name)
        if not isinstance(said, str):
            continue
        length = check_term(said, ("thresholds", name), report)
        if length is not None:
            lengths[name] = length
        longest = _AT_MOST.get(name)
        if length is not None and longest is not None and length > longest:
            report.add(("thresholds", name), f"{said} is longer than is looked at", _write_at_most(longest))
    for small, great in _LESS_THAN:
        one, other = lengths.get(small, getattr(file, small)), lengths.get(great, getattr(file, great))
        if type(one) is type(other) and not one < other:
            report.add(
                ("thresholds", small),
                f"it is not less than {great}",
                f"write less than {getattr(file, great)}",
            )


def _write_at_most(longest: timedelta) -> str:
    days = longest.days
    return f"write {days}d or less" if days else f"write {int(longest.total_seconds() // 60)}m or less"


def _check_receiver(receiver: ReceiverFile, key: Key, around: Surroundings, report: FileReport) -> None:
    is_written = all(report.is_whole((*key, way)) for way in ("email", "webhook"))
    if is_written and (receiver.email is None) == (receiver.webhook is None):
        said = "no way to tell it" if receiver.email is None else "two ways to tell it"
        report.add(key, f"there is {said}", "write either `email` or `webhook`")
    if receiver.webhook is not None:
        _check_url(receiver.webhook, (*key, "webhook"), around, report)
    if receiver.secret is not None:
        if receiver.webhook is None:
            report.add((*key, "secret"), "mails are not signed", "remove it, or write `webhook`")
        else:
            _check_secret(receiver.secret, (*key, "secret"), around, report)
    elif receiver.webhook is not None and not around.development:
        report.warn(
            (*key, "webhook"),
            "what is posted there is not signed: anybody could post the like",
            "add `secret: env:NAME`",
        )
    if receiver.quiet is not None:
        _check_quiet(receiver.quiet, (*key, "quiet"), report)


def _check_url(url: str, key: Key, around: Surroundings, report: FileReport) -> None:
    source = "it"
    if url.startswith(PREFIX):
        if not _is_set(url, key, around, report):
            return
        source = f"the value of {url.removeprefix(PREFIX)}"
        url = (around.environment or {}).get(url.removeprefix(PREFIX), "")
        if not url:
            return
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_url = False
    if not is_url:
        report.add(key, f"{source} is no URL", "write https://host/path, or env:NAME")
    elif parts.scheme != "https" and not around.development:
        report.add(key, f"{source} is not https", "use https; http is for development only")


def _check_secret(secret: str, key: Key, around: Surroundings, report: FileReport) -> None:
    if not secret.startswith(PREFIX):
        report.add(
            key,
            "a secret is written in the file",
            "write env:NAME, set NAME where the hub runs, and change the secret: it has been seen",
        )
    else:
        _is_set(secret, key, around, report)


def _is_set(reference: str, key: Key, around: Surroundings, report: FileReport) -> bool:
    name = reference.removeprefix(PREFIX)
    if around.environment is not None and not around.development and not around.environment.get(name):
        report.add(key, f"the variable {name} is not set", f"set {name} where the hub runs")
        return False
    return True


def _check_quiet(quiet: QuietFile, key: Key, report: FileReport) -> None:
    if quiet.from_ == quiet.until:
        report.add((*key, "until"), "it ends when it begins", "write another time, or leave `quiet` out")
    try:
        ZoneInfo(quiet.zone)
    except (KeyError, ValueError, OSError):
        report.add((*key, "zone"), f"there is no zone {quiet.zone!r}", "write an IANA name, as Asia/Seoul")


def _thresholds(file: ThresholdsFile) -> Thresholds:
    said: dict[str, Any] = {name: getattr(file, name) for name in ThresholdsFile.model_fields}
    meant: dict[str, Any] = {
        name: parse_duration(value) if isinstance(value, str) else value for name, value in said.items()
    }
    return Thresholds(**meant)


def _receiver(file: ReceiverFile, environment: Mapping[str, str]) -> Receiver:
    def meant(said: str | None) -> str | None:
        if said is None or not said.startswith(PREFIX):
            return said
        return environment.get(said.removeprefix(PREFIX))

    quiet = file.quiet
    return Receiver(
        name=file.name,
        email=file.email,
        webhook=meant(file.webhook),
        secret=meant(file.secret),
        language=file.language,
        least=file.severity,
        agencies=frozenset(file.agencies),
        kinds=frozenset(file.kinds),
        quiet=None
        if quiet is None
        else QuietHours(quiet.from_, quiet.until, ZoneInfo(quiet.zone), quiet.critical),
    )
