"""Faults in number: of one file, of several files, of files that cannot be read."""

from __future__ import annotations

import re

import pytest

PLANTS, LABS = "agencies/plants.yaml", "agencies/labs.yaml"


def keys(faults) -> set[tuple[str, str]]:
    return {(fault.file, fault.key) for fault in faults}


def test_a_file_wrong_in_ten_ways_has_ten_faults(folder) -> None:
    """Form, words, conditions, expressions and security are all judged, though the form is wrong already."""
    for old, new in (
        ("contact: desk@plants.example", "contacts: desk@plants.example"),
        ('law_code: "13"', "law_code: 13"),
        ('- "0601"', "- 0601"),
        ("needed_when: item.used,", "needed_when: item.usd,"),
        ("answer_within: 3wd", "answer_within: soon"),
        ("on_expiry: hold", "on_expiry: wait"),
        ("contracts/plants.wsdl", "contracts/plant.wsdl"),
        ("password: env:PLANTS_PASSWORD", "password: s3cret"),
        ("receipt: {reference: =reply.No}", "receipt: {reference: =answer.No}"),
        ("every: 10m", "every: often"),
    ):
        folder.spoil(PLANTS, old, new)
    faults = folder.faults()
    assert {fault.file for fault in faults} == {PLANTS}
    assert [(fault.line, fault.key) for fault in faults] == [
        (3, "contacts"),
        (8, "services.plants-import.law_code"),
        (11, "services.plants-import.hs[0]"),
        (14, "services.plants-import.hs[3].needed_when"),
        (20, "services.plants-import.answer_within"),
        (21, "services.plants-import.on_expiry"),
        (27, "channel.contract"),
        (29, "channel.auth.ws_security.password"),
        (33, "channel.submit.receipt.reference"),
        (43, "channel.poll.every"),
    ]
    assert all(fault.cure for fault in faults)


def test_faults_of_all_files_come_together(folder) -> None:
    """One message holds what is wrong everywhere, the files that nobody can read among them."""
    folder.spoil(PLANTS, "word: =reply.Code", "word: =")
    folder.write(LABS, "agency: [labs")
    folder.spoil("calendar.yaml", "holidays: KR", "holidays: XX")
    folder.spoil("lists.yaml", "lists:", "list:")
    folder.spoil("policy.yaml", "30d", "month")
    (folder.path / "exemptions.yaml").unlink()
    assert keys(folder.faults()) == {
        (PLANTS, "channel.poll.decision.word"),
        (LABS, ""),
        ("calendar.yaml", "calendars.default.holidays"),
        ("lists.yaml", "list"),
        ("policy.yaml", "refusal_open_for"),
        ("exemptions.yaml", ""),
    }


def test_a_fault_is_not_told_again_where_it_is_felt(folder) -> None:
    """A wrong attribute is a fault of its own file, not of each condition that reads it."""
    folder.spoil("attributes.yaml", "type: number, absent: 12", "type: nummer, absent: 12")
    assert keys(folder.faults()) == {("attributes.yaml", "attributes.voltage.type")}


def test_an_unreadable_agency_blames_no_other_file(folder) -> None:
    """What seems to be missing may stand in the file that could not be read."""
    folder.write(PLANTS, "agency: 'plants")
    assert keys(folder.faults()) == {(PLANTS, "")}


def test_the_adapter_is_not_guessed(folder) -> None:
    """Where the adapter is wrong, nothing is said about which keys belong to it."""
    folder.spoil(LABS, "adapter: rest", "adapter: resst")
    assert keys(folder.faults()) == {(LABS, "channel.adapter")}


@pytest.mark.parametrize("value", ["http://plants.example", "nowhere", "https://me:pw@plants.example"])
def test_an_endpoint_from_the_environment_is_judged_as_if_it_were_written(folder, value: str) -> None:
    """The variable's name is told, its value is not."""
    (fault,) = folder.faults(environment={**folder.environment, "PLANTS_ENDPOINT": value})
    assert (fault.file, fault.key) == (PLANTS, "channel.endpoint")
    assert "PLANTS_ENDPOINT" in fault.what
    assert value not in str(fault)


def test_a_secret_is_not_repeated_in_the_report(folder) -> None:
    """Reports are read by many."""
    folder.spoil(PLANTS, "password: env:PLANTS_PASSWORD", "password: hunter2hunter2")
    assert "hunter2" not in "\n".join(map(str, folder.faults()))


def test_secrets_are_faults_in_development_too(folder) -> None:
    """A secret in a file is seen by everybody who sees the file, wherever the hub runs."""
    folder.spoil(LABS, "bearer: env:LABS_TOKEN", "bearer: s3cret")
    assert keys(folder.faults(development=True, environment={})) == {(LABS, "channel.auth.bearer")}


