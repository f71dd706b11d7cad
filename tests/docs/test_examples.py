"""Examples are tried: what is written in the documents reads, validates and runs."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from lxml import etree
from ruamel.yaml import YAML

from hub.api.body import MediaType
from hub.api.reading import JSON, read_declaration
from hub.bootstrap.configuration import load_configuration
from hub.config.loader import Configuration, ConfigurationFaults, load
from hub.config.models import ChannelFile
from hub.domain.intake import Rulebook
from hub.settings import Settings
from hub.workbench.golden.case import GoldenFile
from tests.docs.support import ROOT, Block, blocks, text_of

CONFIG = ROOT / "adapters_config"


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return load(CONFIG, development=True).rulebook()


def _name(block: Block) -> str:
    return block.name


@pytest.mark.parametrize("block", blocks("json"), ids=_name)
def test_json_parses(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", blocks("yaml"), ids=_name)
def test_yaml_parses(block: Block) -> None:
    assert YAML(typ="safe").load(block.text)


@pytest.mark.parametrize("block", blocks("xml"), ids=_name)
def test_xml_parses(block: Block) -> None:
    etree.fromstring(block.text)


@pytest.mark.parametrize("block", blocks("sh"), ids=_name)
def test_shell_parses(block: Block) -> None:
    bash = shutil.which("bash")
    assert bash
    checked = subprocess.run([bash, "-n"], input=block.text, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_sql_runs(sqlite_url: str) -> None:
    """On the schema of today."""
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    found = blocks("sql")
    assert found
    for block in found:
        connection.execute(block.text)
    connection.close()


def test_declarations_are_there() -> None:
    """A check of nothing proves nothing."""
    assert len(blocks("json", "xml", mark="declaration")) >= 3


@pytest.mark.parametrize("block", blocks("json", "xml", mark="declaration"), ids=_name)
def test_a_declaration_is_accepted(block: Block, rulebook: Rulebook) -> None:
    """As the API reads it, against the catalogue that is shipped."""
    media_type = JSON if block.language == "json" else "application/xml"
    lodged = read_declaration(block.text.encode(), MediaType(media_type, None), rulebook)
    lodged.check(rulebook)
    assert lodged.declaration.items


def test_the_problem_is_what_the_api_says(rulebook: Rulebook) -> None:
    """The three faults of the example, told by the API's own reader."""
    [shown] = [json.loads(b.text) for b in blocks("json") if '"/problems/invalid-declaration"' in b.text]
    body = {
        "lrn": "T-1",
        "procedure": "import",
        "declarant": {"id": "KR-BROKER-1"},
        "consignment": {"ucr": "U1"},
        "items": [
            {"number": 1, "hs_code": "0809.29"},
            {
                "number": 2,
                "hs_code": "0809290000",
                "attributes": {"state": "ripe"},
                "exemptions": [{"code": "01B01"}],
            },
        ],
    }
    with pytest.raises(Exception, match="3 faults") as refused:
        read_declaration(json.dumps(body).encode(), MediaType(JSON, None), rulebook)
    told = [fault.model_dump(exclude_none=True) for fault in refused.value.faults]  # type: ignore[attr-defined]
    assert told == shown["errors"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the configuration folder to write in."""
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def _checked(folder: Path) -> Configuration:
    return load_configuration(Settings(environment="development", config_folder=folder), {})


def test_the_agency_of_the_guide_has_no_faults(folder: Path) -> None:
    """Its file is put into the folder as it stands in the document."""
    [block] = blocks("yaml", mark="file: ")
    path = folder / block.mark.removeprefix("file: ")
    path.write_text(block.text)
    assert path.stem in _checked(folder).agencies


def _fragments() -> list[Block]:
    """Parts of a channel, each alone; whole files and golden files are tried elsewhere."""
    found = []
    for block in blocks("yaml"):
        keys = YAML(typ="safe").load(block.text)
        if block.path.name == "channels.md" and keys.keys() <= {*ChannelFile.model_fields, "receipt"}:
            found.append(block)
    return found


def test_fragments_are_found() -> None:
    """A check of nothing proves nothing."""
    assert len(_fragments()) == len([b for b in blocks("yaml") if b.path.name == "channels.md"]) >= 7


@pytest.mark.parametrize("block", _fragments(), ids=_name)
def test_fragments_fit_their_models(block: Block) -> None:
    """Put into a channel that has nothing beside."""
    parts = YAML(typ="safe").load(block.text)
    operation = {"receipt": parts.pop("receipt")} if "receipt" in parts else {}
    channel = {"adapter": "rest", "contract": "c.yaml", "endpoint": "env:X", "submit": operation}
    ChannelFile.model_validate({**channel, **parts})


def test_the_golden_file_of_the_guide_is_one() -> None:
    """Every key of it."""
    [block] = [b for b in blocks("yaml") if b.path.name == "certification.md"]
    GoldenFile.model_validate(YAML(typ="safe").load(block.text))


_FIRST = {
    "contact:": "contacts:",
    "needed_when: item.legal_metrology": "needed_when: item.legal_metrolgy",
    "answers: reply": "answers: poll",
    "value: env:KATS_KEY": "value: s3cret",
    "미승인기종: refused": "미승인기종: rejected",
}
_SECOND = {"        ucr: =declaration": "        urc: =declaration"}


@pytest.mark.parametrize("slips", [_FIRST, _SECOND], ids=["in the file", "against the contract"])
def test_faults_look_as_the_guide_shows(folder: Path, slips: dict[str, str]) -> None:
    """The same slips of the pen give the same words; lines may move with the file."""
    path = folder / "agencies/kats.yaml"
    text = path.read_text()
    for right, wrong in slips.items():
        assert right in text
        text = text.replace(right, wrong, 1)
    path.write_text(text)
    with pytest.raises(ConfigurationFaults) as found:
        _checked(folder)
    told = re.sub(r"yaml:\d+", "yaml:0", f"hub: {found.value}\n")
    shown = [re.sub(r"yaml:\d+", "yaml:0", block.text) for block in blocks("text")]
    assert told in shown


def test_recording_histories_is_told_as_it_is() -> None:
    """The variable and the folder of workflow-changes.md are those of the tests."""
    code = (ROOT / "tests/workflows/conftest.py").read_text()
    assert '"HUB_RECORD_HISTORIES" in os.environ' in code
    assert "tests/workflows/histories/" in text_of("docs/workflow-changes.md")
    assert (ROOT / "tests/workflows/histories").is_dir()
