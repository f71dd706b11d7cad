"""Commands for the declarant of a declaration that is under way: amend, withdraw, answer."""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from hub.cli.client import Api
from hub.cli.declarations import read_declaration, read_file
from hub.cli.screen import screen
from hub.cli.tables import moment, question_line

_Mrn = Annotated[str, typer.Argument(help="movement reference number")]
_AsJson = Annotated[bool, typer.Option("--json", help="what the API says, unadorned")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(amend)
    app.command()(withdraw)
    app.command()(questions)
    app.command()(answer)


def amend(
    mrn: _Mrn,
    file: Annotated[Path, typer.Argument(help="the whole declaration as it is to be; - is the input")],
    remarks: Annotated[str, typer.Option(help="why, for customs")] = "",
    version: Annotated[
        int | None, typer.Option(help="the version that is amended; refused when it has another")
    ] = None,
    as_json: _AsJson = False,
) -> None:
    """Amend a declaration: only agencies that would be told something else are asked again."""
    content, media_type = read_declaration(file)
    told = Api().amend(mrn, content, media_type, remarks, version)
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for part, words in _PARTS.items():
        for one in told[part]:
            how = _HOW[one["how"]] if part == "asked_again" else ""
            until = f"until {moment(one['due_at'])}" if "due_at" in one else ""
            table.add_row(words, one["service"], one["agency"], one["law"].get("en", ""), how, until)
    console = screen()
    console.print(Text.assemble((mrn, "bold"), f"  version {told['version']}"))
    console.print(table)


_PARTS = {
    "kept": "stands",
    "asked_again": "asked again",
    "added": "asked for the first time",
    "withdrawn": "asked no more",
}
_HOW = {"amend": "amended", "resubmit": "withdrawn and submitted anew", "none": "not sent before"}


def withdraw(
    mrn: _Mrn,
    reason: Annotated[str, typer.Option(help="a code; without one the codes are listed")] = "",
    remarks: Annotated[str, typer.Option(help="why, in words")] = "",
    as_json: _AsJson = False,
) -> None:
    """Withdraw a declaration: whoever was asked is told, and nothing of it is released."""
    api = Api()
    if not reason:
        listed = api.get("/v1/withdrawal-reasons")["reasons"]
        lines = [f"  {one['code']}  {one['name'].get('en', '')}" for one in listed]
        raise SystemExit("\n".join(["hub: say why, with --reason:", *lines]))
    told = api.send("POST", f"/v1/declarations/{mrn}/withdrawal", {"reason": reason, "remarks": remarks})
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    console = screen()
    console.print(Text.assemble((mrn, "bold"), f"  withdrawn, reason {told['reason']}"))
    table = Table(box=None, pad_edge=False, show_header=False)
    for one in told["referrals"]:
        table.add_row(one["service"], one["agency"], "knows" if one["told"] else "is being told")
    console.print(table)


def questions(mrn: _Mrn, as_json: _AsJson = False) -> None:
    """List what agencies ask the declarant, and until when."""
    told = Api().get(f"/v1/declarations/{mrn}/questions")
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    console = screen()
    if not told["questions"]:
        console.print("nothing is asked")
    for question in told["questions"]:
        console.print(question_line(question))
        console.print(f"  {question['state'].replace('_', ' ')}")


def answer(
    mrn: _Mrn,
    service: Annotated[str, typer.Argument(help="who asks, as apqa-animal-import")],
    text: Annotated[str, typer.Option(help="the answer")] = "",
    file: Annotated[list[Path] | None, typer.Option(help="a document; may be given again")] = None,
    question: Annotated[str, typer.Option(help="id of the question, if the service asks several")] = "",
    as_json: _AsJson = False,
) -> None:
    """Answer what an agency asks, with a text, documents, or both."""
    api = Api()
    asked = _the_question(api, mrn, service, question)
    documents = [(path.name, read_file(path), _media_type(path)) for path in file or []]
    told = api.answer(asked["link"], text, documents)["question"]
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    state = {"answered": "on its way to the agency", "passed_on": "the agency has it"}[told["state"]]
    kept = [
        f"  {d['name']}  {d['sha256']}  {d['scan'].replace('_', ' ')}" for d in told["answer"]["documents"]
    ]
    print("\n".join([f"{mrn} {service} {told['id']}: answered, {state}", *kept]))


def _the_question(api: Api, mrn: str, service: str, id: str) -> dict[str, Any]:
    """The question that is meant. Raises SystemExit when it is not plain which that is."""
    asked = [q for q in api.get(f"/v1/declarations/{mrn}/questions")["questions"] if q["service"] == service]
    open_ones = [q for q in asked if not q["answer"]] or asked
    meant: list[dict[str, Any]] = [q for q in asked if q["id"] == id] if id else open_ones
    if len(meant) == 1:
        return meant[0]
    if not meant:
        raise SystemExit(f"hub: {service} asks nothing of the kind about {mrn}")
    told = "\n".join(f"  {q['id']}  {q['text'] or ''}" for q in meant)
    raise SystemExit(f"hub: {service} asks several questions; say which with --question:\n{told}")


def _media_type(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"
