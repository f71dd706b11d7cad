"""Golden files out of real exchanges: scrubbed, played once, and written as they were played."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from lxml import etree
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from hub.config.models import AgencyFile
from hub.config.yaml import read
from hub.domain.declaration import Declaration
from hub.domain.exchange import Dossier, Exchange
from hub.workbench.asking import SAMPLE, Beside
from hub.workbench.bench import Bench
from hub.workbench.golden.case import FOLDER, AnswerFile, GoldenFile
from hub.workbench.golden.comparison import kind_of, multipart_lines, xml_lines
from hub.workbench.golden.meaning import meaning_of
from hub.workbench.golden.played import HeardRequest
from hub.workbench.golden.pseudonyms import Pseudonyms
from hub.workbench.golden.running import base_of_sample, play
from hub.workbench.operations import OperationName, operation_of
from hub.workbench.unready import Unready

_ALWAYS_KEPT = frozenset({"content-type", "retry-after", "location"})
_NAME = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
_CUT = re.compile(r"\n\[cut: [0-9]+ of [0-9]+ bytes are not kept\]$")
_PROLOG = re.compile(r"<\?xml[^>]*\?>\s*")
_WIDTH = 110


@dataclass(frozen=True)
class Recorded:
    """A golden file that was written, and what its engineer should know of it."""

    path: Path
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Subject:
    """What a real exchange was about, scrubbed."""

    does: OperationName
    why: str
    at: datetime
    dossier: Dossier | None
    """With the sample's facts where real ones must not be told."""
    ids: Sequence[str]
    exchanges: Sequence[Exchange]
    names: Pseudonyms
    understood: str
    """The last exchange's reading, as it was recorded."""
    beside: Beside = SAMPLE


async def write_case(
    bench: Bench, name: str, subject: Subject, base: Mapping[str, Any] | None, *, force: bool = False
) -> Recorded:
    """
    Write golden/<agency>/<name>.yaml. Raises Unready when there is such a file already, unless `force`, and
    when the exchange cannot be kept.
    """
    path = place_of(bench, name, force=force)
    tree = _about(bench.file, subject, base)
    answers = [_answer(bench.file, exchange, subject.names) for exchange in subject.exchanges]
    tried = {**tree, "sent": [], "answered": answers, "means": {}}
    played = await play(bench, GoldenFile.model_validate(tried), base)
    operation = operation_of(bench.file, subject.does)
    sent = [_sent(heard, {h.lower() for h in operation.file.headers}) for heard in played.heard]
    tree |= {
        "sent": sent[0] if len(sent) == 1 else sent,
        "answered": answers[0] if len(answers) == 1 else answers,
        "means": meaning_of(played.outcome),
    }
    whole = GoldenFile.model_validate(tree)
    again = await play(bench, whole, base)
    if again.differences:
        raise Unready(
            "\n".join(["played again, the exchange is another each time:", *map(str, again.differences)]),
            "see whether the mapping sends something that changes from request to request",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_yaml(tree), encoding="utf-8")
    return Recorded(path, tuple(_notes(subject, played.exchanges)))


def place_of(bench: Bench, name: str, *, force: bool) -> Path:
    """Where a case of that name belongs. Raises Unready."""
    if not _NAME.match(name):
        raise Unready(
            f"{name!r} is no name of a case", "say what the agency does, as in refuses-one-item or is-closed"
        )
    path = bench.folder / FOLDER / bench.agency / f"{name}.yaml"
    if path.exists() and not force:
        raise Unready(
            f"{path} is there already", "give another name with --as, or write over it with --force"
        )
    return path


