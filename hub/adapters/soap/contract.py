"""One WSDL: its operations, its messages, its types."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import zeep
import zeep.exceptions
from lxml import etree
from zeep.wsdl.bindings.soap import SoapBinding

from hub.adapters.shape import Shape
from hub.adapters.soap.bindings import LITERAL, OperationUse, read_bindings
from hub.adapters.soap.files import ContractFiles, ContractUnreadable
from hub.adapters.soap.index import SchemaIndex
from hub.adapters.soap.kinds import Zeep, type_name
from hub.adapters.soap.message import Message, MessagePart, message_of
from hub.adapters.soap.types import Types
from hub.adapters.soap.validation import CannotCompile, Validator, Violation

_MOST_TOLD = 20
"""Operations that are listed where one is not found; vendors' contracts have hundreds."""

_Document: Zeep = zeep.wsdl.Document


@dataclass(frozen=True)
class SoapOperation:
    """One operation of one port."""

    service: str
    port: str
    name: str
    """The name by which a file asks for it: an overloaded one has its input's name after a slash."""
    version: str
    """Namespace of its envelopes."""
    action: str
    addressing: str | None
    """The WS-Addressing action, where the contract names one."""
    input: Message
    output: Message | None
    """None: it is one-way."""

    @property
    def body_element(self) -> str:
        """Local name of the first element in the Body of a request; empty where the Body is."""
        if self.input.rpc:
            return str(etree.QName(self.input.wrapper).localname)
        return str(self.input.body[0].element.qname.localname) if self.input.body else ""


