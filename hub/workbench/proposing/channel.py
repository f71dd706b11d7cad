"""The channel of a proposal: every operation, and how its answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.adapters.shape import Shape
from hub.config.models import AttributeFile
from hub.config.unfinished import MARK
from hub.workbench.proposing.authentication import Credentials
from hub.workbench.proposing.changing import CHANGES, aliases
from hub.workbench.proposing.operating import Operation, Operations, acknowledging, pull_parameters
from hub.workbench.proposing.operations import Names, answer_of, messages_of, names_of
from hub.workbench.proposing.places import Dialect, Place, places
from hub.workbench.proposing.readings import Answer, Decision, message
from hub.workbench.proposing.roles import Roles, Wanted, choose
from hub.workbench.proposing.survey import Incoming, Offer, Survey
from hub.workbench.proposing.tree import Alias, Branch, Leaf, Node, Row, leaves, todo
from hub.workbench.proposing.trial import Trial
from hub.workbench.proposing.words import words

_FEW = 6
_FIRST = ("adapter", "contract", "endpoint", "auth", "secrets")
_DECIDING = ("amend", "inform")
_AFTERWARDS = {
    "amend": "other content, under the same reference",
    "withdraw": "it is asked no more",
    "inform": "what the declarant answers to its question",
    "remind": "its time is running out",
}
_DUPLICATE = ("duplicate", "already", "exists", "before", "conflict", "중복", "이미")


@dataclass
class Channel:
    """A proposed channel, and what the rest of the file needs to know of it."""

    tree: Branch
    roles: Roles
    answers: str
    """How decisions come back; "" when the contract does not say."""
    words: dict[str, str] = field(default_factory=dict)
    """The words for decisions that the contract lists, and what it says of each."""


class Making:
    """Makes the channel of one contract."""

    def __init__(
        self, survey: Survey, trial: Trial, attributes: Mapping[str, AttributeFile], credentials: Credentials
    ) -> None:
        self._survey = survey
        self._operations = Operations(trial, attributes)
        self._credentials = credentials
        self._words: dict[str, str] = {}
        self._proving: dict[str, str] = {}

    def channel(self, wanted: Wanted, contract: str, endpoint: Leaf) -> Channel:
        """Raises NoOperation."""
        roles = choose(self._survey, wanted, lambda offer: self._operations.submit(offer, {}).ours)
        logged_in = roles.login is not None
        self._proving = self._carried(roles)
        submit = self._operations.submit(roles.submit, self._proof(roles.submit, logged_in))
        names = names_of(roles.submit, submit.ours, self._survey.offers)
        entries: dict[str, Node] = {
            "adapter": Leaf(self._survey.adapter),
            "contract": Leaf(contract),
            "endpoint": endpoint,
            "auth": self._credentials.auth(
                self._survey, logged_in=logged_in, carried=bool(self._credentials.secrets)
            ),
            "limits": Branch(
                {"timeout": Leaf("20s"), "concurrency": Leaf(8), "per_second": Leaf(10)},
                comment="how hard it may be pushed",
            ),
        }
        for offer in (roles.submit,) if logged_in and roles.submit.method else ():
            if not _session(offer):
                submit.entries = _with_bearer(submit.entries)
        if roles.login is not None:
            entries["login"] = Branch(self._login(roles.login), spread=True)
        if self._credentials.secrets:
            entries["secrets"] = Branch(self._credentials.secrets)
            entries = {name: entries[name] for name in (*_FIRST, *entries) if name in entries}
        changes = self._changed(roles, wanted, names, logged_in)
        submitting = self._submit(roles, submit, names)
        submitting.notes = _also(roles, changes)
        entries["submit"] = submitting
        if roles.look_up is not None:
            decided = roles.poll is None  # else it is asked soon enough
            entries["look_up"] = self._look_up(roles.look_up, names, logged_in, decided=decided)
        if roles.poll is not None:
            entries["poll"] = self._poll(roles.poll, names, logged_in)
        entries |= changes
        if roles.pull is not None:
            entries["feed"] = self._feed(roles, names)
        callback = self._callback(names, self._answers(roles))
        if callback is not None:
            entries["callback"] = callback
        _share_decisions(entries)
        return Channel(Branch(entries, spread=True), roles, self._answers(roles, callback), self._words)

    def _carried(self, roles: Roles) -> dict[str, str]:
        """The elements by which requests prove the hub, where the contract knows no other way."""
        if roles.login is not None or self._survey.proofs:
            return {}
        offers = (roles.submit, roles.look_up, roles.poll)
        return self._credentials.carried([offer for offer in offers if offer is not None])

    def _proof(self, offer: Offer, logged_in: bool) -> dict[str, str]:
        """Which elements of a request hold what proves the hub."""
        return _session(offer) if logged_in else self._proving

    # --- the operations ---------------------------------------------------------------------------------

    def _submit(self, roles: Roles, operation: Operation, names: Names) -> Branch:
        offer = roles.submit
        entries = dict(operation.entries)
        if offer.replies:
            answer = answer_of(offer)
            receipt = answer.receipt_tree(names.ours)
            if receipt is not None:
                entries["receipt"] = receipt
            decision = self._decision(answer)
            if decision is not None:
                entries["decision"] = decision.tree
        for status, said in offer.statuses.items():
            if status == "409" and any(word in said.lower() for word in _DUPLICATE):
                rule = Branch({"when": Leaf("=status == 409"), "means": Leaf("already_received")})
                entries["errors"] = Row([rule])
        comment = "one-way: there is no answer to read" if offer.one_way else ""
        return Branch(entries, comment=comment, spread=True)

    def _changed(self, roles: Roles, wanted: Wanted, names: Names, logged_in: bool) -> dict[str, Branch]:
        """
        What the agency is told afterwards. A guess that leaves something open is not made: it would keep the
        whole file from being used.
        """
        made: dict[str, Branch] = {}
        for name in CHANGES:
            offer: Offer | None = getattr(roles, name)
            if offer is None:
                continue
            known = aliases(name, offer, names) | self._proof(offer, logged_in)
            reference = "receipt.reference" if names.theirs else "referral.id"
            if name == "amend":
                entries = dict(self._operations.amendment(offer, known, reference).entries)
            else:
                entries = dict(self._operations.follow_up(offer, known, reference).entries)
            decision = self._decision(answer_of(offer)) if name in _DECIDING and offer.replies else None
            if decision is not None:
                entries["decision"] = decision.tree
            tree = Branch(entries, comment=_AFTERWARDS[name], spread=True)
            if getattr(wanted, name) or not any(MARK in str(leaf.value) for _, leaf in leaves(tree)):
                made[name] = tree
        return made

    def _look_up(self, offer: Offer, names: Names, logged_in: bool, *, decided: bool) -> Branch:
        aliases = dict.fromkeys(names.ours, "referral.id") | self._proof(offer, logged_in)
        entries = dict(self._operations.follow_up(offer, aliases, "referral.id").entries)
        answer = answer_of(offer)
        receipt = self._receipt_of(answer, names)
        found = answer.found(receipt)
        if found:
            entries["found"] = Leaf(f"={found}")
        if receipt is not None:
            entries["receipt"] = Branch({"reference": Leaf(f"={_certain(answer, receipt)}")})
        decision = self._decision(answer) if decided else None
        if decision is not None:
            entries["decision"] = decision.tree
        return Branch(entries, comment="after an answer that was lost, before sending again", spread=True)

    def _receipt_of(self, answer: Answer, names: Names) -> Place | None:
        return next((p for p in answer.places if p.name in names.theirs), None) or answer.receipt(names.ours)

    def _poll(self, offer: Offer, names: Names, logged_in: bool) -> Branch:
        reference = "receipt.reference" if names.theirs else "referral.id"
        aliases = (
            dict.fromkeys(names.ours, "referral.id")
            | dict.fromkeys(names.theirs, "receipt.reference")
            | self._proof(offer, logged_in)
        )
        entries = dict(self._operations.follow_up(offer, aliases, reference).entries)
        entries["every"] = Leaf("10m")
        decision = self._decision(answer_of(offer))
        entries["decision"] = (
            decision.tree
            if decision is not None
            else Branch({"word": todo("the decision in the agency's words, as =reply.result")})
        )
        return Branch(entries, spread=True)

    def _feed(self, roles: Roles, names: Names) -> Branch:
        assert roles.pull is not None
        query, cursor = pull_parameters(roles.pull)
        pull: dict[str, Node] = {name: Leaf(value) for name, value in roles.pull.keys.items()}
        if query:
            pull["query"] = Branch(query)
        told = messages_of(roles.pull)
        entries: dict[str, Node] = {"every": Leaf("5m"), "pull": Branch(pull)}
        if told is None:
            entries["messages"] = todo("the list of messages, as =reply.messages")
            entries["message"] = Branch(
                {
                    "referral": todo("our reference in a message, as =message.reference"),
                    "decision": Branch({"word": todo("the decision, as =message.result")}),
                },
                spread=True,
            )
        else:
            way, _, shape = told
            entries["messages"] = Leaf(f"={way}")
            if cursor and (page := self._next_page(roles.pull, cursor)):
                entries["next_page"] = Leaf(f"={page}")
            entries["message"] = self._message(shape, names)
        if roles.acknowledge is not None:
            acknowledge, each = acknowledging(roles.acknowledge)
            if each:
                entries["each"] = Leaf(True, "each message is acknowledged by a request of its own")
            entries["acknowledge"] = Branch(acknowledge)
        else:
            entries["acknowledge"] = todo("the operation by which messages are acknowledged")
        return Branch(entries, comment="a queue of messages that the hub pulls", spread=True)

    def _next_page(self, pull: Offer, cursor: str) -> str:
        answer = answer_of(pull)
        outer = [place for place in answer.places if not place.lists]
        more = next((p for p in outer if p.part.base == "boolean" and "more" in p.name.lower()), None)
        said = next((p for p in outer if "cursor" in p.name.lower() or "next" in p.name.lower()), None)
        if cursor == "number":
            return answer.dialect.read(more) if more is not None else ""
        if said is None or said is more:
            return ""
        read = answer.dialect.read(said)
        return (
            f'{answer.dialect.read(more)} ? {read} : ""' if more is not None and more.part.required else read
        )

    def _login(self, offer: Offer) -> dict[str, Node]:
        aliases = self._credentials.login(offer)
        entries = dict(self._operations.follow_up(offer, aliases, "secret.user").entries)
        answer = answer_of(offer)
        token = answer.has_token()
        assert token is not None
        entries["token"] = Leaf(f"={answer.dialect.plain(token)}")
        expires = answer.expires()
        if expires is not None:
            entries["expires_in"] = Leaf(f"={answer.dialect.read(expires)}")
        return entries

    def _callback(self, names: Names, answers: str) -> Branch | None:
        """Messages that come in: what the contract says of them, or what somebody must say."""
        found: tuple[Incoming, Branch] | None = None
        for incoming in self._survey.incoming:
            tree, decision = self._read(incoming.shape, names, lists=incoming.format == "json")
            # An element that no message has is a guess: it is not made where decisions come back anyway.
            if decision is not None and (incoming.format != "soap" or answers in ("", "callback")):
                found = (incoming, tree)
                self._words |= decision.words
                break
        soap = self._survey.adapter == "soap"
        if found is not None:
            incoming, tree = found
            auth = self._credentials.callback(incoming.headers, soap=soap)
            entries: dict[str, Node] = {"format": Leaf(incoming.format), "auth": auth, **tree.entries}
            return Branch(entries, comment=f"{incoming.name}: the agency posts it to the hub", spread=True)
        if answers not in ("", "callback"):
            return None
        entries = {
            "format": Leaf("soap" if soap else "json"),
            "auth": self._credentials.callback((), soap=soap),
            "referral": todo("our reference in the message, as =message.reference"),
            "decision": Branch({"word": todo("the decision in the agency's words, as =message.result")}),
        }
        return Branch(
            entries, comment="the contract does not say how decisions come back: as messages?", spread=True
        )

    # --- what is read -----------------------------------------------------------------------------------

    def _message(self, shape: Shape, names: Names) -> Branch:
        tree, decision = self._read(shape, names, lists=True)
        if decision is not None:
            self._words |= decision.words
        if "id" not in tree.entries:
            tree.entries = {"id": todo("what the agency knows a message by, as =message.id"), **tree.entries}
        return tree

    def _read(self, shape: Shape, names: Names, *, lists: bool) -> tuple[Branch, Decision | None]:
        tree, decision = message(
            shape, Dialect("message", nulls=False), names.ours, names.theirs, lists=lists
        )
        tree.spread = True
        held = tree.entries.get("decision")
        if isinstance(held, Branch):
            held.spread = len(held.entries) > 2
        return tree, decision

    def _decision(self, answer: Answer) -> Decision | None:
        decision = answer.decision()
        if decision is None:
            return None
        self._words |= decision.words
        decision.tree.spread = len(decision.tree.entries) > 2
        return decision

    def _answers(self, roles: Roles, callback: Branch | None = None) -> str:
        if roles.poll is not None:
            return "poll"
        if roles.pull is not None:
            return "feed"
        decided = answer_of(roles.submit).decision() if roles.submit.replies else None
        if decided is not None and ("when" not in decided.tree.entries or not self._survey.incoming):
            return "reply"
        if callback is not None or (self._survey.incoming and decided is None):
            return "callback"
        return "reply" if decided is not None else ""


def _also(roles: Roles, changes: Mapping[str, Branch]) -> tuple[str, ...]:
    """Operations of the contract that the file does not use, with the key that each is perhaps for."""
    left = [(getattr(roles, name), f" (`{name}`)") for name in CHANGES if name not in changes]
    named = [f"{offer.name}{key}" for offer, key in left if offer is not None]
    named += [offer.name for offer in roles.unused]
    if not named:
        return ()
    more = f" and {len(named) - _FEW} more" if len(named) > _FEW else ""
    return (f"also in the contract, and not used here: {', '.join(named[:_FEW])}{more}",)


def _with_bearer(entries: dict[str, Node]) -> dict[str, Node]:
    """Where the contract has no place for a session's token, it is a bearer's (RFC 6750)."""
    written = dict(entries)
    request = written.pop("request", None)
    held = written.get("headers")
    headers = dict(held.entries) if isinstance(held, Branch) else {}
    written["headers"] = Branch({**headers, "Authorization": Leaf('="Bearer " + session.token')})
    return written if request is None else {**written, "request": request}


def _session(offer: Offer) -> dict[str, str]:
    """The elements of an operation that hold the token of a session, by name."""
    held = [one.part for one in offer.parameters]
    held += [place.part for place in places(offer.request)] if offer.request is not None else []
    held += list(offer.headers)
    return {
        part.name: "session.token"
        for part in held
        if (named := set(words(part.name))) & {"token"}
        or {"login", "id"} <= named
        or {"login", "key"} <= named
    }


def _certain(answer: Answer, receipt: Place) -> str:
    """The reference where something was found: what is optional is there then."""
    return answer.dialect.read(receipt, sure=len(receipt.steps))


def _share_decisions(entries: dict[str, Node]) -> None:
    """A decision that is read in the same way twice is written once, and named."""
    first: list[Branch] = []
    for name in ("submit", "look_up", "poll", *_DECIDING):
        operation = entries.get(name)
        decision = operation.entries.get("decision") if isinstance(operation, Branch) else None
        if not isinstance(operation, Branch) or not isinstance(decision, Branch):
            continue
        same = next((one for one in first if one.entries == decision.entries), None)
        if same is None:
            first.append(decision)
        else:
            same.anchor = same.anchor or (
                "decision" if not any(one.anchor for one in first) else f"{name}_decision"
            )
            operation.entries["decision"] = Alias(same.anchor)
