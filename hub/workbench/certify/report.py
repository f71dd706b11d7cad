"""
The report of a run: what was tested, and what each behaviour came to.

`report.json` is `Report` as JSON, with these members:

    schema              1
    agency, name        slug, and its name by language
    passed              true when no behaviour failed
    started_at          RFC 3339, UTC
    seconds             how long the run took
    hub_version         version of the hub's package
    file, file_version  the agency's file below the configuration folder, and its version
    contract, contract_sha256
                        the contract below the configuration folder, and the SHA-256 of that file
    endpoint            where the agency was asked, without user and password; null when it was simulated
    simulated           whether the simulator played the agency
    callbacks           the address at which the hub took the agency's callbacks
    only                names of the behaviours that were chosen; empty for all
    counts              number of behaviours by mark
    behaviours          in the order played; each with name, title, expected, mark (pass, fail,
                        not_applicable, not_played), reason, cure, seen (texts), exchanges (ids), seconds

Credentials stand in none of them.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from pydantic import Field, computed_field

from hub.domain.model import Model, Text, UtcDatetime
from hub.workbench.certify.finding import Finding, Mark

_CODE = re.compile(r"`([^`]+)`")

MARKS = {
    Mark.PASSED: "pass",
    Mark.FAILED: "FAIL",
    Mark.NOT_APPLICABLE: "n/a",
    Mark.NOT_PLAYED: "not played",
}
"""How marks are written for people."""


class Report(Model):
    """One run, whole. The members are told in the docstring of this module."""

    version: Literal[1] = Field(default=1, serialization_alias="schema")
    agency: str
    name: Text
    started_at: UtcDatetime
    seconds: float
    hub_version: str
    file: str
    file_version: str
    contract: str
    contract_sha256: str
    endpoint: str | None
    simulated: bool
    callbacks: str | None
    only: tuple[str, ...]
    behaviours: tuple[Finding, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def passed(self) -> bool:
        """Nothing failed."""
        return not any(one.mark is Mark.FAILED for one in self.behaviours)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def counts(self) -> dict[str, int]:
        """How many behaviours got each mark."""
        found = Counter(one.mark for one in self.behaviours)
        return {mark.value: found[mark] for mark in Mark}


def write(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write report.json and report.html into a folder; give both paths. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    as_json, as_html = folder / "report.json", folder / "report.html"
    as_json.write_text(report.model_dump_json(by_alias=True, indent=2) + "\n", encoding="utf-8")
    as_html.write_text(html(report), encoding="utf-8")
    return as_json, as_html


def html(report: Report) -> str:
    """The report as one page that needs nothing beside itself."""
    # Everything that is put in is escaped: some of it was said by the agency.
    templates = Environment(
        loader=PackageLoader("hub.workbench.certify", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["prose"] = _prose
    return templates.get_template("report.html").render(report=report, marks=MARKS, Mark=Mark)


def _prose(text: str) -> Markup:
    """A text with what stands in backticks as code; everything else in it is escaped."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before
