"""How an answer is read: the keys `receipt`, `decision`, `found`, and those of a message."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from hub.adapters.shape import Shape
from hub.workbench.proposing import answers
from hub.workbench.proposing.codes import described
from hub.workbench.proposing.meanings import Scope, guess
from hub.workbench.proposing.phrases import OURS
from hub.workbench.proposing.places import Dialect, Place, places
from hub.workbench.proposing.tree import Branch, Leaf, Node, todo
from hub.workbench.proposing.trial import WHOLE_NUMBERS
from hub.workbench.proposing.verdicts import OTHER, PENDING, looks_like
from hub.workbench.proposing.words import words


@dataclass(frozen=True)
class Decision:
    """How a decision is read, and the words that the contract lists for it."""

    tree: Branch
    word: Place
    words: dict[str, str] = field(default_factory=dict)
    """Each word, and what the contract says it means ("" for nothing)."""


@dataclass(frozen=True)
class Answer:
    """One kind of answer, looked at."""

    shape: Shape
    dialect: Dialect

    @property
    def places(self) -> list[Place]:
        return places(self.shape)

    def receipt(self, ours: set[str]) -> Place | None:
        """Where the agency's own reference stands."""
        return answers.receipt(self.places, ours)

    def receipt_tree(self, ours: set[str]) -> Branch | None:
        found = self.receipt(ours)
        if found is None:
            return None
        read = self.dialect.read(found)
        text = f"text({read})" if found.part.base in WHOLE_NUMBERS else read
        return Branch({"reference": Leaf(f"={text}")})

    def decision(self, taken: tuple[Place, ...] = (), *, lists: bool = True) -> Decision | None:
        """
        How its decision is read; None where it has none. `taken` has another meaning already; without
        `lists`, a list of one cannot be told from a single value, and none is read.
        """
        ways = [place.steps for place in taken]
        found = [place for place in self.places if place.steps not in ways]
        said = answers.word(found)
        if said is None:
            return None
        entries: dict[str, Node] = {}
        documented = described(said.part.documentation, said.part.values)
        listed = {value: documented.get(value, "") for value in said.part.values} or documented
        condition = self._when(found, said, listed)
        if condition:
            entries["when"] = Leaf(f"={condition}")
        told = answers.beside(found, said, answers.id_score)
        if told is not None:
            entries["id"] = Leaf(f"={self._read(told, said)}")
        entries["word"] = Leaf(f"={self._word(said)}")
        for key, score in (
            ("reference", answers.reference_score),
            ("remarks", answers.remarks_score),
            ("decided_at", answers.decided_score),
            ("items", answers.items_score),
            ("revision", answers.revision_score),
        ):
            place = answers.beside(found, said, score) if lists or key != "items" else None
            if place is not None:
                entries[key] = Leaf(f"={self._read(place, said)}")
        kept = {
            word: means for word, means in listed.items() if looks_like(word, means) not in (PENDING, OTHER)
        }
        return Decision(Branch(entries), said, kept)

    def _when(self, found: list[Place], said: Place, listed: dict[str, str]) -> str:
        told = answers.state(found, said)
        there = self.dialect.there(said)
        if told is not None:
            place, decided = told
            conditions = [one for one in there if one.endswith(".size() > 0")]
            read = self.dialect.read(place)
            values = [json.dumps(value, ensure_ascii=False) for value in decided]
            conditions.append(
                f"{read} == {values[0]}" if len(values) == 1 else f"{read} in [{', '.join(values)}]"
            )
            return " && ".join(conditions)
        waiting = [word for word, means in listed.items() if looks_like(word, means) in (PENDING, OTHER)]
        if waiting:
            values = [json.dumps(value, ensure_ascii=False) for value in waiting]
            there = [*there, f"!({self.dialect.plain(said)} in [{', '.join(values)}])"]
        return " && ".join(there)

    def _word(self, said: Place) -> str:
        read = self.dialect.plain(said)
        return read if said.is_text else f"text({read})"

    def _read(self, place: Place, said: Place) -> str:
        """A value that stands with the word: what holds the word is there, where there is a word."""
        sure = 0
        for one, other in zip(place.steps, said.steps, strict=False):
            if one is not other:
                break
            sure += 1
        read = self.dialect.read(place, sure=sure)
        return f"text({read})" if place.part.base in WHOLE_NUMBERS and not place.part.many else read

    def found(self, receipt: Place | None) -> str:
        """Whether a look-up found anything, as CEL; "" where every good answer means that."""
        for place in self.places:
            if len(place.steps) == 1 and place.part.base in WHOLE_NUMBERS and place.words & _COUNTS:
                return f"{self.dialect.plain(place)} > 0"
        for place in self.places:
            yes = sorted({"Y", "true", "1"} & set(place.part.values))
            if yes and place.words & {"find", "flag", "exists"}:
                return f'{self.dialect.plain(place)} == "{yes[0]}"'
            if place.part.base == "boolean" and place.words & {"find", "exists", "present"}:
                return self.dialect.plain(place)
        return " && ".join(self.dialect.there(receipt)) if receipt is not None else ""

    def has_token(self) -> Place | None:
        """Where a login's answer holds the token."""
        for wanted in ({"token"}, {"login"}, {"ticket"}, {"key"}):
            for place in self.places:
                if place.is_text and wanted <= place.words and not place.words & {"type", "date", "refresh"}:
                    return place
        return None

    def expires(self) -> Place | None:
        """Where it says for how many seconds."""
        for place in self.places:
            if place.part.base in WHOLE_NUMBERS | {"double", "decimal"} and "valid" in place.words:
                return place
        return None


