"""The pictures of a result, as SVG: bars from zero, with the spread of the rounds, and the figures."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot

from benchmarks.agencies import Job
from benchmarks.measuring import SIMULATOR
from benchmarks.meter import DRIVER
from benchmarks.report import Result, by_process
from benchmarks.targets import judge

# Okabe and Ito's colours, which people who are colour-blind tell apart.
_HUB, _OTHER = "#0072B2", "#B0B0B0"
_PARTS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
_PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 1}
"""Behind words that would stand on a line."""
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",  # the same result gives the same file
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
}


def draw(result: Result, folder: Path) -> list[Path]:
    """Write every picture that the result has figures for."""
    with matplotlib.rc_context(_STYLE):
        return [
            path
            for path in (
                _throughput(result, folder / "throughput.svg"),
                _processor(result, folder / "processor.svg"),
                _latency(result, folder / "latency.svg"),
                _targets(result, folder / "targets.svg"),
            )
            if path is not None
        ]


def _throughput(result: Result, path: Path) -> Path | None:
    figures = (
        ("per_second_50", "4 agencies, 50 in flight"),
        ("per_second_200", "4 agencies, 200 in flight"),
        ("per_second_38", "38 agencies, 12 in flight"),
    )
    shown = [(f, t) for f, t in figures if any(result.values(name, f) for name in result.contenders)]
    return _bars(result, path, shown, "Declarations a second (more is better)")


def _latency(result: Result, path: Path) -> Path | None:
    figures = (
        ("accepted_p50", "POST to 202, one in flight"),
        ("settled_p50", "POST to outcome, one in flight"),
        ("half_settled_p99", "POST to outcome, p99 at half of saturation"),
    )
    shown = [(f, t) for f, t in figures if any(result.values(name, f) for name in result.contenders)]
    return _bars(result, path, shown, "Milliseconds (less is better)")


def _bars(result: Result, path: Path, shown: Sequence[tuple[str, str]], title: str) -> Path | None:
    if not shown:
        return None
    figure, all_axes = pyplot.subplots(
        1, len(shown), figsize=(4.2 * len(shown), 0.45 * len(result.contenders) + 1.4), squeeze=False
    )
    for axes, (name_of_figure, heading) in zip(all_axes[0], shown, strict=True):
        _bar_panel(axes, result, name_of_figure, heading)
    return _save(figure, path, title)


def _bar_panel(axes: Any, result: Result, name_of_figure: str, heading: str) -> None:
    names = result.contenders[::-1]
    values = [result.values(name, name_of_figure) for name in names]
    medians = [statistics.median(each) if each else 0.0 for each in values]
    spread = [
        [median - min(each, default=median) for median, each in zip(medians, values, strict=True)],
        [max(each, default=median) - median for median, each in zip(medians, values, strict=True)],
    ]
    colours = [_HUB if name == "hub" else _OTHER for name in names]
    axes.barh(names, medians, xerr=spread, color=colours, ecolor="#404040", capsize=3)
    furthest = max((max(each, default=0.0) for each in values), default=0.0)
    for place, (median, each) in enumerate(zip(medians, values, strict=True)):
        words = f"{median:,.0f}" if median >= 100 else f"{median:.1f}"
        axes.text(
            max(each, default=0.0) + furthest * 0.03, place, words if each else "not measured", va="center"
        )
    axes.set_xlim(0, furthest * 1.28)
    axes.set_title(heading, fontsize=11)


def _processor(result: Result, path: Path) -> Path | None:
    names = [name for name in result.contenders if by_process(result, name)][::-1]
    if not names:
        return None
    figure, axes = pyplot.subplots(figsize=(9.5, 0.5 * len(names) + 1.8))
    spent = {name: by_process(result, name) for name in names}
    parts = list(
        dict.fromkeys(part for each in spent.values() for part in each if part not in (SIMULATOR, DRIVER))
    )
    left = dict.fromkeys(names, 0.0)
    for number, part in enumerate(parts):
        widths = [spent[name].get(part, 0.0) for name in names]
        colour = _PARTS[number % len(_PARTS)]
        axes.barh(names, widths, left=list(left.values()), color=colour, label=part, edgecolor="white")
        left = {name: left[name] + width for name, width in zip(names, widths, strict=True)}
    for place, (name, own) in enumerate(left.items()):
        agencies = spent[name].get(SIMULATOR, 0.0)
        axes.text(own, place, f" {own:.1f}  (agencies: {agencies:.1f})", va="center")
    axes.set_xlim(0, max(left.values()) * 1.3)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.12), frameon=False, ncols=len(parts))
    return _save(
        figure,
        path,
        f"Processor milliseconds per declaration, {Job.MIX_4} agencies, by process (less is better)",
    )


def _targets(result: Result, path: Path) -> Path | None:
    judged = judge(result.rounds)[::-1]
    if not judged:
        return None
    figure, axes = pyplot.subplots(figsize=(10, 0.42 * len(judged) + 1.4))
    shares = []
    for one in judged:
        # To the right of one is better, whichever way the target is meant.
        target = one.target
        shares.append(
            one.median / target.least if target.least is not None else (target.most or 0) / one.median
        )
    colours = [_HUB if one.met else "#D55E00" for one in judged]
    axes.barh([one.target.title for one in judged], shares, color=colours)
    axes.axvline(1, color="black", linewidth=1)
    for place, (one, share) in enumerate(zip(judged, shares, strict=True)):
        word = "met" if one.met else "not met"
        axes.text(
            share,
            place,
            f" {one.median:.2f} ({one.target.words}: {word})",
            va="center",
            fontsize=10,
            bbox=_PAPER,
        )
    axes.set_xlim(0, max([*shares, 1.0]) * 1.5)
    axes.set_xlabel("1 is the target; further to the right is better")
    return _save(figure, path, "Ratios against their targets")


def _save(figure: Any, path: Path, title: str) -> Path:
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path
