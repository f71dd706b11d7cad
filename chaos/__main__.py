"""python -m chaos: a campaign with a seed. `--help` says the rest."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from chaos.campaign import clear, means_of_this_machine, play
from chaos.plan import Plan
from chaos.planning import make_plan
from chaos.report import Data, as_data, as_markdown, load_leg, save_leg
from chaos.world import World, read_world
from hub import process

_ROOT = Path(__file__).parent.parent


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    add = parser.add_argument
    add("--seed", default="1")
    add("--declarations", type=int, default=400)
    add("--kills", type=int, help="one for ten declarations unless said")
    add("--faults", type=int, help="beside the kills; as many unless said")
    add("--leg-size", type=int, default=1000, help="declarations of a leg, which has a stack of its own")
    add("--leg", type=int, help="play this leg only")
    add(
        "--database",
        choices=["sqlite", "postgresql", "both"],
        default="both",
        help="both: leg by leg in turn",
    )
    add("--minutes", type=float, default=30, help="for lodging, a leg")
    add("--rest-minutes", type=float, default=25, help="for coming to rest, a leg")
    add("--folder", type=Path, default=Path(".hub/chaos"), help="legs that are there are not played again")
    add("--configuration", type=Path, default=_ROOT / "adapters_config")
    add("--report", type=Path, help="write the report in Markdown here, too")
    add("--plan", action="store_true", help="print the plan, and do nothing")
    add("--keep", action="store_true", help="keep databases and logs of legs that hold")
    asked = parser.parse_args(words)
    asked.kills = asked.declarations // 10 if asked.kills is None else asked.kills
    asked.faults = asked.kills if asked.faults is None else asked.faults
    return asked


class _Campaign:
    """Legs one after the other; those that were played to their end before are read."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._asked = asked
        self._world: World = read_world(asked.configuration)
        self._count: int = -(-asked.declarations // asked.leg_size)
        name = f"seed-{asked.seed}-{asked.declarations}-{asked.kills}-{asked.faults}-{asked.database}"
        self._folder: Path = asked.folder / name

    @property
    def plans(self) -> dict[int, Plan]:
        numbers = [self._asked.leg] if self._asked.leg else range(1, self._count + 1)
        return {number: self._plan(number) for number in numbers}

    async def play(self) -> list[Data]:
        legs = []
        for number, plan in self.plans.items():
            folder = self._folder / f"leg-{number}"
            leg = load_leg(folder) or await self._play(number, plan, folder)
            for one in leg["breaches"]:
                _say(f"BROKEN: {one['invariant']}: {one['mrn']}, lot {one['lot']}")
                _say(f"  expected: {one['expected']}")
                _say(f"  found: {one['found']}")
            _say(f"leg {number}: {'holds' if leg['holds'] else 'DOES NOT HOLD'}; {folder}")
            legs.append(leg)
        return legs

    def report(self, legs: list[Data]) -> str:
        """The report, written down."""
        asked = self._asked
        rerun = (
            f"SEED={asked.seed} DECLARATIONS={asked.declarations} KILLS={asked.kills} FAULTS={asked.faults}"
        )
        text = as_markdown(asked.seed, legs, rerun=f"make chaos {rerun}")
        for path in filter(None, (self._folder / "report.md", asked.report)):
            path.write_text(text)
        return text

    async def _play(self, number: int, plan: Plan, folder: Path) -> Data:
        clear(folder)
        _say(f"leg {number} of {self._count}: {len(plan.lots)} declarations, {len(plan.faults)} faults")

        def say(text: str) -> None:
            _say(f"leg {number}: {text}")

        leg = await play(
            plan,
            self._world,
            self._asked.configuration,
            folder,
            minutes=self._asked.minutes,
            rest_minutes=self._asked.rest_minutes,
            say=say,
        )
        data = as_data(leg)
        save_leg(leg, data, keep=self._asked.keep)
        return data

    def _plan(self, number: int) -> Plan:
        asked = self._asked
        in_turn = "postgresql" if number % 2 == 0 else "sqlite"
        return make_plan(
            f"{asked.seed}/{number}",
            self._world,
            declarations=self._share(asked.declarations, number),
            kills=self._share(asked.kills, number),
            faults=self._share(asked.faults, number),
            database=in_turn if asked.database == "both" else asked.database,
            means=means_of_this_machine(),
        )

    def _share(self, whole: int, number: int) -> int:
        before, after = whole * (number - 1) // self._count, whole * number // self._count
        return after - before


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)  # noqa: T201


async def _main(words: list[str]) -> int:
    asked = _arguments(words)
    campaign = _Campaign(asked)
    if asked.plan:
        for plan in campaign.plans.values():
            print(*plan.lots, *plan.faults, sep="\n")  # noqa: T201
        return 0
    legs = await campaign.play()
    print(campaign.report(legs))  # noqa: T201
    return 0 if all(leg["holds"] for leg in legs) else 1


if __name__ == "__main__":
    process.end(asyncio.run(_main(sys.argv[1:])))
