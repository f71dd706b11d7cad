"""Policies, withdrawal reasons, the risk channel, reminders and certificates as they are configured."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from hub.domain.case import OnInformationExpiry
from hub.domain.catalogue import Certified, Validity
from hub.domain.declaration import Declaration, Procedure
from hub.domain.risk import Channel

POLICY = """\
country: KR
refusal_open_for: 20d
information_within: 30d
remind_before: [1wd, 4h]
control_within: 1wd+4h
control_law: {en: Customs Act, ko: 관세법}
policies:
  - name: port-2026
    from: 2026-01-01
    until: 2026-12-31
    office: [PORT]
    partial_release: true
    information_within: 10d
    on_information_expiry: refuse
  - name: port-2027
    from: 2027-01-01
    office: [PORT]
    duty_gate: true
  - name: port-exports
    office: [PORT, QUAY]
    procedure: [export]
    inspection_within: 3wd
withdrawal_reasons:
  C01: {name: {en: Goods did not arrive, ko: 물품 미도착}}
  C13: {name: {en: Other}}
"""

RISK = """\
yellow_from: 50
red_from: 100
rules:
  - name: watched
    title: {en: Watched}
    when: declaration.declarant == "KR-W" || item.species in list.cites_species
    weight: 60
  - name: trusted
    title: {en: Trusted}
    when: declaration.office == "PORT"
    weight: -20
random: {share: 0.5, channel: red}
"""


def lodged(**more: Any) -> Declaration:
    return Declaration.model_validate(
        {
            "lrn": "L1",
            "procedure": "import",
            "declarant": {"id": "KR-1"},
            "consignment": {"ucr": "U1"},
            "items": [{"number": 1, "hs_code": "060110"}],
            **more,
        }
    )


def test_a_policy_takes_from_the_top_of_the_file_what_it_does_not_say(folder) -> None:
    """Its version names the file's content and the policy."""
    folder.write("policy.yaml", POLICY)
    rulebook = folder.load().rulebook()
    default = rulebook.policy_for(lodged(), date(2026, 3, 2))
    assert default is rulebook.policy
    port = rulebook.policy_for(lodged(office="PORT"), date(2026, 3, 2))
    assert port == default.model_copy(
        update={
            "version": f"{default.version}/port-2026",
            "partial_release": True,
            "information_within": "10d",
            "on_information_expiry": OnInformationExpiry.REFUSE,
        }
    )
    assert (port.refusal_open_for, default.information_within) == ("20d", "30d")
    assert rulebook.policy_for(lodged(office="PORT"), date(2027, 1, 1)).duty_gate
    exports = rulebook.policy_for(lodged(office="PORT", procedure="export"), date(2027, 1, 1))
    assert (exports.version, exports.inspection_within) == (f"{default.version}/port-exports", "3wd")
    assert [(p.valid, p.procedures) for p in rulebook.policies] == [
        (Validity(date(2026, 1, 1), date(2026, 12, 31)), frozenset()),
        (Validity(date(2027, 1, 1)), frozenset()),
        (Validity(), frozenset({Procedure.EXPORT})),
    ]


def test_the_rulebook_has_reasons_reminders_and_what_customs_own_control_is(folder) -> None:
    folder.write("policy.yaml", POLICY)
    rulebook = folder.load().rulebook()
    assert rulebook.withdrawal_reasons == {
        "C01": {"en": "Goods did not arrive", "ko": "물품 미도착"},
        "C13": {"en": "Other"},
    }
    assert rulebook.remind_before == ("1wd", "4h")
    assert rulebook.control.law == {"en": "Customs Act", "ko": "관세법"}
    monday = datetime(2026, 3, 9, 3, tzinfo=UTC)
    assert rulebook.control.calendar.due(monday, rulebook.control.answer_within) == datetime(
        2026, 3, 10, 13, tzinfo=UTC
    )


def test_a_folder_of_before_has_none_of_it(folder) -> None:
    """Country and the time of a refusal are a whole policy.yaml, and risk.yaml need not be there."""
    rulebook = folder.load().rulebook()
    assert (rulebook.policies, rulebook.withdrawal_reasons, rulebook.risk) == ((), {}, None)
    frozen = rulebook.policy.model_dump(exclude={"version", "refusal_open_for", "inspection_within"})
    assert frozen == {
        "partial_release": False,
        "joint_inspection": False,
        "duty_gate": False,
        "reuse": False,
        "information_within": None,
        "on_information_expiry": "hold",
        "silence_counts_after": "10m",
    }


