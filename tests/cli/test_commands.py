"""Every command: what it prints, what it returns, and that a mistake is one sentence."""

import json

import pytest

from ecert.assembly import Settings, build
from ecert.errors import SettingsFault
from ecert.services import Actor, Role
from ecert.services.ports import NumberKey
from ecert.wire import qr
from tests.web.counter import DISTRICT, FOOD, table

CLERK = Actor(client_id="t", role=Role.OPERATOR)


@pytest.fixture(scope="module")
def issued(home):
    """The token and identifier of a licence issued by the command line."""
    app = build(Settings.read(), launch=False)
    try:
        number = (home / "rows.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[1]
        record = app.registry.find_number(DISTRICT, NumberKey(FOOD, number))
        return record.token, record.licence_id
    finally:
        app.close()


@pytest.fixture(scope="module")
def lists(home):
    """Root key, trust lists and status list as files."""
    app = build(Settings.read(), launch=False)
    try:
        app.refresh()
        listed = [info.id for info in app.log.lists()]
        folder = home / "files"
        folder.mkdir()
        for list_id in listed:
            (folder / f"{list_id}.status").write_text(app.publishing.status_list(list_id).token)
        return folder
    finally:
        app.close()


def test_help_reads_well(run):
    for arguments in ((), ("--help",)):
        shown = run(*arguments)
        assert shown.status == 0
        for command in (
            "demo",
            "serve",
            "issue",
            "status",
            "verify",
            "trust",
            "keys",
            "client",
            "cache",
            "doctor",
        ):
            assert f"\n  {command} " in shown.out
        assert "64 wrong usage" in shown.out
    assert run("--version").out.strip()


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("verify",),
        ("serve", "--port", "many"),
        ("serve", "--role", "king"),
        ("serve", "--workers", "0"),
        ("status", "x", "revoke"),
        ("status", "x", "sell", "--reason", "r"),
        ("issue", "no-such-file.csv"),
        ("issue", "file.pdf"),
        ("client", "create", "x", "--role", "king"),
        ("trust", "init", "--authorities", "no-such-file"),
        ("trust", "import", "no-such-file"),
        ("verify", "x", "--offline"),
        ("verify", "x", "--at", "2026-01-01T00:00:00Z"),
        ("verify", "x", "--offline", "--at", "yesterday"),
        ("--nonsense",),
    ],
)
def test_wrong_usage_is_64_and_one_sentence(run, arguments):
    outcome = run(*arguments)
    assert outcome.status == 64
    assert outcome.out == ""
    assert outcome.err.startswith("ecert: ")
    assert len(outcome.err.strip().splitlines()) == 1


def test_a_wrong_setting_is_64_and_names_it(run, monkeypatch):
    monkeypatch.setenv("ECERT_MAX_STATUS_AGE", "soon")
    for command in (("serve",), ("doctor",), ("client", "list")):
        outcome = run(*command)
        assert outcome.status == 64
        assert outcome.err == "ecert: ECERT_MAX_STATUS_AGE is wrong: expected a number of seconds\n"


def test_a_misspelt_setting_stops_every_command(run, monkeypatch):
    monkeypatch.setenv("ECERT_REDIS_ULR", "redis://x")
    outcome = run("trust", "list")
    assert outcome.status == 64
    assert "ECERT_REDIS_ULR" in outcome.err


def test_a_fault_of_our_own_is_70_without_its_message(run, monkeypatch):
    import ecert.cli.clients

    def broken(*_, **__):
        raise RuntimeError("secret-word")

    monkeypatch.setattr(ecert.cli.clients, "opened", broken)
    outcome = run("client", "list")
    assert outcome.status == 70
    assert "secret-word" not in outcome.err
    assert "RuntimeError at test_commands.py:" in outcome.err


def test_verify_says_accepted(run, issued):
    outcome = run("verify", issued[0])
    assert outcome.status == 0
    assert outcome.lines[0].startswith("accepted")
    assert "虚构市甲示例餐饮有限公司" in outcome.out


