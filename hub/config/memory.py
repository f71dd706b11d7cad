"""What has been found out about files, by their content: found out once, however often they are looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from hub.config.sources import Source, Unread
from hub.config.yaml import Document, YamlFault, read

_REMEMBERED = 512
"""Several times the files of any installation; what was not asked for longest is forgotten first."""

_V = TypeVar("_V")


class Memory(Generic[_V]):
    """Findings, each by all that it depends on."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, _V] = OrderedDict()

    def recall(self, key: Hashable, find_out: Callable[[], _V]) -> _V:
        """What is known, or is found out now."""
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        found = self._known[key] = find_out()
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found


class Documents:
    """YAML files as they were read. A document that was handed out is never changed."""

    def __init__(self) -> None:
        self._known: Memory[Document] = Memory()

    def read(self, source: Source) -> Document:
        """A file's document; what is wrong with it stands in its faults."""
        content = source.content
        if isinstance(content, Unread):
            return Document(faults=[YamlFault(1, (), content.what, content.cure)])
        return self._known.recall(source.digest, lambda: read(content))

    def plain(self, content: bytes) -> Any:
        """A file as plain data; None when it cannot be read."""
        return self.read(Source(content)).data