def test_risk_rules_are_read_with_the_facts_of_conditions(folder) -> None:
    """Attributes and code lists too; the version is that of the file's content."""
    before = folder.load()
    folder.write("risk.yaml", RISK)
    configuration = folder.load()
    rules = configuration.risk
    green = "01" * 16
    assert rules.assess(lodged(declarant={"id": "KR-W"}), green).channel is Channel.YELLOW
    assert rules.assess(lodged(declarant={"id": "KR-W"}, office="PORT"), green).score == 40
    caviar = {"number": 1, "hs_code": "160431", "attributes": {"species": "Huso huso"}}
    assert [r.item for r in rules.assess(lodged(items=[caviar]), green).reasons] == [1]
    assert (rules.share, rules.drawn_channel) == (0.5, Channel.RED)
    assert configuration.rulebook().risk.titles["trusted"] == {"en": "Trusted"}
    assert len(rules.version) == 12
    assert configuration.version != before.version
    folder.spoil("risk.yaml", "weight: 60", "weight: 61")
    assert folder.load().risk.version != rules.version


def test_risk_rules_that_are_removed_are_not_missed(folder) -> None:
    folder.write("risk.yaml", RISK)
    with_rules = folder.load()
    (folder.path / "risk.yaml").unlink()
    assert folder.load().risk is None
    assert folder.load().version != with_rules.version


def test_a_service_says_how_its_certificates_are_used(folder) -> None:
    """By default those it issues itself are reserved, and stand for nothing."""
    folder.spoil("agencies/plants.yaml", "    answers: poll", "    certificate: {}\n    answers: poll")
    folder.spoil(
        "agencies/labs.yaml",
        "    answers: callback",
        "    certificate: {types: [N99], reserve: false, reuse: true}\n    remind_before: []\n"
        "    answers: callback",
    )
    catalogue = folder.load().catalogue
    assert catalogue.service("plants-import").certificate == Certified(("13101",), reserve=True, reuse=False)
    assert catalogue.service("plants-import").remind_before is None
    assert catalogue.service("labs-import").certificate == Certified(("N99",), reserve=False, reuse=True)
    assert catalogue.service("labs-import").remind_before == ()
    assert catalogue.service("labs-batch").certificate is None


def test_customs_works_by_the_default_calendar(folder) -> None:
    """And so does an agency that has left."""
    configuration = folder.load()
    assert configuration.calendar_of("labs") is configuration.calendars["labs"]
    assert configuration.calendar_of("customs") is configuration.default_calendar
    assert configuration.calendar_of("gone") is configuration.default_calendar


# --- faults ---------------------------------------------------------------------------------------------

_EARLIER = "    from: 2026-01-01\n    until: 2026-12-31\n"


