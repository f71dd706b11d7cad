"""
Pictures of figures over time, worked out here and drawn by the templates in `pictures/`.

Every picture has its figures in words beside it. Nothing is told by colour alone: lines differ in their
dashes, and parts of a bar in their pattern.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

_WIDTH, _HEIGHT = 720, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 28
_SPARK_WIDTH, _SPARK_HEIGHT = 132, 30


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Curve:
    """One line of a plot. `path` is of SVG; it has gaps where nothing is known."""

    name: str
    style: str
    """`line-1`, `line-2` ...: each has its own dashes."""
    path: str
    dots: tuple[tuple[float, float], ...] = ()
    """Points that stand alone, which no line would show."""


@dataclass(frozen=True)
class Plot:
    """Lines over time."""

    curves: tuple[Curve, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = _HEIGHT - _BOTTOM

    @property
    def is_empty(self) -> bool:
        return not any(curve.path or curve.dots for curve in self.curves)


@dataclass(frozen=True)
class Part:
    """One part of a bar."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Bars:
    """Counts over time, each bar in parts."""

    parts: tuple[Part, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    width: int = _WIDTH
    height: int = 180
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = 180 - _BOTTOM

    @property
    def is_empty(self) -> bool:
        return not self.parts


@dataclass(frozen=True)
class Spark:
    """A small line without axes."""

    path: str
    dots: tuple[tuple[float, float], ...] = field(default=())
    width: int = _SPARK_WIDTH
    height: int = _SPARK_HEIGHT

    @property
    def is_empty(self) -> bool:
        return not self.path and not self.dots


def spark(values: Sequence[float | None]) -> Spark:
    """A line from left to right, the highest value at the top and nothing at the bottom."""
    top = max((value for value in values if value is not None), default=0.0)
    step = (_SPARK_WIDTH - 4) / max(1, len(values) - 1)
    points = [
        None if value is None else (2 + place * step, _level(value, top))
        for place, value in enumerate(values)
    ]
    path, dots = _path(points)
    return Spark(path, dots)


def _level(value: float, top: float) -> float:
    return _SPARK_HEIGHT - 3 - (_SPARK_HEIGHT - 6) * (value / top if top > 0 else 0.0)


def plot(
    times: Sequence[datetime],
    lines: Sequence[tuple[str, Sequence[float | None]]],
    *,
    time_label: Callable[[datetime], str],
    value_label: Callable[[float], str],
) -> Plot:
    """
    Lines over the same times, by name. Values are seconds, on a scale of powers: a system that answers in
    milliseconds and one that takes minutes are both readable.
    """
    known = [value for _, values in lines for value in values if value is not None]
    low, high = _ends(known)
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def y(value: float) -> float:
        share = (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return round(bottom - share * (bottom - _TOP), 1)

    across = _across(len(times), right)
    curves = []
    for number, (name, values) in enumerate(lines, 1):
        points = [None if value is None else (across[place], y(value)) for place, value in enumerate(values)]
        path, dots = _path(points)
        curves.append(Curve(name, f"line-{number}", path, dots))
    return Plot(
        tuple(curves),
        tuple(Tick(across[place], time_label(times[place])) for place in _marked(len(times))),
        tuple(Tick(y(value), value_label(value)) for value in _rungs(low, high)),
    )


def bars(
    times: Sequence[datetime],
    kinds: Sequence[tuple[str, Sequence[int]]],
    *,
    time_label: Callable[[datetime], str],
    value_label: Callable[[float], str],
) -> Bars:
    """A bar for each time, its parts one upon the other in the order of `kinds`."""
    totals = [sum(values[place] for _, values in kinds) for place in range(len(times))]
    highest = _round_up(max(totals, default=0))
    right, bottom = _WIDTH - _RIGHT, 180 - _BOTTOM
    room = (right - _LEFT) / max(1, len(times))
    thick = max(1.0, min(24.0, room * 0.8))
    parts = []
    for place in range(len(times)):
        y = float(bottom)
        for kind, values in kinds:
            tall = (bottom - _TOP) * values[place] / highest if highest else 0.0
            if values[place]:
                # However few they are among many: that there are some must be seen.
                tall = max(tall, 1.5)
                y -= tall
                x = _LEFT + room * (place + 0.5) - thick / 2
                parts.append(Part(kind, round(x, 1), round(y, 1), round(thick, 1), round(tall, 1)))
    levels = [0, highest / 2, highest] if highest > 1 else [0, highest]
    return Bars(
        tuple(parts),
        tuple(
            Tick(round(_LEFT + room * (place + 0.5), 1), time_label(times[place]))
            for place in _marked(len(times))
        ),
        tuple(
            Tick(round(bottom - (bottom - _TOP) * level / highest, 1), value_label(level)) for level in levels
        )
        if highest
        else (),
    )


def _path(points: Sequence[tuple[float, float] | None]) -> tuple[str, tuple[tuple[float, float], ...]]:
    """Lines between points that follow each other; and those with no neighbour."""
    path, dots = [], []
    run: list[tuple[float, float]] = []
    for point in [*points, None]:
        if point is not None:
            run.append((round(point[0], 1), round(point[1], 1)))
            continue
        if len(run) == 1:
            dots.append(run[0])
        elif run:
            path.append("M" + " L".join(f"{x:g} {y:g}" for x, y in run))
        run = []
    return " ".join(path), tuple(dots)


def _across(count: int, right: int) -> list[float]:
    if count < 2:
        return [(_LEFT + right) / 2] * count
    return [round(_LEFT + (right - _LEFT) * place / (count - 1), 1) for place in range(count)]


def _marked(count: int, most: int = 6) -> list[int]:
    """At which places a time is written."""
    if count <= most:
        return list(range(count))
    step = math.ceil((count - 1) / (most - 1))
    return list(range(0, count, step))


_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_ROUND = (
    *(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
    *(_MINUTE, 3 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    *(_DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY, 365 * _DAY),
)
"""Lengths of time that people count in."""
_RUNGS = 6


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """The round lengths of time between which all values lie."""
    positive = [value for value in values if value > 0] or [1.0]
    low = max((each for each in _ROUND if each <= min(positive)), default=_ROUND[0])
    high = min((each for each in _ROUND if each >= max(positive)), default=max(positive))
    return low, high if high > low else next((each for each in _ROUND if each > low), low * 2)


def _rungs(low: float, high: float) -> list[float]:
    """Both ends, and some between."""
    found = [each for each in _ROUND if low <= each <= high]
    step = math.ceil(max(1, len(found) - 1) / (_RUNGS - 1))
    return [low, *found[step:-1:step], high]


def _round_up(value: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50 ..."""
    if value <= 0:
        return 0
    power: int = 10 ** int(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)