class SoapContract:
    """One WSDL, parsed once and shared by every agency whose file names it. For use from several threads."""

    def __init__(self, path: Path, folder: Path) -> None:
        """Raises ContractUnreadable."""
        self._files = files = ContractFiles(path, folder)
        self._uses = read_bindings(files.definitions)
        files.freeze()
        settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=False)
        try:
            # forbid_external would keep zeep from our own copy of the SOAP encoding; `files` reads no others.
            self._document = _Document(files.address, files, settings=settings)
        except (zeep.exceptions.Error, etree.LxmlError, ValueError, LookupError) as wrong:
            raise ContractUnreadable(f"{path.name} is not a WSDL zeep can read: {wrong}") from wrong
        except (TypeError, AttributeError, AssertionError, NotImplementedError, RecursionError) as wrong:
            why = f"{type(wrong).__name__} {wrong}".strip()
            raise ContractUnreadable(f"{path.name} is not a WSDL zeep can read: {why}") from wrong
        self._index = SchemaIndex(files.schemas())
        self.types = Types(self._document.types, self._index)
        self._messages: dict[str, Any] = {}
        for definition in self._document._definitions.values():
            self._messages.update(definition.messages)
        self._lock = threading.Lock()
        self._validator: Validator | None = None
        self._uncompiled: str | None = None
        self._warnings = [*files.warnings, *self._unusable(), *self._lost_headers()]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was put right or left out, for people. Compiles the schemas, if that has not been done."""
        self._compiled()
        told = [f"values are not held against the schemas: {self._uncompiled}"] if self._uncompiled else []
        return tuple(dict.fromkeys([*self._warnings, *told]))

    @property
    def files(self) -> tuple[Path, ...]:
        """The WSDL and every file it refers to, itself first."""
        return self._files.paths

    @property
    def definitions(self) -> list[etree._Element]:
        """The WSDL documents, the contract itself first."""
        return self._files.definitions

    def schemas(self) -> Iterator[etree._Element]:
        """The schema documents, those inside a WSDL too."""
        for document in self._files.schemas():
            yield document.root

    def operations(self) -> Iterator[tuple[str, str, str]]:
        """Service, port and operation names of every SOAP binding, in the order of the document."""
        for service, port, use, _ in self._all():
            yield service, port, use.alias

    def _all(self) -> Iterator[tuple[str, str, OperationUse, Zeep]]:
        bound = set()
        for service in self._services():
            for port in service.ports.values():
                if isinstance(port.binding, SoapBinding):
                    bound.add(port.binding.name.text)
                    yield from self._operations(service.name, port.name, port.binding)
        # A contract need not say where: the endpoint is in the agency's file.
        for definition in self._document._definitions.values():
            for name, binding in definition.bindings.items():
                if name not in bound and isinstance(binding, SoapBinding):
                    bound.add(name)
                    yield from self._operations(binding.name.localname, binding.name.localname, binding)

    def _operations(
        self, service: str, port: str, binding: Zeep
    ) -> Iterator[tuple[str, str, OperationUse, Zeep]]:
        for alias, use in self._uses.get(binding.name.text, {}).items():
            abstract = binding.port_type.operations.get(alias) if binding.port_type else None
            if abstract is not None:
                yield service, port, use, abstract

    def _services(self) -> Iterator[Zeep]:
        """The services of the contract, and of the WSDLs it imports."""
        seen = set()
        for definition in self._document._definitions.values():
            for service in definition.services.values():
                if service.name not in seen:
                    seen.add(service.name)
                    yield service

    def _unusable(self) -> Iterator[str]:
        """Operations that bindings name and zeep could not make sense of."""
        usable = {(use.alias, id(use)) for _, _, use, _ in self._all()}
        for uses in self._uses.values():
            for use in uses.values():
                if (use.alias, id(use)) not in usable:
                    yield (
                        f"operation {use.alias} cannot be used: it is in no port type, or the types of its "
                        "messages are missing"
                    )

    def _lost_headers(self) -> Iterator[str]:
        """Headers that bindings name and the contract does not have."""
        for uses in self._uses.values():
            for use in uses.values():
                for header in use.input.headers if use.input is not None else ():
                    if header.message not in self._messages:
                        yield f"header {header.part} of {use.alias} is in no message of the contract"

    def find(self, operation: str, service: str | None, port: str | None) -> SoapOperation:
        """
        The operation, in the first port that has it where neither service nor port is named.

        Raises LookupError, with what there is to choose from: also for an overloaded name, and for one that
        several services have and mean differently.
        """
        found = [
            (service_name, port_name, use, abstract)
            for service_name, port_name, use, abstract in self._all()
            if use.alias == operation and service in (None, service_name) and port in (None, port_name)
        ]
        if not found:
            raise LookupError(self._choice(operation))
        if len({_meaning(abstract) for _, _, _, abstract in found}) > 1:
            choice = ", ".join(f"{each[0]}/{each[1]}" for each in found)
            raise LookupError(
                f"{operation} is not one operation but several: name service and port ({choice})"
            )
        service_name, port_name, use, abstract = found[0]
        return self._operation(service_name, port_name, use, abstract)

    def _choice(self, operation: str) -> str:
        overloaded = [alias for _, _, alias in self.operations() if alias.rpartition("/")[0] == operation]
        if overloaded:
            return f"{operation} is overloaded: write one of {', '.join(dict.fromkeys(overloaded))}"
        known = list(self.operations())
        if not known:
            return "the contract has no SOAP operation at all"
        if len(known) > _MOST_TOLD:
            near = get_close_matches(operation, [alias for _, _, alias in known], _MOST_TOLD, cutoff=0.3)
            told = [each for each in known if each[2] in near][:_MOST_TOLD] or known[:_MOST_TOLD]
            rest = f", and {len(known) - len(told)} more"
        else:
            told, rest = known, ""
        return f"the contract has {', '.join(map('/'.join, told))}{rest}"

    def _operation(self, service: str, port: str, use: OperationUse, abstract: Any) -> SoapOperation:
        if getattr(abstract, "input_message", None) is None:
            raise LookupError(f"{use.alias} takes no request: the agency would call us")
        output = None
        if use.output is not None and getattr(abstract, "output_message", None) is not None:
            output = self._message(abstract.output_message, use, f"{use.name}Response", is_input=False)
        return SoapOperation(
            service=service,
            port=port,
            name=use.alias,
            version=use.version,
            action=use.action,
            addressing=abstract.wsa_action,
            input=self._message(abstract.input_message, use, use.name, is_input=True),
            output=output,
        )

    def _message(self, abstract: Any, use: OperationUse, wrapper: str, *, is_input: bool) -> Message:
        told = (use.input if is_input else use.output) or LITERAL
        return message_of(abstract, told, rpc=use.rpc, wrapper=wrapper, messages=self._messages)

    def request_shape(self, operation: SoapOperation) -> Shape | None:
        """What the operation wants; None when it is a single value."""
        return operation.input.shape(self.types)

    def shape(self, kind: Any) -> Shape | None:
        """The parts of a schema type by name; None for simple types."""
        return self.types.shape(kind)

    def violations(self, part: MessagePart, element: etree._Element) -> list[Violation]:
        """What is wrong with a part that was written, as far as the schemas could be compiled."""
        validator = self._compiled()
        if validator is None or part.encoded:
            return []
        if element.getparent() is not None:
            # On its own, with every prefix that is declared around it.
            element = etree.fromstring(etree.tostring(element, with_tail=False))
        if not part.by_type:
            return validator.violations(element)
        kind = part.element.type
        return validator.violations(element, type_name(kind)) if self.types.is_named(kind) else []

    def _compiled(self) -> Validator | None:
        """The compiled schemas; None where libxml2 cannot compile them."""
        if self._validator is None and self._uncompiled is None:
            with self._lock:
                if self._validator is None and self._uncompiled is None:
                    names = dict.fromkeys(
                        type_name(part.type.resolve())
                        for message in self._messages.values()
                        for part in message.parts.values()
                        if part.type is not None and self.types.is_named(part.type.resolve())
                    )
                    try:
                        self._validator = Validator(self._files.schemas(), names)
                    except CannotCompile as wrong:
                        self._uncompiled = str(wrong)
        return self._validator


def _meaning(abstract: Any) -> tuple[str, str]:
    """What an operation takes and gives, by the names of its messages."""
    messages = (getattr(abstract, "input_message", None), getattr(abstract, "output_message", None))
    one, other = ("" if message is None else message.name.text for message in messages)
    return one, other
