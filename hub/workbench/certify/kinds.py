"""What a request of the hub is for: told by what is on the wire, from the agency's file and its contract."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree

from hub.adapters.channel import Contracts
from hub.adapters.soap import ContractUnreadable
from hub.config.models import AgencyFile, OperationFile
from hub.workbench.certify.wire import Headers
from hub.workbench.operations import operations_of

OTHER = "other"
_HOLE = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True)
class _Sign:
    """By what the requests of one operation are known; an empty part says nothing."""

    kind: str
    method: str
    path: re.Pattern[str]
    action: str = ""
    element: str = ""

    @property
    def exactness(self) -> int:
        """How much of it is said literally: of two that fit, the more exact is meant."""
        return len(self.path.pattern) + len(self.action) + len(self.element)


class RequestKinds:
    """
    Tells the requests of one agency's operations apart.

    REST by method and path, SOAP by the action and the first element of the body.
    """

    def __init__(self, file: AgencyFile, folder: Path, base_path: str) -> None:
        """`base_path` is the path of the endpoint."""
        self._contracts = Contracts(folder)
        self._file = file
        oauth2 = file.channel.auth.oauth2
        self._token_path = None if oauth2 is None else urlsplit(oauth2.token_url).path
        signs = [self._sign(place.name, place.file, base_path) for place in operations_of(file)]
        self._signs = sorted(signs, key=lambda sign: -sign.exactness)

    def __call__(self, method: str, target: str, headers: Headers, body: bytes) -> str:
        path = urlsplit(target).path
        if self._token_path is not None and method == "POST" and path == self._token_path:
            return "token"
        action, element = _soap(headers, body) if self._file.channel.adapter == "soap" else ("", "")
        for sign in self._signs:
            if sign.method != method or not sign.path.fullmatch(path):
                continue
            if sign.element and sign.element != element:
                continue
            if sign.action and sign.action != action:
                continue
            return sign.kind
        return OTHER

    def _sign(self, kind: str, operation: OperationFile, base_path: str) -> _Sign:
        own = urlsplit(operation.endpoint or "").path if operation.endpoint else base_path
        if self._file.channel.adapter == "rest":
            # What fills a hole is percent-encoded, and may hold encoded slashes only.
            literal = _HOLE.split(operation.path or "")
            path = re.escape(own.rstrip("/")) + "[^/]*".join(re.escape(part) for part in literal)
            return _Sign(kind, operation.method or "POST", re.compile(path))
        action, element = self._soap_operation(operation)
        return _Sign(kind, "POST", re.compile(".*"), operation.soap_action or action, element)

    def _soap_operation(self, operation: OperationFile) -> tuple[str, str]:
        name = operation.operation or ""
        try:
            contract = self._contracts.soap(self._file.channel.contract)
            found = contract.find(name, operation.service, operation.port)
        except (ContractUnreadable, LookupError):
            return "", name  # the check of the file tells why; here the name is the best guess
        return found.action.strip('"'), found.body_element or name


def _soap(headers: Headers, body: bytes) -> tuple[str, str]:
    """Action and name of the body's first element."""
    named = {name.lower(): value for name, value in headers}
    action = named.get("soapaction", "").strip().strip('"')
    if not action:
        # SOAP 1.2 part 2, section 6.5.3: a parameter of the media type.
        found = re.search(r'action="?([^";]+)', named.get("content-type", ""))
        action = found[1] if found else ""
    try:
        envelope = etree.fromstring(body)
    except etree.LxmlError:
        return action, ""
    for child in envelope:
        if isinstance(child.tag, str) and etree.QName(child).localname == "Body":
            return action, next((etree.QName(e).localname for e in child if isinstance(e.tag, str)), "")
    return action, ""
