"""
A flame graph as a picture that stands still: who calls whom, each as wide as what it costs with all it calls.

Drawn are the functions of the hub and, each as one, the packages that they call; Python's own frames between
them are left out. The colour is the stage that a function belongs to.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.patches import Patch

_INCHES, _ROW = 12.0, 0.24
_LETTERS = 190.0
"""Of the smallest writing, side by side over the whole width."""
_LEAST = 0.004
"""A frame that is narrower than this share of its process is not drawn."""
_DEEPEST = 22
"""Rows; what lies deeper is recursion of a few per cent."""
_NOBODYS = "#D9D9D9"
"""The colour of a stage that is no more than the way to the others."""


@dataclass
class Frame:
    """A function, or a package, called by the one above it."""

    name: str
    stage: str
    cost: float = 0.0
    """Milliseconds of processor time per declaration, with all that it calls."""
    calls: dict[str, Frame] = field(default_factory=dict)


def grow(stacks: Iterable[tuple[list[str], float]], stage: Callable[[list[str]], str]) -> Frame:
    """The tree of stacks, outermost frames first, each with its cost; `stage` says where a frame belongs."""
    root = Frame("", "")
    for frames, cost in stacks:
        root.cost += cost
        above = root
        for frame in frames:
            name = _name(frame)
            if name is None or name == above.name:
                continue
            if name not in above.calls:
                above.calls[name] = Frame(name, stage([frame]))
            above = above.calls[name]
            above.cost += cost
    return root


def _name(frame: str) -> str | None:
    """`function` of the hub's own, the name of a package, or None of what is Python's."""
    if found := re.search(r"site-packages/([^/)]+)", frame):
        return found[1].removesuffix(".py")
    function = frame.partition(" (")[0]
    if "/hub/" not in frame:
        return None
    return function if function != "<module>" else None


def draw(processes: Mapping[str, Frame], path: Path, *, way: str = "") -> None:
    """Write the picture: a graph for each process, and the colours of the stages; `way` names one without."""
    boxes = {name: list(_boxes(root)) for name, root in processes.items()}
    depths = [1 + max(depth for *_, depth in found) for found in boxes.values()]
    colours = {**_colours(boxes), way: _NOBODYS}
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 10}):
        figure, axes = pyplot.subplots(
            len(boxes),
            figsize=(_INCHES, _ROW * (sum(depths) + 4 * len(boxes)) + 1.2),
            height_ratios=depths,
            layout="constrained",
            squeeze=False,
        )
        for (name, found), depth, axis in zip(boxes.items(), depths, axes[:, 0], strict=True):
            _draw(axis, found, processes[name].cost, depth, colours)
            axis.set_title(f"{name}: {processes[name].cost:.0f} ms for one declaration", loc="left")
        figure.legend(
            handles=[Patch(color=colour, label=stage) for stage, colour in colours.items() if stage],
            loc="outside lower center",
            ncols=5,
            frameon=False,
            fontsize=9,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)


def _boxes(root: Frame) -> Iterator[tuple[Frame, float, int]]:
    """Every frame that is wide enough, with where it begins and how deep it lies."""

    def below(frame: Frame, begins: float, depth: int) -> Iterator[tuple[Frame, float, int]]:
        for called in sorted(frame.calls.values(), key=lambda one: -one.cost):
            if called.cost >= root.cost * _LEAST:
                yield called, begins, depth
                if depth + 1 < _DEEPEST:
                    yield from below(called, begins, depth + 1)
            begins += called.cost

    yield from below(root, 0.0, 0)


def _colours(boxes: Mapping[str, list[tuple[Frame, float, int]]]) -> dict[str, str]:
    stages = dict.fromkeys(frame.stage for found in boxes.values() for frame, _, _ in found)
    # As far apart as so many hues can be, one next to the other.
    hues = [(place * 0.618034 % 1.0, 0.3 + 0.15 * (place % 3)) for place in range(len(stages))]
    return {
        stage: matplotlib.colors.to_hex(colorsys.hsv_to_rgb(hue, strength, 0.95))
        for stage, (hue, strength) in zip(stages, hues, strict=True)
    }


def _draw(
    axis: Axes,
    boxes: list[tuple[Frame, float, int]],
    whole: float,
    depth: int,
    colours: Mapping[str, str],
) -> None:
    axis.barh(
        [place for _, _, place in boxes],
        [frame.cost for frame, _, _ in boxes],
        left=[begins for _, begins, _ in boxes],
        color=[colours[frame.stage] for frame, _, _ in boxes],
        height=1.0,
        edgecolor="white",
        linewidth=0.5,
    )
    for frame, begins, place in boxes:
        letters = int(frame.cost / whole * _LETTERS)
        if letters >= 3:
            word = frame.name if len(frame.name) <= letters else frame.name[: letters - 1] + "…"
            axis.text(begins + whole / 1000, place, word, va="center", fontsize=6.5, clip_on=True)
    axis.set_xlim(0, whole)
    axis.set_ylim(depth - 0.5, -0.5)  # the outermost on top
    axis.set_yticks([])
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.tick_params(labelsize=8)
