"""The configuration folder: every fault is told with file and line, and nothing a file says is dangerous."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from random import Random

from fuzz.apart import Apart
from fuzz.campaign import Outcome
from fuzz.inputs import yaml
from hub.adapters.channel import Contracts
from hub.adapters.check import check_channels
from hub.config.checking import Checker
from hub.config.folder import Folder
from hub.config.loader import ConfigurationFaults, read_folder
from hub.config.yaml import read as read_yaml
from hub.expressions import Expression, ExpressionFailed, ExpressionFault, PredicateCompiler

_AGENCIES = ("apqa", "nibr")
"""One that speaks SOAP and one that speaks REST and has a feed."""
_EXEMPTIONS = b'exemptions:\n  "09A01": {law: "09", name: {en: Not a plant}}\n'
_FILES = (
    *("agencies/apqa.yaml", "agencies/nibr.yaml", "attributes.yaml", "exemptions.yaml", "calendar.yaml"),
    *("policy.yaml", "risk.yaml", "lists.yaml", "watch.yaml", "retention.yaml"),
)


class ConfigurationFolder:
    """`hub agencies check` on a folder of which one file is hostile."""

    name = "configuration"

    def __init__(self, folder: Path) -> None:
        self._kept = tempfile.TemporaryDirectory(prefix="hub-fuzz-")
        self._folder = Path(self._kept.name) / "config"
        shutil.copytree(folder, self._folder, ignore=shutil.ignore_patterns("golden"))
        for path in (self._folder / "agencies").glob("*.yaml"):
            if path.stem not in _AGENCIES:
                path.unlink()
        (self._folder / "exemptions.yaml").write_bytes(_EXEMPTIONS)
        self._sound = {name: (self._folder / name).read_bytes() for name in _FILES}
        self._checker = Apart(_checker, str(self._folder))

    def put(self, number: int, random: Random) -> Iterable[Outcome]:
        name = random.choice((*_FILES[:2], *_FILES))
        kind, content = yaml.attack(self._sound[name], random)
        path = self._folder / name
        path.write_bytes(content)
        began = time.perf_counter()
        said, faults = self._checker.judged(None)
        path.write_bytes(self._sound[name])
        result, told = said if isinstance(said, tuple) else (said, [])
        faults += told
        yield Outcome(kind, result, time.perf_counter() - began, content, tuple(faults))

    @property
    def pid(self) -> int:
        return self._checker.pid

    def close(self) -> None:
        self._checker.close()
        self._kept.cleanup()


def _checker(folder: str) -> Callable[[None], tuple[str, list[str]]]:
    """Loads a folder as often as it is asked: what came of it, and what is wrong with what was told."""

    checker = Checker(Path(folder), development=True, environment=lambda _: None)
    contracts = Contracts(Path(folder))

    def check_it(_: None) -> tuple[str, list[str]]:
        # What has not changed is remembered, as by a hub that runs and follows its folder.
        reading = checker.check(read_folder(Folder(Path(folder), checker.documents.plain)))
        if reading.faults:
            text = str(ConfigurationFaults(reading.faults))
            poor = [
                f"a fault without a place: {fault}"
                for fault in reading.faults
                if fault.line < 1 or not fault.what
            ]
            if "Traceback" in text or "object at 0x" in text:
                poor.append(f"tells insides: {text[:300]}")
            return "refused", poor
        agencies = reading.configuration().agencies
        return ("refused" if check_channels(agencies, Path(folder), {}, contracts) else "taken"), []

    return check_it


class YamlAndCel:
    """The readers of both by themselves, which is quicker than a folder; and what expressions cost."""

    name = "YAML and CEL"

    def __init__(self, folder: Path) -> None:
        self._sound = [path.read_bytes() for path in sorted((folder / "agencies").glob("*.yaml"))]
        self._reader = Apart(_reader)

    def put(self, number: int, random: Random) -> Iterable[Outcome]:
        if random.random() < 0.5:
            kind, content = yaml.attack(random.choice(self._sound), random)
        else:
            kind, content = "CEL", yaml.expression(random).encode("utf-8", "surrogatepass")
        began = time.perf_counter()
        result, faults = self._reader.judged((kind, content))
        yield Outcome(kind, result, time.perf_counter() - began, content, tuple(faults))

    @property
    def pid(self) -> int:
        return self._reader.pid

    def close(self) -> None:
        self._reader.close()


def _reader() -> Callable[[tuple[str, bytes]], str]:
    """Reads YAML; compiles CEL as a condition and as a mapping, and works it out where it compiles."""
    conditions = PredicateCompiler({}, {"codes": ("a", "b")})
    context = {
        "items": [{"hs_code": "0101210000", "number": n} for n in range(50)],
        "item": {"hs_code": "01012100"},
    }
    facts = {"hs_code": "0101210000"}

    def read(asked: tuple[str, bytes]) -> str:
        kind, content = asked
        if kind != "CEL":
            return "refused" if read_yaml(content).faults else "taken"
        text, taken = content.decode("utf-8", "surrogatepass"), 0
        with suppress(ExpressionFault, ExpressionFailed):
            conditions.compile(text)(facts)
            taken += 1
        with suppress(ExpressionFault, ExpressionFailed):
            Expression(text, tuple(context)).evaluate(context)
            taken += 1
        return "taken" if taken else "refused"

    return read