@pytest.mark.parametrize("form", ["token", "code", "file", "picture", "stdin"])
def test_verify_takes_a_text_a_file_a_picture_and_stdin(run, issued, form, tmp_path, monkeypatch):
    token, _ = issued
    code = qr.encode_token(token, "https://ecert.example")
    what = {"token": token, "code": code}.get(form)
    if form == "file":
        what = tmp_path / "scan.txt"
        what.write_text(code + "\n")
    elif form == "picture":
        pytest.importorskip("zxingcpp")
        what = tmp_path / "scan.png"
        what.write_bytes(qr.draw_png(code))
    elif form == "stdin":
        import io
        import sys

        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(code.encode())))
        what = "-"
    answer = json.loads(run("verify", what, "--json").out)
    assert answer["verdict"] == "accepted"
    assert answer["licence"]["id"] == issued[1]


def test_verify_says_refused_and_why(run, issued):
    outcome = run("verify", issued[0][:-4] + "AAA~")
    assert outcome.status == 1
    assert outcome.lines[0].startswith("refused")
    assert "bad_signature (step 4)" in outcome.out


def test_a_picture_without_a_code_is_refused(run, tmp_path):
    pytest.importorskip("zxingcpp")
    empty, broken = tmp_path / "empty.png", tmp_path / "broken.png"
    from tests.cli.drawing import blank

    empty.write_bytes(blank(60, 60))
    broken.write_bytes(blank(60, 60)[:-30])
    for picture in (empty, broken):
        outcome = run("verify", picture, "--json")
        assert outcome.status == 1
        assert json.loads(outcome.out)["reasons"][0]["code"] == "malformed"


def test_without_the_library_a_picture_says_what_to_install(run, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "zxingcpp", None)
    picture = tmp_path / "x.png"
    picture.write_bytes(qr.draw_png("HTTPS://H/V/1"))
    outcome = run("verify", picture)
    assert outcome.status == 64
    assert "pip install 'ecert[batch]'" in outcome.err


def test_offline_with_files_alone(run, issued, lists, tmp_path):
    exported = tmp_path / "lists"
    assert run("trust", "export", exported).status == 0
    options = ["--offline", "--root", exported / "root.jwk"]
    trust = [x for path in sorted(exported.glob("*.trustlist")) for x in ("--trust-list", path)]
    status = [x for path in sorted(lists.glob("*.status")) for x in ("--status-list", path)]
    accepted = run("verify", issued[0], *options, *trust, *status, "--json")
    assert accepted.status == 0, accepted.out
    assert json.loads(accepted.out)["licence"]["id"] == issued[1]
    missing = run("verify", issued[0], *options, *trust)
    assert missing.status == 2
    assert "status_missing" in missing.out
    assert run("verify", issued[0], *options, *status).status in (1, 2)
    expired = run("verify", issued[0], *options, *trust, *status, "--at", "2032-01-01T00:00:00+08:00")
    assert expired.status == 1
    assert "expired" in expired.out


def test_status_changes_are_seen(run, home):
    rows = home / "more.csv"
    rows.write_text(table(1), encoding="utf-8")
    done = json.loads(run("issue", rows, "--issuer", DISTRICT, "--json").out)
    (licence,) = [row["id"] for row in done["results"]]
    changed = run("status", licence, "suspend", "--reason", "测试", "--json")
    assert changed.status == 0
    assert json.loads(changed.out)["state"] == "suspended"
    again = run("status", licence, "suspend", "--reason", "测试")
    assert again.status == 1
    assert again.err.startswith("ecert: expected a licence that is valid")


def test_issuing_reports_bad_rows_and_issues_nothing_twice(run, home):
    lines = table(3).splitlines()
    lines[2] = lines[2].replace("91529901MAEX00001H", "91529901MAEX00001J")
    rows = home / "bad.csv"
    rows.write_text("\n".join(lines), encoding="utf-8")
    first = run("issue", rows, "--issuer", DISTRICT)
    assert first.status == 1
    assert first.out == "2 issued, 0 existing, 1 refused\n"
    assert first.err.startswith("line 3: ")
    assert "91529901MAEX00001J" not in first.err
    second = run("issue", rows, "--issuer", DISTRICT, "--json")
    assert json.loads(second.out)["counts"] == {"issued": 0, "existing": 2, "refused": 1}