def test_files_with_another_ending_are_told(folder) -> None:
    """An agency whose file is passed over in silence would be missed at the border."""
    (folder.path / LABS).rename(folder.path / "agencies/labs.yml")
    by_file = {fault.file: fault for fault in folder.faults()}
    assert by_file["agencies/labs.yml"].cure == "rename it to labs.yaml"


@pytest.mark.parametrize(
    "name", ["attributes.yaml", "lists.yaml", "exemptions.yaml", "calendar.yaml", "policy.yaml"]
)
def test_every_file_must_be_there(folder, name: str) -> None:
    """A missing file is a fault of that file alone."""
    (folder.path / name).unlink()
    (fault,) = folder.faults()
    assert (fault.file, fault.what, fault.cure) == (name, "the file is missing", "add it")


def test_a_folder_without_agencies_is_told(folder) -> None:
    """A hub that asks nobody would release everything."""
    for name in (PLANTS, LABS):
        (folder.path / name).unlink()
    assert ("agencies", "there is no agency") in {(f.file, f.what) for f in folder.faults()}


def test_what_is_no_file_or_no_text_is_told(folder) -> None:
    """A directory in the place of a file, and bytes that are not UTF-8."""
    (folder.path / "lists.yaml").unlink()
    (folder.path / "lists.yaml").mkdir()
    (folder.path / "policy.yaml").write_bytes(b"country: KR\nx: \xff\n")
    faults = {fault.file: fault for fault in folder.faults()}
    assert faults["lists.yaml"].what.startswith("the file cannot be read")
    assert (faults["policy.yaml"].line, faults["policy.yaml"].what) == (2, "it is not UTF-8")


def test_a_contract_may_not_be_a_link_out_of_the_folder(folder, tmp_path) -> None:
    """Whoever may write agency files may not have the hub read other files of its machine."""
    outside = tmp_path / "outside.wsdl"
    outside.write_text("<definitions/>", encoding="utf-8")
    (folder.path / "contracts/link.wsdl").symlink_to(outside)
    folder.spoil(PLANTS, "plants.wsdl", "link.wsdl")
    (fault,) = folder.faults()
    assert (fault.key, "link out of the folder" in fault.what) == ("channel.contract", True)


def test_aliases_cannot_make_a_small_file_large(folder) -> None:
    """Ten anchors, each repeated ten times, stop at a bound instead of filling memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    folder.write("policy.yaml", "\n".join(lines))
    (fault,) = folder.faults()
    assert fault.what == "its aliases make it too large"


def test_a_prefix_may_return_when_its_days_are_over(folder) -> None:
    """Rules are dated: the same prefix twice is right as long as no day has both."""
    folder.spoil(
        PLANTS,
        '      - "0601"\n',
        '      - {code: "0601", valid: {end: 2025-12-31}}\n'
        '      - {code: "0601", valid: {start: 2026-01-01}}\n',
    )
    assert folder.faults() == ()
    folder.spoil(PLANTS, 'start: 2026-01-01}}\n      - "8429', 'start: 2025-12-31}}\n      - "8429')
    (fault,) = folder.faults()
    assert re.search(r"0601 stands in hs\[0\] \(line 11\)", fault.what)


def test_what_an_alias_repeats_is_told_once_and_at_its_anchor(folder) -> None:
    """Two services share a condition, and three operations a reading: one mistake is one fault."""
    folder.spoil(
        "agencies/labs.yaml",
        "    prohibited_when: item.voltage > 1000.0",
        "    needed_when: &hot item.voltag > 1.0",
    )
    folder.spoil(
        "agencies/labs.yaml", "    answer_within: 30d", "    needed_when: *hot\n    answer_within: 30d"
    )
    folder.spoil(
        "agencies/labs.yaml", "    decision: {word: =reply.word}", "    decision: &said {word: reply.word}"
    )
    folder.spoil(
        "agencies/labs.yaml",
        "  feed:\n",
        "  poll: {method: GET, path: /x, every: 1m, decision: *said}\n  feed:\n",
    )
    told = [(fault.key, fault.line) for fault in folder.faults()]
    assert told == [
        ("services.labs-import.needed_when", folder.line("agencies/labs.yaml", "&hot")),
        ("channel.submit.decision.word", folder.line("agencies/labs.yaml", "&said")),
    ]


def test_an_empty_file_and_one_of_comments_have_a_cure(folder) -> None:
    """Somebody has begun a file and been called away."""
    folder.write("agencies/labs.yaml", "# to be written\n")
    [fault] = folder.faults()
    assert (fault.file, fault.what) == ("agencies/labs.yaml", "it is empty")
    for name, nothing in (("agencies/labs.yaml", "~\n"), ("calendar.yaml", "null\n")):
        folder.write(name, nothing)
        assert (name, "it is empty") in [(fault.file, fault.what) for fault in folder.faults()]
    assert fault.cure
