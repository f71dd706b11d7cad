"""What the command line says when it will not."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from hub.loopback import free_ports


def hub(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hub", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_production_refuses_what_is_insecure_and_shows_no_secret() -> None:
    """All reasons at once, with the cure; none of the values."""
    ended = hub("api", HUB_TEMPORAL_API_KEY="top-secret", HUB_CARGO_URL="http://cargo")
    assert ended.returncode == 1
    assert "HUB_CARGO_URL is not https" in ended.stderr
    assert "HUB_CARGO_TOKEN is empty" in ended.stderr
    assert "HUB_ENVIRONMENT=development" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "top-secret" not in ended.stderr


def test_a_setting_that_cannot_be_read_is_named() -> None:
    """By the name of the variable; its value is not repeated."""
    ended = hub("worker", HUB_ENVIRONMENT="development", HUB_API_PORT="eighty-eighty")
    assert ended.returncode == 1
    assert "HUB_API_PORT" in ended.stderr
    assert "eighty-eighty" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_client_before_the_schema(tmp_path: Path) -> None:
    """It wants `hub db upgrade` first, and the message says so; nothing but its address is needed."""
    settings = {"HUB_DATABASE_URL": f"sqlite:///{tmp_path / 'hub.sqlite'}"}
    ended = hub("clients", "add", "UNI-PASS", **settings)
    assert ended.returncode == 1
    assert f"{settings['HUB_DATABASE_URL']} does not answer, or wants `hub db upgrade` first" in ended.stderr
    assert "HUB_DATABASE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert hub("db", "upgrade", **settings).returncode == 0
    added = hub("clients", "add", "UNI-PASS", **settings)
    assert added.stdout.startswith("hub_")
    assert hub("clients", "disable", "uni-pass", **settings).returncode == 0
    listed = hub("clients", "list", **settings).stdout
    assert "uni-pass" in listed
    assert "disabled" in listed


def test_words_and_contracts_are_checked_together(tmp_path: Path) -> None:
    """A word that nobody knows in one file hides neither the contract's faults there nor those of another."""
    folder = tmp_path / "config"
    shutil.copytree(Path(__file__).parent.parent.parent / "adapters_config", folder)
    for slug, old, new in (
        ("apqa", "on_expiry: hold", "on_expiry: wait"),
        ("apqa", "operation: RequestConfirmation", "operation: RequestConfirmatoin"),
        ("mfds", "path: /applications\n", "path: /aplications\n"),
        ("npa", "    request:", "    reqest:"),
        ("npa", "    every:", "    evry:"),
    ):
        path = folder / "agencies" / f"{slug}.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
    contract = folder / "contracts" / "rest-labs.yaml"
    contract.write_text(contract.read_text().replace("openapi: 3", "opnapi: 3", 1))
    told = hub("agencies", "check", str(folder)).stderr
    for words in (
        "on_expiry  'wait'",
        "channel.submit.operation  the contract has",
        "did you mean 'RequestConfirmation'?",
        "did you mean 'POST /applications'?",
        "POST /applications",
        "neither an OpenAPI 3 document",
    ):
        assert words in told, told
    assert told.count("channel.submit.operation") == 1
    # What is missing there is what was misspelt, however many keys were.
    assert [line.split("  ")[1:] for line in told.splitlines() if "agencies/npa.yaml" in line] == [
        ["channel.submit.reqest", "unknown key 'reqest'"],
        ["channel.poll.evry", "unknown key 'evry'"],
    ]


def test_a_wrong_folder_yields_every_fault_at_once(tmp_path: Path) -> None:
    """Each with file, line and cure."""
    (tmp_path / "agencies").mkdir()
    (tmp_path / "agencies" / "one.yaml").write_text("agency: two\nname: {en: One}\ncolour: red\n")
    ended = hub("agencies", "check", str(tmp_path))
    assert ended.returncode == 1
    assert "agencies/one.yaml:1" in ended.stderr
    assert "agencies/one.yaml:3" in ended.stderr
    assert ended.stderr.count("cure:") >= 5
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_is_named_with_its_option(tmp_path: Path) -> None:
    """Before anything is started: whoever listens there would be taken for our own hub."""
    with socket.socket() as api, socket.socket() as ui:
        for held in (api, ui):
            held.bind(("127.0.0.1", 0))
            held.listen()
        taken = {"--api-port": api.getsockname()[1], "--temporal-ui-port": ui.getsockname()[1]}
        free = dict(zip(("--simulator-port", "--temporal-port"), free_ports(2), strict=True))
        words = [str(word) for pair in (taken | free).items() for word in pair]
        ended = hub("up", "--folder", str(tmp_path), *words)
    assert ended.returncode == 1
    for option, port in taken.items():
        assert f"port {port} cannot be used" in ended.stderr
        assert option in ended.stderr
    assert "--simulator-port" not in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "is ready" not in ended.stdout
    assert not list((tmp_path / "logs").iterdir())
