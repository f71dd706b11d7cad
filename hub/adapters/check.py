"""Channels checked against their contracts before anything is sent: a dry run of every mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from hub.adapters.advice import Vocabulary, meant, meant_operation
from hub.adapters.channel import Contracts, Preparation
from hub.adapters.context import agency_context, dossier_context, information_context, withdrawal_context
from hub.adapters.least import holds, least, unreadable
from hub.adapters.openapi import NotWritten, RestContract
from hub.adapters.rest import RestCall
from hub.adapters.rest.trial import lacking, misses
from hub.adapters.sample import SAMPLE_TIME, sample_dossiers, sample_information, sample_withdrawal
from hub.adapters.secrets import SecretMissing
from hub.adapters.shape import Path as KeyPath
from hub.adapters.shape import hollow, misfits, sample
from hub.adapters.soap import ContractUnreadable, SoapCall
from hub.adapters.soap import trial as soap_trial
from hub.adapters.wire import Context, Credentials, Misfit
from hub.config.models import AgencyFile, DecisionReading, LoginFile, OperationFile
from hub.expressions import Expression, ExpressionFailed, ExpressionFault, TreeFaults, roots

_ENDPOINT = "https://agency.invalid"
_GUARD = {
    "soap": 'guard it, as reply.Part == null ? "" : reply.Part.Name, or name the part in `when`',
    "rest": 'guard it, as reply.?part.?name.orValue(""), or name the part in `when`',
}
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class ChannelFault:
    """
    One thing wrong with a channel. `agency` is the name under which its file was given, `key` the way to it
    in that file, as `("channel", "submit", "request", "Items")`.
    """

    agency: str
    key: KeyPath
    what: str
    cure: str
    warning: bool = False
    """It is legal and unwise, and stops nobody."""


def check_channels(
    agencies: Mapping[str, AgencyFile],
    folder: Path,
    environment: Mapping[str, str],
    contracts: Contracts | None = None,
) -> list[ChannelFault]:
    """
    Every fault of every channel, as far as contracts and mappings can tell.

    Operations must be in the contract; what a mapping gives must fit it, for each service and procedure, when
    everything is declared; no expression may fail when only what a declaration must hold is declared; and
    what is read from an answer must be something the contract lets an answer hold. `contracts` are those
    below the folder, where they have been read already.
    """
    contracts = contracts or Contracts(folder)
    faults: list[ChannelFault] = []
    for name, file in agencies.items():
        faults += dict.fromkeys(_Check(name, file, contracts, environment).faults())
    return faults


class _Check:
    """The check of one agency's channel."""

    def __init__(
        self, name: str, file: AgencyFile, contracts: Contracts, environment: Mapping[str, str]
    ) -> None:
        self._name = name
        self._file = file
        self._contracts = contracts
        # The zone plays no part in whether a mapping fits.
        self._preparation = Preparation(file, contracts, environment, _UTC)
        self._failed: set[tuple[KeyPath, str]] = set()
        self._header: Context = {}
        """What an answer of the operation under way is declared to have in its envelope's Header."""
        self._vocabulary = Vocabulary(file.verdicts)

    def faults(self) -> Iterator[ChannelFault]:
        channel = self._file.channel
        try:
            self._preparation.endpoint()
        except SecretMissing:
            pass  # loading tells of variables that are not set
        except ContractUnreadable as wrong:
            yield self._fault(("endpoint",), str(wrong), "write it as https://host/path, or env:NAME")
        try:
            contract = (
                self._contracts.soap(channel.contract)
                if channel.adapter == "soap"
                else self._contracts.rest(channel.contract)
            )
        except ContractUnreadable as wrong:
            yield self._fault(("contract",), str(wrong), "put the agency's WSDL or OpenAPI document there")
            return
        proof = {"secret": dict.fromkeys(channel.secrets, "1"), "session": {"token": "1"}}
        if channel.login is not None:
            seen = agency_context(self._file) | {"secret": proof["secret"], "whole": True}
            yield from self._operation(("login",), channel.login, roots.LOGIN, [seen])
        dossiers = [
            dossier_context(dossier, self._file) | {"whole": whole, **proof}
            for dossier, whole in sample_dossiers(self._file)
        ]
        yield from self._operation(("submit",), channel.submit, roots.SUBMIT, dossiers)
        for name, writing in roots.FOLLOWING.items():
            file: OperationFile | None = getattr(channel, name)
            if file is not None:
                seen_there = [one | _added(name, one) for one in dossiers]
                yield from self._operation((name,), file, writing, seen_there)
        if channel.feed is not None:
            agency = agency_context(self._file) | {"whole": True, **proof}
            page = {"page": {"number": 1, "cursor": ""}}
            yield from self._operation(("feed", "pull"), channel.feed.pull, roots.PULL, [agency | page])
            yield from self._operation(
                ("feed", "acknowledge"),
                channel.feed.acknowledge,
                roots.ACKNOWLEDGE,
                [agency | {"ids": ["1", "2"], "id": "1"}],
            )
            if channel.feed.reject is not None:
                refused = {"ids": ["1", "2"], "id": "1", "reason": "not understood"}
                yield from self._operation(
                    ("feed", "reject"), channel.feed.reject, roots.REJECT, [agency | refused]
                )
            yield from self._feed()
        if channel.callback is None and channel.feed is None:
            yield from (self._warning(*told) for told in self._vocabulary.strange())
        yield from self._base_path(contract)
        # Last, for a contract is read no further than it has to be.
        for blemish in contract.warnings:
            cure = "it is read all the same; tell the agency of it"
            yield self._warning(("channel", "contract"), blemish, cure)

    def _base_path(self, contract: Any) -> Iterator[ChannelFault]:
        """The contract's own address is never used, but its path may tell what ours lacks."""
        if not isinstance(contract, RestContract) or not contract.base_path:
            return
        try:
            path = urlsplit(self._preparation.endpoint()).path
        except (SecretMissing, ContractUnreadable):
            return  # told already, or not known here
        if not path.strip("/"):
            yield self._warning(
                ("channel", "endpoint"),
                f"the contract's own address has the path {contract.base_path}, and the endpoint has none",
                "add it to the endpoint, unless the agency said otherwise",
            )

    def _operation(
        self, key: KeyPath, file: OperationFile, writing: Collection[str], contexts: Sequence[dict[str, Any]]
    ) -> Iterator[ChannelFault]:
        reading = {"feed": roots.FEED_READING, "login": roots.LOGIN_READING}.get(str(key[0]), roots.READING)
        soap = self._file.channel.adapter == "soap"
        if (file.operation is None) if soap else (file.method is None or file.path is None):
            return  # loading tells of keys that are missing
        yield from self._own_endpoint(key, file)
        file = file.model_copy(update={"endpoint": None})
        try:
            call = self._preparation.operation(file, _ENDPOINT, Credentials(), writing, reading).call
        except NotWritten as wrong:
            yield self._fault((*key, wrong.key), str(wrong), f"correct or add `{wrong.key}`")
            return
        except LookupError as wrong:
            yield self._fault(
                (*key, "operation" if soap else "path"),
                str(wrong.args[0]),
                f"did you mean {like!r}?"
                if (like := meant_operation(file, str(wrong.args[0])))
                else "name an operation of the contract",
            )
            return
        except ContractUnreadable as wrong:
            yield self._fault(("contract",), str(wrong), "correct the contract")
            return
        except (ExpressionFault, TreeFaults):
            return  # loading tells of expressions that are wrong in themselves
        for context in contexts:
            yield from self._dry_run(key, file, call, context)
        if isinstance(call, RestCall):
            for miss in lacking(call, file):
                yield self._fault((*key, *miss.key), miss.what, miss.cure)
        yield from self._readings(key, file, call)

    def _own_endpoint(self, key: KeyPath, file: OperationFile) -> Iterator[ChannelFault]:
        if file.endpoint is None:
            return
        try:
            self._preparation.endpoint(file)
        except SecretMissing:
            pass  # loading tells of variables that are not set
        except ContractUnreadable as wrong:
            yield self._fault((*key, "endpoint"), str(wrong), "write it as https://host/path, or env:NAME")

    def _dry_run(
        self, key: KeyPath, file: OperationFile, call: SoapCall | RestCall, context: dict[str, Any]
    ) -> Iterator[ChannelFault]:
        about = "" if context["whole"] else " when nothing is declared that may be left out"
        if isinstance(call, SoapCall):
            lost = list(soap_trial.header_misses(call, file, context))
            yield from (self._fault((*key, *miss.key), miss.what, miss.cure) for miss in lost)
            if lost:
                return
        try:
            arguments = call.arguments(context)
        except ExpressionFailed as failed:
            at = (*key, "request", *failed.key)
            # What fails however much is declared fails also when little is.
            if (at, failed.reason) not in self._failed:
                self._failed.add((at, failed.reason))
                like = meant(failed.reason, context)
                yield self._fault(
                    at,
                    f"{failed.text} fails{about}: {failed.reason}",
                    f"did you mean {like!r}?"
                    if like
                    else "ask whether it is there, as in i.attributes.?used.orValue(false)",
                )
            return
        shape = call.request_shape
        held = {} if arguments is None else arguments
        if shape is not None and not context["whole"]:
            for at in hollow(held, shape):
                yield self._fault(
                    (*key, "request", *_names(at)),
                    f"{'.'.join(_names(at))} lacks what the contract requires in it{about}",
                    'leave it out then, as in i.net_mass_kg == "" ? {} : {...}',
                )
            return
        wrong = list(misfits(held, shape)) if shape is not None else []
        for at, what in wrong:
            yield self._fault(
                (*key, "request", *_names(at)),
                f"{'.'.join(_names(at)) or 'the request'} {what}",
                "write the request as the contract has it",
            )
        if not wrong:
            yield from self._writing(key, file, call, context, about)

    def _writing(
        self,
        key: KeyPath,
        file: OperationFile,
        call: SoapCall | RestCall,
        context: dict[str, Any],
        about: str,
    ) -> Iterator[ChannelFault]:
        try:
            if isinstance(call, SoapCall):
                for miss in soap_trial.misses(call, file, context, SAMPLE_TIME):
                    yield self._fault((*key, *miss.key), miss.what, miss.cure)
            elif context["whole"]:
                for miss in misses(call, file, context):
                    yield self._fault((*key, *miss.key), miss.what, miss.cure)
            else:
                call.draft(context)
        except (Misfit, ExpressionFailed) as wrong:
            yield self._fault(key, f"the request cannot be written{about}: {wrong}", "correct the mapping")

    def _readings(
        self, key: KeyPath, file: OperationFile, call: SoapCall | RestCall
    ) -> Iterator[ChannelFault]:
        self._header = _declared_header(call)
        replies = [self._reply(shape) for shape in self._reply_shapes(file, call)]
        if not replies:
            return
        read = [((*key, "receipt", "reference"), file.receipt.reference), ((*key, "found"), file.found)]
        read += [((*key, "receipt", "values", name), text) for name, text in file.receipt.values.items()]
        if file.decision is not None:
            read += [((*key, "decision", name), text) for name, text in _texts(file.decision)]
        if isinstance(file, LoginFile):
            read += [((*key, "token"), file.token), ((*key, "expires_in"), file.expires_in)]
        for at, text in read:
            if text is not None:
                yield from self._reading(at, text, replies)
        if file.decision is not None:
            for shape in self._reply_shapes(file, call):
                told = self._vocabulary.heard(key, file.decision, shape, self._reply(shape))
                yield from (self._warning(*each) for each in told)
        yield from self._least(key, file, call)

    def _least(self, key: KeyPath, file: OperationFile, call: SoapCall | RestCall) -> Iterator[ChannelFault]:
        """Warnings of what is read and need not be there: such an answer would call a person."""
        read: list[tuple[tuple[str, ...], str | None]] = [(("receipt", "reference"), file.receipt.reference)]
        read += [(("receipt", "values", name), text) for name, text in file.receipt.values.items()]
        told = set()
        for shape in self._reply_shapes(file, call):
            if shape is None or not shape.parts:
                continue
            context = self._reply(shape) | {"reply": least(shape, nulls=isinstance(call, SoapCall))}
            decided = file.decision
            texts = [] if file.found is not None and not holds(file.found, context) else list(read)
            if decided is not None:
                when = holds(decided.when, context) if decided.when is not None else True
                some = [("when", decided.when)] if when is None else _texts(decided) if when else []
                texts += [(("decision", name), text) for name, text in some]
            named = [(at, text) for at, text in texts if text is not None]
            for at, reason in unreadable(named, context):
                if at not in told:
                    told.add(at)
                    yield self._warning(
                        ("channel", *key, *at),
                        f"the contract does not promise what it reads ({reason}): an answer without it would "
                        "not be understood, and call a person",
                        _GUARD[self._file.channel.adapter],
                    )

    def _reading(self, at: KeyPath, text: str, contexts: Sequence[Context]) -> Iterator[ChannelFault]:
        reasons = []
        for context in contexts:
            try:
                expression = Expression(text, frozenset(context))
                if "headers" in expression.roots or self._is_of_another_header(expression):
                    return  # which headers come with an answer, contracts seldom tell
                expression.evaluate(context)
            except ExpressionFailed as failed:
                reasons.append(failed.reason)
            except ExpressionFault:
                return  # loading tells of it
        # A sample holds values of no meaning, so only a part that no answer can have is a fault.
        if len(reasons) == len(contexts) and all(reason.startswith("no key") for reason in reasons):
            like = next((found for c in contexts if (found := meant(reasons[0], c))), None)
            yield self._fault(
                at,
                f"{text} reads what the contract's answer does not have: {reasons[0]}",
                f"did you mean {like!r}?" if like else "correct the name",
            )

    def _is_of_another_header(self, expression: Expression) -> bool:
        """Whether it reads a SOAP header part that the contract does not declare, and agencies may send."""
        if "header" not in expression.roots or self._file.channel.adapter == "rest":
            return False
        read = {path[1] for path in expression.reads if path[0] == "header" and path[1:]}
        return not read or not read <= set(self._header)

    def _feed(self) -> Iterator[ChannelFault]:
        feed = self._file.channel.feed
        assert feed is not None
        try:
            call = self._preparation.operation(
                feed.pull, _ENDPOINT, Credentials(), roots.PULL, roots.FEED_READING
            ).call
        except (LookupError, ContractUnreadable, ExpressionFault, TreeFaults):
            return  # told above
        self._header = _declared_header(call)
        replies = [self._reply(shape) for shape in self._reply_shapes(feed.pull, call)]
        messages: list[Any] = []
        for context in replies:
            try:
                listed = Expression(feed.messages, roots.FEED_READING).evaluate(context)
            except (ExpressionFailed, ExpressionFault):
                continue
            messages += listed if isinstance(listed, list) else []
        if replies:
            yield from self._reading(("feed", "messages"), feed.messages, replies)
            if feed.next_page is not None:
                yield from self._reading(("feed", "next_page"), feed.next_page, replies)
        if not messages:
            return
        contexts = [agency_context(self._file) | {"message": one, "headers": {}} for one in messages]
        named = [("id", feed.message.id), ("referral", feed.message.referral)]
        named.append(("agency_reference", feed.message.agency_reference))
        read: list[tuple[KeyPath, str | None]] = [(("feed", "message", name), text) for name, text in named]
        read += [
            (("feed", "message", "decision", name), text) for name, text in _texts(feed.message.decision)
        ]
        for at, text in read:
            if text is not None:
                yield from self._reading(at, text, contexts)

    def _reply_shapes(self, file: OperationFile, call: SoapCall | RestCall) -> Sequence[Any]:
        if isinstance(call, SoapCall):
            return call.reply_shapes
        contract = self._contracts.rest(self._file.channel.contract)
        shapes = contract.reply_shapes(call.operation)
        # Where the contract lets anything stand, nothing can be said.
        return [] if any(shape is not None and not shape.parts for shape in shapes) else shapes

    def _reply(self, shape: Any) -> dict[str, Any]:
        dossier, _ = next(sample_dossiers(self._file))
        return {
            **dossier_context(dossier, self._file),
            "reply": sample(shape),
            "status": 200,
            "headers": {},
            "header": self._header,
            "fault": "",
        }

    def _fault(self, key: KeyPath, what: str, cure: str) -> ChannelFault:
        return ChannelFault(agency=self._name, key=("channel", *key), what=what, cure=cure)

    def _warning(self, key: KeyPath, what: str, cure: str) -> ChannelFault:
        return ChannelFault(agency=self._name, key=key, what=what, cure=cure, warning=True)


def _added(name: str, context: Context) -> dict[str, Any]:
    """What the requests of an operation see otherwise than those of a look-up, or beside it."""
    match name:
        case "amend":
            return {"referral": {**context["referral"], "revision": 2}}
        case "withdraw":
            return withdrawal_context(sample_withdrawal(whole=context["whole"]))
        case "inform":
            return information_context(sample_information(whole=context["whole"]))
    return {}


def _names(at: KeyPath) -> tuple[str, ...]:
    """A path without the places in lists, which the mapping does not have."""
    return tuple(step for step in at if isinstance(step, str))


def _declared_header(call: SoapCall | RestCall) -> Context:
    return dict(sample(call.reply_header_shape)) if isinstance(call, SoapCall) else {}


def _texts(decision: DecisionReading) -> list[tuple[str, str | None]]:
    return [(name, getattr(decision, name)) for name in DecisionReading.model_fields]
