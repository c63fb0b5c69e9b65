"""The demo: its table is what the generator writes, its folder is its own, the story ends as it should."""

import csv
import io
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from ecert.assembly import read_plan
from ecert.cli.demo.counter import read_table
from ecert.cli.demo.fresh import fresh_home, without_settings
from ecert.cli.demo.ledger import Ledger, first_code
from ecert.cli.demo.make_csv import csv_text
from ecert.cli.demo.server import ends_orderly
from ecert.cli.demo.stage import Printed
from ecert.cli.demo.story import commands_to_try
from ecert.errors import SettingsFault
from ecert.licence import draft_faults, load_types
from ecert.services import read_csv

REPO = Path(__file__).resolve().parents[1]
TABLE = REPO / "ecert/cli/demo/licences.csv"
COMMAND = [sys.executable, "-c", "import sys; from ecert.cli import main; sys.exit(main())", "demo"]
LAST_LINE = re.compile(r"demo: (\d+) issued, (\d+) accepted, (\d+) refused as they should be, 0 wrong")


def _rows():
    return list(read_csv(TABLE.read_bytes()))


def test_the_table_is_what_the_generator_writes():
    assert TABLE.read_text(encoding="utf-8") == csv_text()


def test_the_table_is_large_varied_and_right():
    rows = _rows()
    assert len(rows) >= 200
    assert len({row.draft.type_code for row in rows}) >= 5
    assert "11100000000013338W011" in {row.draft.type_code for row in rows}
    assert len({(row.issuer, row.draft.type_code, row.draft.number) for row in rows}) == len(rows)
    types = load_types()
    assert [row.line for row in rows if draft_faults(row.draft, types)] == []


def test_every_row_holds_now_and_in_2030():
    days = (date(2026, 11, 23), date(2030, 12, 31))
    for row in _rows():
        until = row.draft.valid_until or date.max
        assert all(row.draft.valid_from <= day <= until for day in days), row.line


def test_every_row_is_of_a_department_that_may_issue_its_type():
    plan = read_plan((REPO / "keys/authorities.toml").read_text(encoding="utf-8"))
    known = {authority.id: authority for authority in plan.authorities}
    assert {authority.level for authority in plan.authorities} == {1, 2, 3, 4, 5}
    for row in _rows():
        assert known[row.issuer].types.allows(row.draft.type_code), row.line
    for authority in plan.authorities:
        parent = known.get(plan.parents[authority.id])
        if parent is not None:
            assert authority.level > parent.level
            assert parent.region.contains(authority.region)
            assert parent.types.contains(authority.types)


