"""
A file against its model: every fault in plain words, and a repaired copy so that checking can go on.

A file that is wrong in one place is still read to its end: what is wrong is replaced by something harmless,
and nothing that is later found wrong with a replaced part is told.
"""

from __future__ import annotations

import copy
import types
import typing
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from hub.config.faults import Fault, Key, written
from hub.config.unfinished import unfinished
from hub.config.yaml import Document
from hub.expressions.compiling import nearest

_M = TypeVar("_M", bound=BaseModel)

_TAGS = ("text", "row")
_MAX_REPAIRS = 4
# Tried in turn for a value that must be of some form.
_HARMLESS: tuple[Any, ...] = (
    None,
    "",
    [],
    {},
    False,
    1,
    "1d",
    "00",
    "x",
    "XX",
    "00A00",
    "A00",
    "2000-01-01",
    "00:00",
)

_FORMS = {
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$": (
        "is no name",
        "write lower-case letters, digits and single hyphens, as apqa-plant-import",
    ),
    r"^[a-z][a-z0-9_]*$": ("is no name", "write lower-case letters, digits and underscores, as net_mass"),
    r"^[0-9]{2,12}$": ("is no HS prefix", 'write two to twelve digits without dots, in quotes: "060110"'),
    r"^([0-9]+(wd|d|h|m|s)|[0-9]+wd\+[0-9]+(h|m))$": (
        "is no term",
        "write 20s, 5m, 48h, 30d, 3wd (working days) or 2wd+4h",
    ),
    r"^[0-9]+(d|h|m|s)$": ("is no length of time", "write 20s, 5m, 48h or 30d"),
    r"^[0-9]{2}$": ("is no law code", 'write two digits in quotes: "13"'),
    r"^[0-9]{2}[A-Z][0-9]{2}$": (
        "is no exemption code",
        'write law code, class and serial in quotes: "13A01"',
    ),
    r"^[A-Z][0-9]{2}$": ("is no code of a reason", "write a capital letter and two digits, as C01"),
    r"^[^@\s<>,;:]+@[^@\s<>,;:]+$": ("is no mail address", "write it as duty@customs.example"),
    r"^[A-Z]{2}$": ("is no country", "write the two capital letters of ISO 3166-1, as KR"),
}


class FileReport:
    """The faults of one file as they are found."""

    def __init__(self, file: str, document: Document) -> None:
        self.file = file
        self.faults = [Fault(file, f.line, written(f.key), f.what, f.cure) for f in document.faults]
        self.warnings: list[Fault] = []
        """What is legal and unwise."""
        self._document = document
        self._at_fault = [fault.key for fault in document.faults]
        self._places: dict[tuple[Key, str, bool], int] = {}
        self._repaired: list[Key] = []
        self._unknown: list[Key] = []

    def add(self, key: Key, what: str, cure: str = "") -> None:
        """One more fault; not of what was repaired, for that has one already."""
        if self.is_sure(key):
            self._at_fault.append(key)
            self._tell(self.faults, key, what, cure)

    def add_unless_told(self, key: Key, what: str, cure: str = "") -> None:
        """
        One more fault, found later and by other means; not where one is told already.

        A key that nobody knows counts for its whole mapping: what seems to be missing there may be that key,
        misspelt.
        """
        named = _named(key)
        told = any(
            named[: len(at)] == at or at[: len(named)] == named for at in map(_named, self._at_fault)
        ) or any(at in self._unknown and key[: len(at) - 1] == at[:-1] for at in self._at_fault)
        if not told:
            self.add(key, what, cure)

    def warn(self, key: Key, what: str, cure: str = "") -> None:
        """Something legal and unwise; not of what was repaired, and not where a fault is told."""
        if self.is_sure(key) and not any(key[: len(at)] == at for at in self._at_fault if at):
            self._tell(self.warnings, key, what, cure)

    def copied(self) -> FileReport:
        """The same report, to be added to; this one stays as it is."""
        twin = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, list | dict):
                setattr(twin, name, value.copy())
        return twin

    def _tell(self, told: list[Fault], key: Key, what: str, cure: str) -> None:
        """Once, and at the anchor, of what is repeated by aliases."""
        origin = self._document.origin(key)
        fault = Fault(self.file, self.line_of(key), written(key), what, cure)
        place = self._places.setdefault((origin, what, told is self.warnings), len(told))
        if place == len(told):
            told.append(fault)
        elif key == origin:
            told[place] = fault

    def unknown(self, key: Key) -> None:
        """The author wrote a key there that nobody knows."""
        self._unknown.append(key)

    def is_sure(self, key: Key) -> bool:
        """Whether what stands there is the author's, and not a repair."""
        return not any(key[: len(repaired)] == repaired for repaired in self._repaired)

    def is_whole(self, key: Key) -> bool:
        """Whether all that stands there is the author's, to its last part."""
        return self.is_sure(key) and not any(repaired[: len(key)] == key for repaired in self._repaired)

    def names_at_fault(self, top: str) -> set[str]:
        """The names below a key that something is wrong with; the empty name for all of them."""
        if not self.is_sure((top,)):
            return {""}
        return {
            key[1] for key in self._at_fault if len(key) > 1 and key[0] == top and isinstance(key[1], str)
        }

    def line_of(self, key: Key) -> int:
        return self._document.line_of(key)

    def repaired(self, key: Key) -> None:
        """What stands there from now on is not the author's."""
        self._repaired.append(key)