@pytest.mark.parametrize(
    ("old", "new", "at", "key", "what", "cure"),
    [
        pytest.param(
            "until: 2026-12-31", "until: 2027-01-01", "  - name: port-2027",
            "policies[1]", "it and policies[0] (line 8) fit the same declarations on the same days",
            "give them days that do not overlap", id="two policies for a day",
        ),
        pytest.param(
            _EARLIER + "    office: [PORT]", "    procedure: [import]", "  - name: port-2027",
            "policies[1]", "it and policies[0] (line 8) fit the same declarations",
            "name a procedure or an office",
            id="one by procedure, one by office",
        ),
        pytest.param(
            "name: port-2027", "name: port-2026", "name: port-2026\n    from: 2027",
            "policies[1].name", "the policy in line 8 has this name already", "a name of its own", id="name",
        ),
        pytest.param(
            "until: 2026-12-31", "until: 2025-12-31", "from: 2026-01-01",
            "policies[0].from", "it begins on 2026-01-01, after its end on 2025-12-31", "exchange", id="days",
        ),
        pytest.param(
            "partial_release: true", "partial_relese: true", "partial_relese",
            "policies[0].partial_relese", "unknown key 'partial_relese'", "did you mean 'partial_release'?",
            id="key",
        ),
        pytest.param(
            "information_within: 10d", "information_within: 10wd", "10wd",
            "policies[0].information_within", "'10wd' is no length of time", "write 20s, 5m, 48h or 30d",
            id="working days for the declarant",
        ),
        pytest.param(
            "information_within: 10d", "information_within: 0d", "within: 0d",
            "policies[0].information_within", "0d is no time at all", "more than nothing", id="no time",
        ),
        pytest.param(
            "on_information_expiry: refuse", "on_information_expiry: refused", "refused",
            "policies[0].on_information_expiry", "refused", "did you mean 'refuse'?", id="word",
        ),
        pytest.param(
            "procedure: [export]", "procedure: [exports]", "exports]",
            "policies[2].procedure[0]", "'exports' is not known here", "did you mean 'export'?",
            id="procedure",
        ),
        pytest.param(
            "remind_before: [1wd, 4h]", "remind_before: [1wd, 1wd]", "remind_before",
            "remind_before[1]", "1wd stands here twice", "remove one", id="reminder said twice",
        ),
        pytest.param(
            "control_within: 1wd+4h", "control_within: 4h+1wd", "control_within",
            "control_within", "'4h+1wd' is no term", "2wd+4h", id="hours before working days",
        ),
        pytest.param(
            "control_within: 1wd+4h", "control_within: 0wd+4h", "control_within",
            "control_within", "0wd+4h is no sensible number of working days", "1wd or more",
            id="no working day",
        ),
        pytest.param(
            "control_within: 1wd+4h", "control_within: 1wd+99999h", "control_within",
            "control_within", "1wd+99999h is too long", "at most 3660d", id="hours out of reason",
        ),
        pytest.param(
            "C13:", "X1:", "X1", "withdrawal_reasons.X1", "'X1' is no code of a reason", "as C01", id="code",
        ),
        pytest.param(
            "{en: Other}", "{ko: 기타}", "C13", "withdrawal_reasons.C13.name.en",
            "the English words are missing",
            "add `en:`", id="words",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_the_policies(folder, old: str, new: str, at: str, key: str, what: str, cure: str) -> None:
    """With line, key and cure."""
    folder.write("policy.yaml", POLICY)
    folder.spoil("policy.yaml", old, new)
    (fault,) = folder.faults()
    assert (fault.file, fault.line, fault.key) == ("policy.yaml", folder.line("policy.yaml", at), key)
    assert what in fault.what
    assert cure in fault.cure


@pytest.mark.parametrize(
    ("old", "new", "at", "key", "what", "cure"),
    [
        pytest.param(
            "red_from: 100", "red_from: 49", "red_from", "red_from",
            "goods are inspected from 49, documents looked at from 50", "not less than", id="thresholds",
        ),
        pytest.param(
            "name: trusted", "name: watched", "name: watched\n    title: {en: Trusted}",
            "rules[1].name", "the rule in line 4 has this name already", "a name of its own", id="name",
        ),
        pytest.param(
            "weight: -20", "weight: 0", "weight: 0", "rules[1].weight", "it weighs nothing",
            "remove the rule",
            id="weight",
        ),
        pytest.param(
            "weight: -20", "weight: much", "much", "rules[1].weight", "'much' is no whole number",
            "write digits", id="weight in words",
        ),
        pytest.param(
            "item.species in", "item.specie in", "item.specie ", "rules[0].when",
            "there is no 'item.specie' here", "did you mean 'item.species'?", id="fact",
        ),
        pytest.param(
            'declaration.office == "PORT"', "declaration.office", "when: declaration.office", "rules[1].when",
            "a condition is true or false; this is string", "compare it", id="condition",
        ),
        pytest.param(
            "share: 0.5", "share: 2", "share", "random.share", "2 is too large", "write 1", id="share",
        ),
        pytest.param(
            "share: 0.5", "share: half", "share", "random.share", "'half' is no number", "a point",
            id="words",
        ),
        pytest.param(
            "channel: red", "channel: green", "green", "random.channel", "green",
            "write one of yellow, red", id="channel",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_the_risk_rules(
    folder, old: str, new: str, at: str, key: str, what: str, cure: str
) -> None:
    folder.write("risk.yaml", RISK)
    folder.spoil("risk.yaml", old, new)
    (fault,) = folder.faults()
    assert (fault.file, fault.line, fault.key) == ("risk.yaml", folder.line("risk.yaml", at), key)
    assert what in fault.what
    assert cure in fault.cure


def test_an_attribute_at_fault_is_no_fault_of_the_risk_rules(folder) -> None:
    """It is told where it stands."""
    folder.write("risk.yaml", RISK)
    folder.spoil("attributes.yaml", "type: string, absent: unknown", "type: strin, absent: unknown")
    assert {fault.file for fault in folder.faults()} == {"attributes.yaml"}


@pytest.mark.parametrize(
    ("old", "new", "key", "what"),
    [
        pytest.param(
            "  labs-batch:", "  customs-control:", "services.customs-control",
            "'customs-control' is customs' own control", id="service",
        ),
        pytest.param(
            "    answers: feed", "    certificate: {reuse: true}\n    answers: feed",
            "services.labs-batch.certificate", "it does not say which certificates", id="no types",
        ),
        pytest.param(
            "    answers: callback", "    certificate: {reserve: false}\n    answers: callback",
            "services.labs-import.certificate", "neither is anything reserved", id="certificates for nothing",
        ),
        pytest.param(
            "    answers: feed", "    remind_before: [0wd]\n    answers: feed",
            "services.labs-batch.remind_before[0]", "0wd is no sensible number of working days",
            id="reminder",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_a_service(folder, old: str, new: str, key: str, what: str) -> None:
    folder.spoil("agencies/labs.yaml", old, new)
    (fault,) = folder.faults()
    assert (fault.file, fault.key) == ("agencies/labs.yaml", key)
    assert what in fault.what
    assert fault.cure


def test_no_agency_is_called_customs(folder) -> None:
    """It decides at the hub's own door."""
    text = folder.text("agencies/labs.yaml").replace("agency: labs", "agency: customs", 1)
    (folder.path / "agencies/labs.yaml").unlink()
    folder.write("agencies/customs.yaml", text)
    (fault,) = folder.faults()
    assert (fault.file, fault.key) == ("agencies/customs.yaml", "agency")
    assert "customs itself" in fault.what
