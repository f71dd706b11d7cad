"""What conditions may read: attributes and code lists, and the compiler that knows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hub.config.faults import Key
from hub.config.models import AttributeFile, AttributesFile, ExemptionsFile, ListsFile
from hub.config.schema_faults import FileReport
from hub.domain.catalogue import Attribute, ExemptionCode, Predicate
from hub.domain.facts import BUILT_IN_FACTS, attribute_fact
from hub.domain.forms import Form
from hub.domain.model import Text
from hub.expressions import ExpressionFault, PredicateCompiler

_ABSENT: dict[str, bool | float | str | tuple[str, ...]] = {
    "string": "",
    "bool": False,
    "number": 0.0,
    "list": (),
}

_WORDS_OF_CEL = {"in", "true", "false", "null"}


def check_text(text: Text, key: Key, report: FileReport) -> None:
    """English is always there; other languages may be."""
    if not text.get("en", "").strip():
        report.add((*key, "en"), "the English words are missing", "add `en:`")


def attributes(file: AttributesFile, report: FileReport) -> dict[str, Attribute]:
    """The attributes of goods items; those that are at fault are left out or given their usual absence."""
    taken = {fact.name for fact in BUILT_IN_FACTS}
    built = {}
    for name, attribute in file.attributes.items():
        key: Key = ("attributes", name)
        check_text(attribute.title, (*key, "title"), report)
        if attribute_fact(name) in taken:
            report.add(
                key, f"{attribute_fact(name)} is a fact of every goods item already", "choose another name"
            )
            continue
        if name in _WORDS_OF_CEL:
            report.add(key, f"{name!r} is a word of CEL: no condition could read it", "choose another name")
            continue
        type_is_known = report.is_sure((*key, "type"))
        if attribute.values and type_is_known and attribute.type not in ("string", "list"):
            report.add((*key, "values"), f"a {attribute.type} has no list of values", "remove `values`")
        if (
            attribute.form is not Form.TEXT
            and type_is_known
            and report.is_sure((*key, "form"))
            and attribute.type not in ("string", "list")
        ):
            report.add((*key, "form"), f"a {attribute.type} has no form of a text", "remove `form`")
        built[name] = Attribute(
            name=name,
            type=attribute.type,
            title=attribute.title,
            absent=_absent(attribute, (*key, "absent"), report),
            values=tuple(attribute.values),
            form=attribute.form,
        )
    return built


def _absent(attribute: AttributeFile, key: Key, report: FileReport) -> bool | float | str | tuple[str, ...]:
    value: Any = attribute.absent
    usual = _ABSENT[attribute.type]
    if value is None or not report.is_sure((*key[:-1], "type")):
        return usual
    match attribute.type:
        case "string" if isinstance(value, str):
            return value
        case "bool" if isinstance(value, bool):
            return value
        case "number" if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        case "list" if isinstance(value, list) and all(isinstance(word, str) for word in value):
            return tuple(value)
    report.add(key, f"{value!r} is no {attribute.type}", f"write a {attribute.type}, or leave it out")
    return usual


def exemptions(
    file: ExemptionsFile, law_codes: frozenset[str] | None, report: FileReport
) -> dict[str, ExemptionCode]:
    """The reasons a declarant may claim; `law_codes` are those of the services, None if not all are known."""
    built = {}
    for code, exemption in file.exemptions.items():
        key: Key = ("exemptions", code)
        check_text(exemption.name, (*key, "name"), report)
        if not code.startswith(exemption.law):
            report.add(
                (*key, "law"),
                f"the code {code} begins with another law code than {exemption.law}",
                f'write law: "{code[:2]}", or correct the code',
            )
        elif law_codes is not None and exemption.law not in law_codes:
            report.add(
                (*key, "law"),
                f"no service has the law code {exemption.law}",
                "correct it, or give a service this `law_code`",
            )
        built[code] = ExemptionCode(
            code=code,
            law_code=exemption.law,
            name=exemption.name,
            document_required=exemption.document_required,
        )
    return built


def code_lists(file: ListsFile) -> dict[str, tuple[str, ...]]:
    """The code lists that conditions use."""
    return {name: tuple(values) for name, values in file.lists.items()}


class Conditions:
    """Compiles conditions and reports what is wrong with them."""

    def __init__(
        self,
        known: Mapping[str, Attribute],
        lists: Mapping[str, tuple[str, ...]],
        *,
        unsure: frozenset[str] | None,
    ) -> None:
        """`unsure` are facts whose own files are at fault there; None: the files could not be read."""
        self._compiler = PredicateCompiler(known, lists)
        self._unsure = unsure

    def compile(self, text: str | None, key: Key, report: FileReport) -> Predicate | None:
        """The condition, or None where there is none or it is at fault."""
        if text is None:
            return None
        try:
            return self._compiler.compile(text)
        except ExpressionFault as fault:
            # A name that is missing because its own file is at fault has been reported there.
            if self._unsure is not None and not self._mentions_unsure(text):
                report.add(key, in_expression(fault, text), fault.cure)
            return None

    def _mentions_unsure(self, text: str) -> bool:
        return any(re.search(rf"{re.escape(name)}\b", text) for name in self._unsure or ())


def in_expression(fault: ExpressionFault, text: str) -> str:
    """What is wrong inside an expression, and where in it."""
    line = f"line {fault.line}, " if "\n" in text.strip("\n") else ""
    return f"{line}column {fault.column}: {fault.message}"