def _named(key: Key) -> Key:
    """Without the places in lists: whoever looks at what is sent does not know them."""
    return tuple(step for step in key if isinstance(step, str))


def validated(model: type[_M], document: Document, report: FileReport) -> _M | None:
    """The file as its model, repaired where it must be; None when nothing of it can be read."""
    data = document.data
    if data is None:
        return None
    if not isinstance(data, dict):
        report.add((), "this is no mapping", "write `key: value` lines")
        return None
    for key, words in unfinished(data):
        report.add(key, "this is not filled in yet", f"fill in: {words}" if words else "fill it in")
        report.repaired(key)  # nothing else is told of it
    for attempt in range(_MAX_REPAIRS):
        try:
            return model.model_validate(data)
        except ValidationError as wrong:
            # Faults of later rounds are consequences of repairs.
            errors = wrong.errors(include_url=False)
            if attempt == 0:
                data = copy.deepcopy(data)
                _tell(errors, model, document, report)
            # From the deepest to the shallowest place, so that no way there is lost on the way.
            for error in sorted(errors, key=lambda e: len(e["loc"]), reverse=True):
                _repair(data, error, model, report)
    return None


def _tell(
    errors: Sequence[ErrorDetails], model: type[BaseModel], document: Document, report: FileReport
) -> None:
    keys = [_key(error["loc"]) for error in errors]
    meant: set[Key] = set()
    """Where a key is missing that the author wrote, misspelt: told there, with what was meant."""
    for error, key in zip(errors, keys, strict=True):
        if error["type"] == "extra_forbidden":
            report.unknown(key)
            like = nearest(str(key[-1]), _fields_of(_annotation_at(model, key[:-1])))
            meant.update([(*key[:-1], like)] if like else ())
    for error, key in zip(errors, keys, strict=True):
        if not (error["type"] == "missing" and key in meant):
            report.add(key, *_in_words(error, key, model, document))


def _key(location: tuple[int | str, ...]) -> Key:
    """The way through the file, without what pydantic adds to it."""
    key: list[int | str] = []
    for step in location:
        within_hs = len(key) > 1 and key[-2] == "hs" and isinstance(key[-1], int)
        if step == "[key]" or (within_hs and step in _TAGS):
            continue
        key.append(step)
    return tuple(key)


def _in_words(error: ErrorDetails, key: Key, model: type[BaseModel], document: Document) -> tuple[str, str]:
    """What is wrong, and the cure."""
    context = error.get("ctx", {})
    value = error["input"]
    shown = document.scalars.get(key) or repr(value)
    last = key[-1] if key else ""
    match error["type"]:
        case "extra_forbidden":
            known = _fields_of(_annotation_at(model, key[:-1]))
            like = nearest(str(last), known)
            return f"unknown key {last!r}", (
                f"did you mean {like!r}?" if like else f"known here: {', '.join(known)}"
            )
        case "missing":
            return f"{last!r} is missing", _hint(last, _annotation_at(model, key))
        case "string_type" if value is None:
            return "there is nothing here", "write a text, in quotes if it is a code"
        case "string_type" if isinstance(value, bool):
            return f"{shown} is read as true or false, not as text", f'quote it: "{shown}"'
        case "string_type" if isinstance(value, int | float):
            return f"{shown} is read as a number, not as text", _quoting(shown, _annotation_at(model, key))
        case "string_type":
            return f"a text belongs here, not a {_kind(value)}", ""
        case "string_pattern_mismatch":
            what, cure = _FORMS.get(
                context["pattern"], ("does not have the right form", f"it must match {context['pattern']}")
            )
            return f"{value!r} {what}", cure
        case "enum" | "literal_error":
            words = [str(word) for word in _choices(_annotation_at(model, key))]
            like = nearest(str(value), words)
            choice = f"write one of {', '.join(words)}" if words else f"write {context['expected']}"
            return f"{shown} is not known here", f"did you mean {like!r}? {choice}" if like else choice
        case "int_type" | "int_from_float":
            return f"{shown} is no whole number", "write digits alone, without quotes"
        case "float_type":
            return f"{shown} is no number", "write digits, perhaps with a point, without quotes"
        case "list_type":
            return f"a list belongs here, not a {_kind(value)}", "write it as [a, b]"
        case "dict_type" | "model_type" | "model_attributes_type":
            fields = _fields_of(_annotation_at(model, key))
            return f"a mapping belongs here, not a {_kind(value)}", (
                f"its keys are {', '.join(fields)}" if fields else "write it as {key: value}"
            )
        case "too_short" | "string_too_short":
            return "it is empty", "write at least one"
        case "greater_than_equal":
            return f"{shown} is too small", f"write {context['ge']} or more"
        case "greater_than":
            return f"{shown} is too small", f"write more than {context['gt']:g}"
        case "less_than_equal":
            return f"{shown} is too large", f"write {context['le']} or less"
        case "value_error":
            return f"{shown}: {context['error']}", "write a day as 2026-03-01, a time of day as 18:00"
        case kind if kind.startswith("date_"):
            return f"{shown} is no day", "write it as 2026-03-01"
        case kind if kind.startswith("time_"):
            return f"{shown} is no time of day", "write it as 18:00"
        case _:
            message = error["msg"].removeprefix("Input ")
            return f"{shown} {message}", ""