_COUNTS = {"count", "matches", "hits", "size"}


def message(
    shape: Shape, dialect: Dialect, ours: set[str], theirs: set[str], *, lists: bool = True
) -> tuple[Branch, Decision | None]:
    """
    How a message is read. `ours` and `theirs` are the names by which our reference was sent and the
    agency's was answered.
    """
    answer = Answer(shape, dialect)
    found = answer.places
    entries: dict[str, Node] = {}
    outer = [place for place in found if not place.lists]
    own = _own_id(outer)
    said = answers.word(found)
    free = [place for place in outer if place not in (own, said)]
    referral = _referral(free, ours)
    if own is not None:
        entries["id"] = Leaf(f"={dialect.read(own)}")
    if referral is not None:
        entries["referral"] = Leaf(f"={dialect.read(referral)}")
    left = [place for place in free if place != referral]
    known = next((place for place in left if place.name in theirs), None) or answers.receipt(left, ours)
    taken = tuple(place for place in (own, referral, known) if place is not None)
    decision = answer.decision(taken, lists=lists)
    if known is not None:
        entries["agency_reference"] = Leaf(f"={dialect.read(known)}")
    if "referral" not in entries and "agency_reference" not in entries:
        entries["referral"] = todo(f"our reference in the message, as ={dialect.root}.reference")
    if decision is not None:
        # A message is there because there is a decision.
        tree = Branch(dict(decision.tree.entries))
        entries["decision"] = tree
    else:
        entries["decision"] = Branch(
            {"word": todo(f"the decision in the agency's words, as ={dialect.root}.result")}
        )
    return Branch(entries), decision


def _own_id(found: list[Place]) -> Place | None:
    for kinds in (
        {"message", "notice", "entry", "event", "notification"},
        {"transaction", "correlation", "delivery"},
    ):
        for place in found:
            if place.words & kinds and place.words & {"id", "number", "key"}:
                return place
    for place in found:
        if len(place.steps) == 1 and place.words == {"id"}:
            return place
    return None


def _referral(found: list[Place], ours: set[str]) -> Place | None:
    """Where a message bears our reference."""
    senses = [set(words(name)) for name in ours]
    for place in found:
        if place.name in ours:
            return place
    for place in found:
        if place.is_text and place.words in senses:
            return place
    for place in found:
        if place.is_text and any(
            name.lower() in place.part.documentation.lower() for name in ours if len(name) > 3
        ):
            return place
    for place in found:
        told = guess(Scope.HEADER, place.name, place.part.documentation)
        if place.is_text and len(place.words) > 1 and told is not None and told.meaning.key == OURS:
            return place
    return None