def as_yaml(tree: Mapping[str, Any]) -> str:
    """A golden file's text: keys in order, bodies as blocks."""
    writer = YAML()
    writer.default_flow_style = False
    writer.representer.add_representer(type(None), _null)
    writer.width = _WIDTH
    writer.indent(mapping=2, sequence=4, offset=2)
    written = StringIO()
    writer.dump(_styled(tree, LiteralScalarString), written)
    if read(written.getvalue().encode()).data == _plain(tree):
        return written.getvalue()
    # A block cannot hold every character as it is.
    written = StringIO()
    writer.dump(_styled(tree, DoubleQuotedScalarString), written)
    return written.getvalue()


def _about(file: AgencyFile, subject: Subject, base: Mapping[str, Any] | None) -> dict[str, Any]:
    tree: dict[str, Any] = {
        "why": subject.why,
        "does": subject.does.value,
        "at": subject.at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z"),
    }
    dossier = subject.dossier
    if dossier is None:
        return tree | ({"ids": list(subject.ids)} if subject.ids else {})
    tree["service"] = dossier.terms.service
    everything = tuple(item.number for item in dossier.declaration.items)
    if dossier.terms.items != everything:
        tree["items"] = list(dossier.terms.items)
    changes = difference(base if base is not None else base_of_sample(file), dossier.declaration)
    if changes:
        tree["declaration"] = changes
    if dossier.receipt is not None and subject.does is not OperationName.SUBMIT:
        if dossier.receipt.reference is not None:
            tree["receipt"] = dossier.receipt.reference
        if dossier.receipt.values:
            tree["values"] = dict(dossier.receipt.values)
    if dossier.terms.revision > 1:
        tree["revision"] = dossier.terms.revision
    if dossier.former:
        tree["former"] = list(dossier.former)
    return tree | _about_beside(subject)


def _about_beside(subject: Subject) -> dict[str, Any]:
    withdrawal, information = subject.beside.withdrawal, subject.beside.information
    if subject.does is OperationName.WITHDRAW and withdrawal is not None:
        return {"withdrawal": {"reason": withdrawal.reason, "remarks": withdrawal.remarks}}
    if subject.does is not OperationName.INFORM:
        return {}
    told = information.model_dump(include={"id", "request", "request_reference", "text"}, exclude_none=True)
    documents = [
        {"name": one.name, "type": one.media_type, "base64": base64.b64encode(one.content).decode()}
        for one in information.enclosures
    ]
    return {"information": told | ({"documents": documents} if documents else {})}


def difference(base: Mapping[str, Any], declaration: Declaration) -> dict[str, Any]:
    """How a declaration differs from the base: merged with it, it is the declaration again."""
    same = Declaration.model_validate(base).model_dump(mode="json")
    return _changes(same, declaration.model_dump(mode="json"))


def _changes(base: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name, value in wanted.items():
        held = base.get(name)
        if value == held:
            continue
        if isinstance(value, Mapping) and isinstance(held, Mapping):
            changes[name] = _changes(held, value)
        else:
            changes[name] = _without_blanks(value)
    return changes


def _without_blanks(value: Any) -> Any:
    """Without the members that mean nothing declared; what is wholly replaced need not say so."""
    if isinstance(value, Mapping):
        return {n: _without_blanks(v) for n, v in value.items() if v is not None and v not in ("", [], {})}
    return [_without_blanks(one) for one in value] if isinstance(value, list) else value


def _answer(file: AgencyFile, exchange: Exchange, names: Pseudonyms) -> dict[str, Any]:
    reply = exchange.reply
    if reply is None:
        raise Unready(
            f"the {exchange.kind} of {exchange.started_at:%Y-%m-%d %H:%M:%S} has no answer to keep",
            "record one that was answered",
        )
    body: str = reply["body"]
    if _CUT.search(body) or "�" in body:
        raise Unready(
            "the answer is longer than recordings keep, or is no text",
            "write the golden file by hand, with `base64` for what is no text",
        )
    named = _read_of_headers(file)
    kept = _ALWAYS_KEPT | {name for name in map(str.lower, reply["headers"]) if name in named}
    headers = {
        "-".join(part.capitalize() for part in name.split("-")): names.text(value)
        for name, value in reply["headers"].items()
        if name.lower() in kept
    }
    answer: dict[str, Any] = {"status": reply["status"]}
    if headers:
        answer["headers"] = headers
    if body:
        answer["body"] = _laid_out(names.text(body))
    AnswerFile.model_validate(answer)
    return answer


def _read_of_headers(file: AgencyFile) -> str:
    """The expressions of the channel that read headers, in lower case: they name those that matter."""
    texts = _texts(file.channel.model_dump(mode="json"))
    return " ".join(text.lower() for text in texts if "headers" in text)


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping | list):
        for part in tree.values() if isinstance(tree, Mapping) else tree:
            yield from _texts(part)


