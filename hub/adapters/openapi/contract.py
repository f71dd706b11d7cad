"""One OpenAPI document (3.0, 3.1) or Swagger 2.0 file, as the hub reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hub.adapters.openapi.document import Documents, Node
from hub.adapters.openapi.operation import (
    METHODS,
    Form,
    Media,
    RestOperation,
    read_operation,
    read_swagger_operation,
)
from hub.adapters.openapi.schema import Shapes
from hub.adapters.openapi.translation import Translation
from hub.adapters.openapi.validation import Validation
from hub.adapters.shape import Shape
from hub.adapters.soap import ContractUnreadable


class NotWritten(LookupError):
    """A body that the hub cannot write as the mapping has it; `key` is the one to be corrected."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(what)
        self.key = key


_PLACE = re.compile(r"\{[^{}]*\}")
_SEVERAL = 12
_AS_TEXT = (Form.URLENCODED, Form.MULTIPART, Form.XML)


class RestContract:
    """
    A contract, read once; for several threads.

    What is odd about it and does no harm stands in `warnings`. Parts that no mapping uses may be wrong.
    """

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        """`folder`: references lead to files below it; the file's own folder. Raises ContractUnreadable."""
        self._documents = Documents(folder or path.parent)
        document = self._documents.open(path)
        self._root = Node(document, document.value, "")
        self._warnings = self._documents.warnings
        # A number where the version stands without quotes: `openapi: 3.0`.
        self.version = str(self._root.get("openapi") or self._root.get("swagger") or "")
        if not isinstance(self._root.get("openapi") or self._root.get("swagger"), str) and self.version:
            self._warn(f"the version {self.version} stands without quotes")
        self._is_swagger = "openapi" not in document.value
        if not self.version.startswith("2" if self._is_swagger else "3"):
            raise ContractUnreadable(
                f"{path.name} is neither an OpenAPI 3 document nor a Swagger 2.0 file: it has no line "
                "`openapi: 3...` or `swagger: '2.0'`"
            )
        if not isinstance(self._root.get("paths"), dict):
            raise ContractUnreadable(f"{path.name} is not an OpenAPI document: it has no paths")
        self._documents.open_all(document)
        self._shapes = Shapes(self._documents)
        self._items: dict[str, Node] = {}
        for name, item in self._root.child("paths").children():
            if name.startswith("/"):
                self._items[name] = item
        self._operations = {
            (method.upper(), name): (item, method)
            for name, item in self._items.items()
            for item in [self._item(item)]
            for method in METHODS
            if isinstance(item.get(method), dict)
        }
        self._found: dict[tuple[str, str], RestOperation] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the document, one sentence each. Grows as parts of it are read."""
        return tuple(dict.fromkeys(self._warnings))

    @property
    def files(self) -> tuple[Path, ...]:
        """The document and every file it refers to."""
        return self._documents.files

    @property
    def document(self) -> Mapping[str, Any]:
        """The whole as plain data, every key a text."""
        return self._root.document.value

    @property
    def root(self) -> Node:
        """The whole as a place, to go down from."""
        return self._root

    @property
    def base_path(self) -> str:
        """The path of the contract's own address, without a slash at the end; "" where it has none."""
        if self._is_swagger:
            return str(self._root.get("basePath") or "").rstrip("/")
        server = self._root.child("servers", 0)
        url = str(server.get("url") or "")
        for name, variable in server.child("variables").children():
            url = url.replace("{" + name + "}", str(variable.get("default") or ""))
        try:
            return urlsplit(url).path.rstrip("/")
        except ValueError:
            return ""

    def operations(self) -> Iterator[tuple[str, str]]:
        """Method and path of every operation."""
        yield from self._operations

    def find(self, method: str, path: str) -> RestOperation:
        """
        The operation behind a method and a path as a mapping writes it: what stands in braces is filled in.

        A path that is written out counts before one with places (OpenAPI 3.1, 4.8.8.2); and where the
        contract has a place, a mapping may have a fixed word. Raises LookupError, with what there is to
        choose from, and ContractUnreadable.
        """
        place = self._place(method, path)
        if place is None:
            raise LookupError(self._choice(method, path))
        if place not in self._found:
            item, word = self._operations[place]
            self._found[place] = (
                read_swagger_operation(self._documents, self._root, item, word, place[1])
                if self._is_swagger
                else read_operation(self._documents, item, word, place[1])
            )
            if not self._found[place].answers:
                self._warn(f"{' '.join(place)} tells no responses")
        return self._found[place]

    def _item(self, item: Node) -> Node:
        try:
            return self._documents.resolve(item)
        except ContractUnreadable as wrong:
            self._warn(str(wrong))
            return item

    def _place(self, method: str, path: str) -> tuple[str, str] | None:
        wanted = [_PLACE.sub("{}", one) for one in dict.fromkeys((path, path.partition("?")[0]))]
        for one in wanted:
            for known in self._operations:
                if known[0] == method and _PLACE.sub("{}", known[1]) == one:
                    return known
        for known in self._operations:
            if known[0] == method and _fits(_PLACE.sub("{}", known[1]), wanted[-1]):
                return known
        return None

    def _choice(self, method: str, path: str) -> str:
        known = [" ".join(place) for place in self._operations]
        if len(known) <= _SEVERAL:
            return f"the contract has {', '.join(known) or 'no operation'}"
        near = get_close_matches(f"{method} {path}", known, n=5, cutoff=0.3)
        return f"the contract has {len(known)} operations; the most like it are {', '.join(near)}"

    # --- what an operation says -----------------------------------------------------------------------

    def body(self, operation: RestOperation, form: str | None = None) -> Media | None:
        """
        What a request is written in: the one of this form; else JSON where the contract takes it; else the
        first that the hub can write. None where the contract tells no body. Raises NotWritten.
        """
        bodies = operation.bodies
        if form is not None:
            found = [media for media in bodies if media.form == form]
            if not found and bodies:
                anything = next((media for media in bodies if "*" in media.type), None)
                if anything is None:
                    known = ", ".join(media.type for media in bodies)
                    raise NotWritten("format", f"the contract takes {known}, which is not {form}")
                return replace(anything, form=Form(form))
            return next(iter(found), None)
        for wanted in (Form.JSON, Form.XML, Form.URLENCODED, Form.MULTIPART, Form.TEXT, Form.BYTES):
            for media in bodies:
                if media.form is wanted:
                    return media
        return None

    def request_shape(self, operation: RestOperation, form: str | None = None) -> Shape | None:
        """What the body of a request must look like; None where the contract does not say."""
        media = self.body(operation, form)
        return None if media is None or media.schema is None else self._shapes.shape(media.schema, sent=True)

    def request_validation(self, media: Media | None) -> Validation | None:
        """What the body of a request is held against; None where the contract does not say."""
        if media is None or media.schema is None:
            return None
        return self.validation(media.schema, texts=media.form in _AS_TEXT)

    def validation(self, schema: Node, *, texts: bool = False) -> Validation:
        """Raises ContractUnreadable."""
        return Validation(Translation(self._documents, self._warn).translate(schema), texts=texts)

    def reply_shapes(self, operation: RestOperation) -> list[Shape | None]:
        """The shapes of the bodies of good answers, where the contract tells them."""
        shapes: list[Shape | None] = []
        for media in operation.good_answers:
            if media.form in (Form.JSON, Form.XML, Form.URLENCODED) and media.schema is not None:
                try:
                    shapes.append(self._shapes.whole(media.schema))
                except ContractUnreadable as wrong:
                    # Answers are read as they come; only requests stand or fall by their schema.
                    self._warn(f"{operation.method} {operation.path}: {wrong}")
                    return []
        return shapes

    def body_required(self, operation: RestOperation) -> bool:
        return operation.body_required

    def required_parameters(self, operation: RestOperation, where: str) -> list[str]:
        """Names of the required parameters in `query`, `header`, `path` or `cookie`."""
        return operation.required_parameters(where)

    def shape(self, schema: Node, *, sent: bool = False) -> Shape | None:
        """The members of a schema; None for a single value. Raises ContractUnreadable."""
        return self._shapes.shape(schema, sent=sent)

    def resolve(self, node: Node) -> Node:
        """What a node stands for. Raises ContractUnreadable."""
        return self._documents.resolve(node)

    def _warn(self, what: str) -> None:
        if what not in self._warnings:
            self._warnings.append(what)


def _fits(pattern: str, path: str) -> bool:
    """Whether a path with fixed words goes where the contract has places."""
    known, given = pattern.split("/"), path.split("/")
    return len(known) == len(given) and all(
        _segment(one).fullmatch(other) is not None if "{}" in one and other != "{}" else one == other
        for one, other in zip(known, given, strict=True)
    )


def _segment(pattern: str) -> re.Pattern[str]:
    return re.compile(".+".join(map(re.escape, pattern.split("{}"))))