def _quoting(shown: str, annotation: Any) -> str:
    """The cure for a text that was read as a number: quotes, unless it would be wrong within them too."""
    try:
        TypeAdapter(annotation).validate_python(shown)
    except ValidationError as wrong:
        pattern = wrong.errors()[0].get("ctx", {}).get("pattern", "")
        return _FORMS.get(pattern, ("", f"it must match {pattern}"))[1]
    return f'quote it: "{shown}"'


def _kind(value: Any) -> str:
    match value:
        case None:
            return "blank"
        case bool():
            return "true or false"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "mapping"


def _hint(name: str | int, annotation: Any) -> str:
    choices = _choices(annotation)
    if choices:
        return f"add `{name}:` with one of {', '.join(map(str, choices))}"
    fields = _fields_of(annotation)
    return f"add `{name}:`" + (f" with {', '.join(fields)}" if fields else "")


# --- the model, walked along a key ----------------------------------------------------------------------


def _branches(annotation: Any) -> Iterator[Any]:
    """The plain types of an annotation: without Annotated, and each of a union."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _branches(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for branch in get_args(annotation):
            yield from _branches(branch)
    else:
        yield annotation


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    for branch in _branches(annotation):
        if isinstance(branch, type) and issubclass(branch, BaseModel):
            yield branch


def _annotation_at(annotation: Any, key: Key) -> Any:
    """The annotation of what stands at a key; None where the models say nothing about it."""
    for step in key:
        annotation = _step(annotation, step)
    return annotation


def _step(annotation: Any, step: str | int) -> Any:
    for branch in _branches(annotation):
        origin, arguments = get_origin(branch), get_args(branch)
        if origin is dict:
            return arguments[1]
        if origin in (list, tuple):
            return arguments[0]
    for model in _models(annotation):
        if step in model.model_fields:
            return typing.get_type_hints(model, include_extras=True)[str(step)]
    return None


def _fields_of(annotation: Any) -> list[str]:
    return [name for model in _models(annotation) for name in model.model_fields]


def _choices(annotation: Any) -> list[Any]:
    for branch in _branches(annotation):
        if get_origin(branch) is Literal:
            return list(get_args(branch))
        if isinstance(branch, type) and issubclass(branch, Enum):
            return [member.value for member in branch]
    return []


# --- repairs --------------------------------------------------------------------------------------------


def _repair(data: Any, error: ErrorDetails, model: type[BaseModel], report: FileReport) -> None:
    key = _key(error["loc"])
    if not key:
        return
    for step in key[:-1]:
        if not _has(data, step):
            return
        data = data[step]
    last = key[-1]
    if error["type"] == "extra_forbidden" or error["loc"][-1] == "[key]":
        if isinstance(data, dict):
            data.pop(last, None)
        if error["loc"][-1] == "[key]":
            report.repaired(key)
    elif isinstance(data, dict) or _has(data, last):
        data[last] = _harmless(_annotation_at(model, key))
        report.repaired(key)


def _has(data: Any, step: str | int) -> bool:
    if isinstance(data, dict):
        return step in data
    return isinstance(data, list) and isinstance(step, int) and step < len(data)


def _harmless(annotation: Any) -> Any:
    """Something that the model accepts there."""
    candidates: list[Any] = [*_HARMLESS, *_choices(annotation)]
    for model in _models(annotation):
        hints = typing.get_type_hints(model, include_extras=True)
        candidates.append(
            {
                name: _harmless(hints[name])
                for name, field in model.model_fields.items()
                if field.is_required()
            }
        )
    for branch in _branches(annotation):
        if get_origin(branch) is dict:
            keys, values = get_args(branch)
            candidates.append({str(_harmless(keys)): _harmless(values)})
        if get_origin(branch) is list:
            candidates.append([_harmless(get_args(branch)[0])])
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    for candidate in candidates:
        try:
            adapter.validate_python(candidate)
        except ValidationError:
            continue
        return candidate
    return None
