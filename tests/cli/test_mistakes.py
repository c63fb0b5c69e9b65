"""What a newcomer does wrong: one sentence that helps, the right exit status, and nothing made by the way."""

import json
import os
import shlex
import signal
import socket

import pytest

from ecert.cli import main
from ecert.cli.demo.server import ends_orderly
from ecert.cli.demo.story import command_here
from ecert.cli.listening import check_port
from ecert.errors import SettingsFault
from ecert.services import rows
from tests.web.counter import DISTRICT, table


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize("command", [("serve",), ("demo", "--serve")])
def test_a_taken_port_is_said_before_anything_is_made(run, taken, tmp_path, command):
    outcome = run(*command, "--port", taken, "--home", tmp_path / "new")
    assert outcome.status == 64
    assert outcome.out == ""
    assert outcome.err == f"ecert: something listens on port {taken} already: stop it, or use --port\n"
    assert not (tmp_path / "new").exists()


def test_an_address_of_another_machine_is_one_sentence():
    check_port("127.0.0.1", 0)
    with pytest.raises(SettingsFault, match="expected an address to listen on"):
        check_port("192.0.2.1", 8000)


def test_ctrl_c_counts_where_a_script_had_it_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), ends_orderly():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    "command",
    [
        ("verify", "x"),
        ("status", "x", "revoke", "--reason", "r"),
        ("client", "list"),
        ("trust", "show"),
        ("keys", "list"),
    ],
)
def test_a_folder_without_a_home_is_said_and_stays_empty(tmp_path, monkeypatch, capfd, command):
    for name in [n for n in os.environ if n.upper().startswith("ECERT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    assert main(list(command)) == 64
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == (
        "ecert: expected a home with trust lists at var: ecert trust init makes one, or name one by --home\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("nope.txt", None, "no file of that name"),
        ("nope.PNG", None, "no file of that name"),
        ("folder/nope", None, "no file of that name"),
        ("code.svg", b"<svg/>", "an SVG can't be read here: fetch the PNG"),
        ("code.png", b"plain text", "code.png is no picture"),
        ("code.jpg", b"", "code.jpg is no picture"),
        ("code.png", b"GIF89a and nothing after it", "code.png"),
    ],
)
def test_a_file_that_can_not_be_scanned_gets_no_verdict(run, tmp_path, monkeypatch, name, content, said):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    outcome = run("verify", name)
    assert (outcome.status, outcome.out) == (64, "")
    assert said in outcome.err


@pytest.mark.parametrize("text", ["https://ecert.example/V/", "ecert.example/V/12345678901234567", "abc"])
def test_a_scan_that_is_no_code_still_gets_a_verdict(run, text):
    assert run("verify", text).status == 1


@pytest.mark.parametrize("option", ["--root", "--root-id", "--trust-list", "--status-list", "--at"])
def test_options_of_files_need_offline(run, option):
    outcome = run("verify", "x", option, "2026-01-01T00:00:00Z")
    assert (outcome.status, outcome.out) == (64, "")
    assert outcome.err.startswith(f"ecert: {option} needs --offline")


def test_the_root_is_looked_at_first_and_named_as_given(run):
    outcome = run("verify", "x", "--offline", "--root", "gone/root.jwk", "--trust-list", "gone")
    assert outcome.status == 64
    assert "--root: expected the public root key at gone/root.jwk" in outcome.err


def test_a_folder_of_lists_is_read_and_other_files_in_it_are_left(run, tmp_path):
    folder = tmp_path / "lists"
    assert run("trust", "export", folder).status == 0
    options = ("--offline", "--root", folder / "root.jwk")
    outcome = run("verify", "abc", *options, "--trust-list", folder, "--trust-list", folder)
    assert outcome.status == 1
    none = run("verify", "abc", *options, "--trust-list", folder, "--status-list", folder)
    assert none.status == 64
    assert "found none" in none.err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("utf16.csv", table(1).encode("utf-16")),
        ("utf16.ndjson", "{}".encode("utf-16")),
        ("empty.csv", b""),
        ("empty.ndjson", b" \n"),
        ("headless.csv", table(1).split("\n", 1)[1].encode()),
        ("twice.csv", b"type,type\n1,2\n"),
        ("text.xlsx", b"no workbook"),
    ],
)
def test_an_unusable_table_is_wrong_usage(run, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    outcome = run("issue", tmp_path / name, "--issuer", DISTRICT)
    assert (outcome.status, outcome.out) == (64, "")
    assert len(outcome.err.splitlines()) == 1


def test_the_help_of_issue_names_every_column(run):
    shown = run("issue", "--help").out
    for name, alias in rows._COLUMNS.items():
        assert f"{name} / {alias}" in shown
    assert "GB18030" in shown
    footer = " ".join(run("--help").out.split())
    assert "Exit status: 0 accepted or done, 1 refused or not done, 2 undecided, 64 wrong usage" in footer


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("client", "create", "x", "--role", "king"), "expected one of 'department', 'window', 'operator'"),
        (("client", "create", "x", "--role", "department"), "expected --authority with"),
        (
            ("client", "create", "x", "--role", "window", "--authority", DISTRICT),
            "expected --authority for a",
        ),
        (("serve", "--port", "many"), "expected a whole number"),
        (("serve", "--role", "king"), "expected 'issuer', 'verifier' or 'all'"),
    ],
)
def test_a_wrong_option_is_told_in_our_words(run, arguments, said):
    outcome = run(*arguments)
    assert outcome.status == 64
    assert said in outcome.err
    assert "Value error" not in outcome.err
    assert "nput should be" not in outcome.err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "x", "expected a whole number"),
        ("METRICS_OPEN", "x", "expected true or false"),
        ("WORKERS", "0", "expected greater than or equal to 1"),
        (
            "DATABASE_URL",
            "mysql://x",
            "expected an address that starts with sqlite:/// or postgresql+psycopg://",
        ),
    ],
)
def test_a_wrong_setting_is_told_in_our_words(run, monkeypatch, name, value, said):
    monkeypatch.setenv(f"ECERT_{name}", value)
    assert run("doctor").err == f"ecert: ECERT_{name} is wrong: {said}\n"


def test_advice_names_the_home_that_was_asked_about(run, tmp_path):
    outcome = run("doctor", "--home", tmp_path / "new", "--json")
    advice = {part["part"]: part["type"] for part in json.loads(outcome.out)}
    assert advice["trust root"] == f"ecert trust init --home {tmp_path / 'new'}"


def test_the_demo_says_how_the_command_line_verifies(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "ecert"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.argv", [str(program)])
    command = command_here(tmp_path / "a b.png", tmp_path)
    assert shlex.split(command) == ["bin/ecert", "verify", f"{tmp_path / 'a b.png'}", "--home", f"{tmp_path}"]
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    assert command_here(tmp_path / "x.png", tmp_path).startswith("ecert verify ")
