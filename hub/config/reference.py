"""
The reference of keys, `README.md` of the configuration folder: every key with type, default and meaning.

Made from the models, so that it cannot say anything else than what loading checks by. To write it, and the
JSON Schema beside it: `python -m hub.config.reference <folder>`.
"""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Iterator
from enum import EnumType
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from hub.config import models
from hub.config.models import FileModel, Says
from hub.config.models.base import Holds
from hub.config.schema import write_schema

FILE_NAME = "README.md"

_FILES: tuple[tuple[str, type[FileModel]], ...] = (
    ("agencies/&lt;agency&gt;.yaml", models.AgencyFile),
    ("attributes.yaml", models.AttributesFile),
    ("lists.yaml", models.ListsFile),
    ("exemptions.yaml", models.ExemptionsFile),
    ("calendar.yaml", models.CalendarsFile),
    ("policy.yaml", models.PolicyFile),
    ("risk.yaml", models.RiskFile),
    ("watch.yaml", models.WatchFile),
    ("retention.yaml", models.RetentionFile),
)
_HEAD = """\
# The configuration folder: every key

Made from the code that checks the files (`make reference`); `docs/adding-an-agency.md` is the way through it.
`hub agency check NAME` tells all faults of an agency's file at once, with line and cure; editors complete and
check keys by `agency.schema.json`, which the first line of each agency's file names.

- **expression**: CEL after an equals sign, as `=reply.number`; bare in `needed_when` and `prohibited_when`.
- **tree**: values and mappings whose texts may be expressions; `==x` is the text `=x`.
- **`env:NAME`**: read from the environment where the hub runs. Secrets are never written into a file.
- **duration**: `20s`, `5m`, `48h`, `30d`. **term**: a duration, or working days as `3wd`, `2wd+4h`.
- **text by language**: `{en: ..., ko: ...}`; `en` is required.
- Quote codes: unquoted `06` is a number that loses its zero, and a fault. Unknown keys are faults.
"""
_PLAIN: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Any: "any",
    dict[str, str]: "text by language",
}
_HELD: dict[Holds, str] = {
    Holds.SECRET: "`env:NAME`",
    Holds.KEY_FILE: "`env:NAME` of a path",
    Holds.TRUST_FILE: "path below the folder, or `env:NAME` of a path",
    Holds.OPEN: "text, or `env:NAME`",
}


def reference_text() -> str:
    """The reference as it stands in the configuration folder (Markdown)."""
    parts = [_HEAD]
    told: set[type[FileModel]] = set()
    for name, model in _FILES:
        parts.append(f"## {name}\n")
        places: dict[type[FileModel], list[str]] = {}
        _walk(model, "", places)
        parts += [_section(one, at) for one, at in places.items() if one not in told]
        told |= places.keys()
    return "\n".join(parts)


def _walk(model: type[FileModel], at: str, places: dict[type[FileModel], list[str]]) -> None:
    """Where each model stands, in the order of the keys."""
    places.setdefault(model, []).append(at)
    for name, hint in typing.get_type_hints(model).items():
        if name in model.model_fields:
            step = f".{name}.<name>" if get_origin(hint) is dict else f".{name}"
            for inner in _models(hint):
                _walk(inner, f"{at}{step}".removeprefix("."), places)


def write_reference(folder: Path) -> Path:
    """Write the reference into a configuration folder; its path."""
    path = folder / FILE_NAME
    path.write_text(reference_text(), encoding="utf-8")
    return path


def _section(model: type[FileModel], places: list[str]) -> str:
    lines = [f"### {_title(model)}", "", inspect.cleandoc(model.__doc__ or ""), ""]
    if places != [""]:
        lines += [f"At {', '.join(f'`{place}`' for place in places)}.", ""]
    lines += ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    hints = typing.get_type_hints(model, include_extras=True)
    for name, field in model.model_fields.items():
        cells = (f"`{field.alias or name}`", _type(hints[name]), _default(field), _meaning(field))
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join([*lines, ""])


def _title(model: type[FileModel]) -> str:
    """A model's name as words: `WsSecurityAuth` is "ws security auth"."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in model.__name__)
    return words.strip().removesuffix(" file").replace("h mac", "hmac").replace("o auth2", "oauth2")


def _meaning(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "none"
    if isinstance(value, FileModel):
        return "its defaults"
    if value in ({}, [], ()):
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`" if value != "" else "empty"


def _type(hint: Any) -> str:
    for part in getattr(hint, "__metadata__", ()):
        if isinstance(part, Says):
            return part.what
        if isinstance(part, Holds):
            return _HELD[part]
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, inner = get_origin(hint), get_args(hint)
    if origin is typing.Annotated:
        return _type(inner[0])
    if origin is Literal:
        return " or ".join(f"`{word}`" for word in inner)
    if origin in (Union, types.UnionType):
        kinds = [_type(one) for one in inner if one is not type(None)]
        return "single value" if len(kinds) > 3 else " or ".join(dict.fromkeys(kinds))
    if origin is list:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return f"by name: {_type(inner[1])}"
    if isinstance(hint, EnumType):
        return " or ".join(f"`{member.value}`" for member in hint)  # type: ignore[var-annotated]
    if inspect.isclass(hint) and issubclass(hint, FileModel):
        title = _title(hint)
        return f"[{title}](#{title.replace(' ', '-')})"
    return "text"


def _models(hint: Any) -> Iterator[type[FileModel]]:
    if inspect.isclass(hint) and issubclass(hint, FileModel):
        yield hint
    for inner in get_args(hint):
        yield from _models(inner)


def main() -> None:
    """Write reference and schema into the folder named by the first argument."""
    folder = Path(sys.argv[1])
    write_schema(folder)
    write_reference(folder)


if __name__ == "__main__":
    main()
