"""`hub agency check` and `list`: one agency, with what is wrong and what is unwise."""

from __future__ import annotations

import shutil

from tests.workbench.conftest import Hub, WorkFolder

APQA, KATS = "agencies/apqa.yaml", "agencies/kats.yaml"


def test_a_sound_agency(hub: Hub) -> None:
    """No noise: nothing but that there is nothing."""
    ended = hub("check", "apqa")
    assert (ended.status, ended.said) == (0, "apqa: no faults, no warnings\n")


def test_every_fault_with_its_place_and_cure(hub: Hub, folder: WorkFolder) -> None:
    """The file's own faults and those against the contract, all at once."""
    folder.spoil(APQA, "operation: RequestConfirmation", "operation: RequestConformation")
    folder.spoil(APQA, "on_expiry: hold", "on_expiry: wait")
    ended = hub("check", "apqa")
    assert ended.status == 1
    assert "fault  channel.submit.operation" in ended.said
    assert "on_expiry  'wait' is not known here" in ended.said
    assert ended.said.count("cure:") == 2
    assert ended.said.endswith("apqa: 2 faults, no warnings\n")


def test_another_agencys_faults_are_counted_and_stop_nobody(hub: Hub, folder: WorkFolder) -> None:
    """She can go on with her own file while theirs is broken."""
    folder.spoil(KATS, "agency: kats", "agency: kats\nshape: round")
    ended = hub("check", "apqa")
    assert ended.status == 0
    assert "1 fault in other agencies' files" in ended.said
    assert hub("preview", "apqa").status == 0
    listed = hub("list").said
    assert "1 fault: hub agency check kats" in listed
    assert [line.split()[0] for line in listed.splitlines()[1:4]] == ["apqa", "kahpa", "kats"]


def test_a_service_code_that_another_agency_has(hub: Hub, folder: WorkFolder) -> None:
    """What two files show together is told of whichever comes second."""
    folder.spoil(KATS, "  kats-measuring:", "  apqa-plant-import:")
    assert "has a service of this code already" in hub("check", "kats").said


def test_warnings_make_no_fault_unless_strict(hub: Hub, folder: WorkFolder) -> None:
    """A service out of force and no golden file: legal, and worth a word."""
    shutil.rmtree(folder.path / "golden" / "kahpa")
    folder.spoil("agencies/kahpa.yaml", "    confidence:", "    valid: {end: 2020-01-31}\n    confidence:")
    ended = hub("check", "kahpa")
    assert ended.status == 0
    assert "in force until 2020-01-31" in ended.said
    assert "no golden file" in ended.said
    assert ended.said.endswith("kahpa: no faults, 2 warnings\n")
    assert hub("check", "kahpa", "--strict").status == 1


def test_production_wants_variables_and_https(hub: Hub) -> None:
    """What is insecure, and what is not set."""
    ended = hub("check", "kats", "--production", KATS_ENDPOINT="http://kats.example", KATS_KEY="k")
    assert ended.status == 1
    assert "the value of KATS_ENDPOINT is not https" in ended.said
    assert "KATS_CALLBACK_SECRET is not set" in ended.said


def test_a_misspelt_name_is_one_fault_with_the_one_that_was_meant(hub: Hub, folder: WorkFolder) -> None:
    """However often the mapping is tried out."""
    folder.spoil(KATS, "number: =referral.mrn", "number: =referral.mrnx")
    ended = hub("check", "kats")
    assert ended.said.count("mrnx") == 2
    assert "did you mean 'mrn'?" in ended.said
    assert "1 fault," in ended.said


def test_words_that_the_contract_has_and_no_table_maps(hub: Hub, folder: WorkFolder) -> None:
    """And those of the table that no answer can say; the word that `when` tells apart decides nothing."""
    folder.spoil(
        "contracts/rest-immediate.yaml", "finding: {type: string", "finding: {type: string, enum: [A, B, C]"
    )
    folder.spoil(KATS, "verdicts:", "verdicts:\n  A: approved")
    said = hub("check", "kats").said
    assert "the contract lets it say 'B', 'C', which `verdicts` does not have" in said
    assert hub("check", "mfds").said == "mfds: no faults, no warnings\n"
    folder.spoil("agencies/mfds.yaml", "word: =reply.decision.result", "word: =reply.state")
    assert "lets it say 'DECIDED', which" in hub("check", "mfds").said


def test_no_such_agency(hub: Hub) -> None:
    """The name that was perhaps meant; a folder that is none is named."""
    assert "did you mean 'apqa'?" in hub("check", "apqqa").said
    assert "--config" in hub("check", "apqa", "--config", "/nowhere/at-all").said