def test_nobody_in_the_table_is_real():
    text = TABLE.read_text(encoding="utf-8")
    for row in csv.DictReader(io.StringIO(text)):
        # 5299xx is no region that anybody was given; names say that they are invented.
        assert "5299" in row["CZZTDM"][:8]
        assert re.search("示例|虚构|样本|样例|演示|虚", row["CZZT"])
    assert sum(map(len, read_table().values())) == len(_rows())


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(SettingsFault, match="expected an empty folder"), fresh_home(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_folder_of_an_earlier_demo_is_emptied_and_held(tmp_path):
    home = tmp_path / "demo"
    with fresh_home(home):
        (home / "keys").mkdir()
        (home / "keys" / "old.pem").write_text("old")
        (home / "old.db").write_text("old")
        with pytest.raises(SettingsFault, match="another demo is running"), fresh_home(home):
            pass
        assert (home / "old.db").exists()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (home / "link").symlink_to(outside)
    with fresh_home(home):
        assert [entry.name for entry in home.iterdir()] == [".ecert-demo"]
    assert (outside / "kept").exists()


def test_settings_of_a_real_installation_do_not_reach_the_demo(monkeypatch):
    monkeypatch.setenv("ECERT_DATABASE_URL", "postgresql+psycopg://db.example/real")
    with without_settings():
        assert [name for name in os.environ if name.startswith("ECERT_")] == []
    assert os.environ["ECERT_DATABASE_URL"] == "postgresql+psycopg://db.example/real"


def _answer(verdict, *codes):
    reasons = [{"code": code, "step": 1} for code in codes]
    return {"verdict": verdict, "reasons": reasons, "licence": {"id": "x"}}


@pytest.mark.parametrize(
    ("answer", "expected", "right"),
    [
        (_answer("accepted"), "accepted", True),
        (_answer("refused", "expired"), "expired", True),
        (_answer("refused", "expired", "revoked"), "expired", True),
        (_answer("refused", "expired"), "accepted", False),
        (_answer("accepted"), "revoked", False),
        (_answer("refused", "not_issued"), "expired", False),
        (_answer("undecided", "status_stale"), "status_stale", False),
    ],
)
def test_the_ledger_counts_only_what_was_expected(answer, expected, right):
    ledger = Ledger()
    assert ledger.expect("one", answer, expected) is right
    assert (len(ledger.accepted) + ledger.refused, len(ledger.wrong)) == ((1, 0) if right else (0, 1))
    assert ledger.line().endswith(f"{0 if right else 1} wrong")


def test_first_code_of_an_accepted_licence_is_the_verdict():
    assert first_code(_answer("accepted")) == "accepted"


def _server_of(line):
    return int(re.search(r"process (\d+)", line)[1])


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_whole_story(tmp_path):
    home = tmp_path / "demo"
    told = subprocess.run(
        [*COMMAND, "--home", str(home)], cwd=REPO, capture_output=True, text=True, timeout=280, check=False
    )
    assert told.returncode == 0, told.stdout[-2000:] + told.stderr[-2000:]
    lines = told.stdout.splitlines()
    last = LAST_LINE.fullmatch(lines[-1])
    assert last, lines[-1]
    rows = len(_rows())
    assert [int(figure) for figure in last.groups()] == [rows + 1, rows + 1, 10]
    for code in (
        "suspended",
        "revoked",
        "superseded",
        "bad_signature",
        "type_not_authorised",
        "unknown_issuer",
    ):
        assert any(code in line.split() for line in lines), code
    for code in ("key_outside_window", "expired", "not_issued", "misread"):
        assert any(code in line.split() for line in lines), code
    assert len(list((home / "qr").glob("*.png"))) == rows + 1 + 6
    assert not _runs(_server_of(next(line for line in lines if "process" in line)))
    assert {path.stat().st_mode & 0o777 for path in (home / "keys").glob("*.pem")} == {0o600}


def test_everything_ends_with_the_story_on_ctrl_c(tmp_path):
    story = subprocess.Popen(
        [*COMMAND, "--home", str(tmp_path / "demo")],
        cwd=REPO,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    server = port = None
    for line in story.stdout:
        if "process" in line:
            server, port = _server_of(line), int(re.search(r"127\.0\.0\.1:(\d+)", line)[1])
            break
    story.send_signal(signal.SIGINT)
    _, complaint = story.communicate(timeout=60)
    assert story.returncode == 130
    assert "Traceback" not in complaint
    assert not _runs(server)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    # What shares its session are the two processes that draw; none of them is left.
    with pytest.raises(ProcessLookupError):
        os.killpg(story.pid, 0)


def test_sigterm_ends_the_story_like_ctrl_c():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), ends_orderly():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_commands_to_try_can_be_typed(tmp_path):
    licence = Printed(
        id="1.2.3", issuer="i", type_code="t", token="x~", picture=tmp_path, scanned="HTTP://H/Q#/123"
    )
    commands = commands_to_try("http://127.0.0.1:8000", licence, window="wkey", department="dkey")
    verify, revoke = (shlex.split(command) for _, command in commands)
    assert verify[:3] == ["curl", "-s", "http://127.0.0.1:8000/v1/verify"]
    assert json.loads(verify[-1]) == {"qr": "HTTP://H/Q#/123"}
    assert "Authorization: Bearer wkey" in verify
    assert revoke[2] == "http://127.0.0.1:8000/v1/licences/1.2.3/status"
    assert json.loads(revoke[-1]) == {"operation": "revoke", "reason": "演示"}
    assert {"Authorization: Bearer dkey", "Idempotency-Key: try-1"} < set(revoke)