def test_a_client_is_made_listed_and_withdrawn(run):
    made = json.loads(run("client", "create", "窗口 5", "--role", "window", "--json").out)
    assert made["key"].startswith("ecert_window_")
    known = json.loads(run("client", "list", "--json").out)
    assert made["client"] in {c["client"] for c in known}
    assert made["key"] not in run("client", "list").out
    assert run("client", "withdraw", made["client"]).status == 0
    assert run("client", "withdraw", made["client"]).status == 1
    assert "--authority" in run("client", "create", "x", "--role", "department").err


def test_the_key_alone_is_on_stdout(run):
    made = run("client", "create", "窗口 6", "--role", "window")
    assert made.out.startswith("ecert_window_")
    assert len(made.out.split()) == 1
    assert "shown once" in made.err


def test_trust_is_shown_and_signed_again_only_when_it_changed(run, home):
    again = json.loads(run("trust", "init", "--authorities", home / "authorities.toml", "--json").out)
    assert again["signed"] == []
    assert len(again["kept"]) == 5
    shown = json.loads(run("trust", "show", "--json").out)
    assert {a["level"] for a in shown["authorities"]} == {1, 2, 3, 4, 5}
    assert shown["problems"] == []
    assert {entry["seq"] for entry in json.loads(run("trust", "list", "--json").out)} == {1}


def test_a_list_is_imported_only_when_a_chain_reaches_it(run, tmp_path):
    exported = tmp_path / "lists"
    run("trust", "export", exported)
    some = sorted(exported.glob("*.trustlist"))[0]
    same = run("trust", "import", some)
    assert same.status == 1  # its seq does not rise
    damaged = tmp_path / "damaged"
    text = some.read_text()
    damaged.write_text(text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:])
    outcome = run("trust", "import", damaged)
    assert outcome.status == 1
    assert "does not count" in outcome.err


def test_keys_are_listed_without_being_shown_and_the_data_key_rotates(run, home):
    shown = run("keys", "list")
    assert "trust" in shown.out
    assert "PRIVATE" not in shown.out
    rotated = json.loads(run("keys", "rotate-data", "--json").out)
    assert rotated["licences"] >= 2
    assert json.loads(run("keys", "rotate-data", "--json").out)["data_key"] != rotated["data_key"]


def test_the_cache_commands_need_a_running_server(run):
    for command in ("check", "rebuild"):
        outcome = run("cache", command)
        assert outcome.status == 1
        assert "ecert serve" in outcome.err


def test_doctor_says_each_part(run):
    outcome = run("doctor", "--json")
    parts = {part["part"]: part for part in json.loads(outcome.out)}
    assert set(parts) >= {"python", "sql", "redis", "trust root", "trust lists", "signing keys", "data keys"}
    assert [name for name, part in parts.items() if not part["ok"] and name != "redis"] == []
    assert "ECERT_SCANS_PER_MINUTE" in run("doctor", "--settings").out


def test_doctor_says_what_to_type_on_an_empty_machine(run, tmp_path):
    outcome = run("doctor", "--home", tmp_path / "empty", "--json")
    assert outcome.status == 1
    parts = {part["part"]: part for part in json.loads(outcome.out)}
    assert not parts["trust root"]["ok"]
    assert parts["trust root"]["type"].startswith("ecert trust init --home ")
    assert not (tmp_path / "empty").exists()


def test_a_plan_that_is_wrong_is_refused_by_name():
    from ecert.assembly import read_plan
    from tests.web.counter import authorities

    good = authorities()
    for bad in (
        "",
        "[root",
        good.replace("level = 2", "level = 6", 1),
        good.replace('region = "520000"', 'region = "52"', 1),
        good.replace("may_delegate = true", "may_delegate = false", 1),
        good.replace("name = ", "colour = 1\nname = ", 2),
        good + good[good.index("[[authority]]") :],
    ):
        with pytest.raises(SettingsFault) as fault:
            read_plan(bad)
        assert "\n" not in str(fault.value)