def _laid_out(body: str) -> str:
    """A body in one line over several, where that changes nothing of what it says."""
    head = _PROLOG.match(body)
    if "\n" in body[head.end() if head else 0 :].strip():
        return body
    if body.startswith(("{", "[")):
        pretty = json.dumps(json.loads(body), ensure_ascii=False, indent=2) if _is_json(body) else body
        # A number may be written in a way that would be lost.
        return f"{pretty}\n" if _exactly(pretty) == _exactly(body) else body
    if body.startswith("<"):
        rest = body[head.end() :] if head else body
        try:
            root = etree.fromstring(rest.encode(), etree.XMLParser(remove_blank_text=True, no_network=True))
            pretty = etree.tostring(root, pretty_print=True, encoding="unicode")
            if xml_lines(pretty.encode()) == xml_lines(rest.encode()):
                return f"{head[0].strip()}\n{pretty}" if head else pretty
        except (etree.XMLSyntaxError, ValueError):
            return body  # kept as it is: that it is spoilt may be the point
    return body


def _is_json(body: str) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def _exactly(body: str) -> Any:
    """JSON with numbers as written, and members as they stand, repeated ones too."""
    try:
        return json.loads(body, parse_float=str, parse_int=str, object_pairs_hook=list)
    except ValueError:
        return body


def _sent(heard: HeardRequest, of_the_mapping: set[str]) -> dict[str, Any]:
    media_type = heard.headers.get("content-type", "")
    kind = kind_of(media_type, heard.body)
    kept = (
        ({"soapaction"} | of_the_mapping)
        if kind == "multipart"
        else ({"soapaction", "content-type"} | of_the_mapping)
    )
    sent: dict[str, Any] = {"method": heard.method, "path": heard.path}
    headers = {name: value for name, value in heard.headers.items() if name in kept}
    if headers:
        sent["headers"] = headers
    if kind is not None:
        sent[kind] = _sent_body(kind, heard.body, media_type)
    return sent


def _sent_body(kind: str, body: bytes, media_type: str) -> str:
    text = body.decode("utf-8", "replace")
    match kind:
        case "json":
            return json.dumps(json.loads(text), ensure_ascii=False, indent=2) + "\n"
        case "xml":
            root = etree.fromstring(body, etree.XMLParser(remove_blank_text=True, no_network=True))
            return etree.tostring(root, pretty_print=True, encoding="unicode")
        case "multipart":
            return "\n".join(multipart_lines(body, media_type)) + "\n"
        case "form":
            return "".join(f"{n}={v}\n" for n, v in parse_qsl(text, keep_blank_values=True))
    return text


def _notes(subject: Subject, played: Sequence[Exchange]) -> Iterator[str]:
    now = played[-1].reading if played else ""
    before = subject.names.text(subject.understood)
    if now != before:
        yield f"it was understood as `{before}` and is now understood as `{now}`: see whether that is right"


def _null(representer: Any, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")


def _styled(value: Any, style: type[str]) -> Any:
    if isinstance(value, str):
        return style(value) if "\n" in value else value
    if isinstance(value, Mapping):
        return {name: _styled(part, style) for name, part in value.items()}
    return [_styled(part, style) for part in value] if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
