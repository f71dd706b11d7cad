"""The proposal: from a surveyed contract to an agency's file, with a TODO wherever only a person can say."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from hub.config.models import AttributeFile
from hub.domain.referral import Verdict
from hub.workbench.proposing.authentication import Credentials
from hub.workbench.proposing.channel import Channel, Making
from hub.workbench.proposing.roles import Roles, Wanted
from hub.workbench.proposing.survey import Survey
from hub.workbench.proposing.tree import Branch, Leaf, Node, Row, leaves, todo
from hub.workbench.proposing.trial import Trial
from hub.workbench.proposing.verdicts import looks_like
from hub.workbench.proposing.writing import written

_ASKED = (Verdict.APPROVED, Verdict.REFUSED)
_VERDICTS = [verdict.value for verdict in Verdict]


@dataclass(frozen=True)
class Proposal:
    """A file to be written, and what is to be said about it."""

    text: str
    roles: Roles
    variables: Mapping[str, str]
    """What to set where the hub runs, and what each is."""
    unfinished: int
    """How many places are to be filled in."""


def propose(
    agency: str,
    survey: Survey,
    contract: str,
    *,
    wanted: Wanted,
    attributes: Mapping[str, AttributeFile],
    zone: str,
) -> Proposal:
    """
    The proposal for an agency of that slug. The same contract gives the same text.

    `contract` is the contract's path below the folder; `zone` that of the default calendar. Raises
    NoOperation.
    """
    service = f"{agency}-import"
    credentials = Credentials(agency)
    trial = Trial.of(agency, service, typed=survey.adapter == "rest", zone=zone)
    endpoint = Leaf(credentials.variable("ENDPOINT"))
    channel = Making(survey, trial, attributes, credentials).channel(wanted, contract, endpoint)
    tree = Branch(
        {
            "agency": Leaf(agency, "equals the file's name"),
            "name": Branch({"en": todo("the agency's name")}, comment="and in other languages, as ko:"),
            "contact": todo("who looks after the agency's system"),
            "services": Branch({service: _service(channel)}, spread=True),
            "channel": channel.tree,
            "verdicts": _verdicts(channel),
        }
    )
    text = written(tree, _head(agency, survey, contract))
    return Proposal(text, channel.roles, credentials.variables, _unfinished(tree))


def _head(agency: str, survey: Survey, contract: str) -> list[str]:
    told = ", ".join(filter(None, (survey.title, survey.address)))
    return [
        "# yaml-language-server: $schema=../agency.schema.json",
        *textwrap.wrap(
            f"Proposed from {contract}{f' ({told})' if told else ''}. "
            f"Fill in every TODO, go through the rest, then: hub agency check {agency}",
            106,
            initial_indent="# ",
            subsequent_indent="# ",
            break_long_words=False,
            break_on_hyphens=False,
        ),
    ]


def _service(channel: Channel) -> Branch:
    answers: Node = (
        Leaf(channel.answers, "reply, callback, poll, feed")
        if channel.answers
        else todo("how decisions come back (reply callback poll or feed)")
    )
    return Branch(
        {
            "name": Branch({"en": todo("the approval it gives")}),
            "law": Branch({"en": todo("the law it is needed under")}),
            "law_code": todo("two digits", "exemption claims name the law by it"),
            "procedure": Row([Leaf("import")], comment="import, export, transit"),
            "hs": Row(
                [todo("HS prefixes in quotes")],
                comment='as ["0601", "842952"]; needed_when: adds a condition',
            ),
            "document": todo("what it issues"),
            "answer_within": todo("as 3wd or 30d", "the time the law gives; wd are working days"),
            "on_expiry": Leaf("hold", "hold, escalate, deemed_approved, deemed_refused"),
            "answers": answers,
            "confidence": Leaf("assumed", "verified, likely, assumed"),
        },
        comment="one for each approval it gives",
        spread=True,
    )


def _verdicts(channel: Channel) -> Branch:
    entries: dict[str, Node] = {}
    for word, said in channel.words.items():
        meant = looks_like(word, said)
        if meant in _VERDICTS:
            entries[word] = Leaf(meant, f"guessed{f': {said}' if said else ''}")
        else:
            entries[word] = todo(f"one of {' '.join(_VERDICTS)}", said)
    if not entries:
        for verdict in _ASKED:
            entries[f"TODO the agency's word for {verdict.value}"] = Leaf(verdict.value)
        others = ", ".join(other.value for other in Verdict if other not in _ASKED)
        return Branch(entries, comment=f"and as it has them: {others}", spread=True)
    return Branch(entries, comment="the agency's own words, and what each means", spread=True)


def _unfinished(tree: Branch) -> int:
    values = sum("TODO" in str(leaf.value) for _, leaf in leaves(tree))
    verdicts = tree.entries["verdicts"]
    names = sum(name.startswith("TODO") for name in verdicts.entries) if isinstance(verdicts, Branch) else 0
    return values + names
