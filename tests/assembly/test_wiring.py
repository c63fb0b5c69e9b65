"""One process wired: what each role is given, that knowledge stays fresh, and that the end is clean."""

import threading
from datetime import timedelta

import pytest

from ecert.assembly import Settings, build, configure_logs, examine, place_of, prepare
from ecert.assembly.log_view import LogStatusView
from ecert.assembly.redis_at import joined, located
from ecert.errors import KeyFault, SettingsFault, Unavailable
from ecert.services import Actor, Operation, Role, read_draft
from ecert.store.memory import MemoryStatus
from tests.web.counter import BASE_URL, DISTRICT, food_permit, founded, settings_of

CLERK = Actor(client_id="t", role=Role.OPERATOR)


@pytest.fixture
def app(tmp_path):
    made = founded(settings_of(tmp_path))
    yield made
    made.close()


def issue(app):
    draft, _ = read_draft(food_permit())
    return app.issuing.issue(draft, issuer=DISTRICT, by=CLERK)


def test_an_issuer_has_no_checking_and_a_verifier_no_writing(tmp_path):
    for role in ("issuer", "verifier"):
        settings = settings_of(tmp_path / role, role=role)
        app = build(settings, memory=MemoryStatus(base_url=settings.base_url))
        issues = role == "issuer"
        assert (app.checking is None) == issues
        for part in (app.issuing, app.status, app.licences, app.publishing, app.relay, app.key_files):
            assert (part is not None) == issues
        assert (app.data_keys is not None) == issues
        app.close()


def test_a_server_needs_a_status_cache_and_a_command_does_not(tmp_path):
    settings = settings_of(tmp_path)
    with pytest.raises(Unavailable, match="ecert serve"):
        build(settings)
    build(settings, launch=False).close()


def test_starting_and_closing_leaves_no_thread(app):
    before = set(threading.enumerate())
    with app.running():
        assert {t.name for t in threading.enumerate()} >= {"ecert-relay", "ecert-refresh"}
    assert {t.name for t in set(threading.enumerate()) - before if t.name.startswith("ecert")} == set()


def test_what_a_crash_left_reserved_is_finished_by_the_running_process(app):
    draft, _ = read_draft(food_permit())
    real = app.key_files.key_for

    def lost(*arguments, **named):
        raise KeyFault("expected a key, got none")

    with pytest.MonkeyPatch.context() as patch:
        calls = iter([real])
        patch.setattr(type(app.key_files), "key_for", lambda *a, **k: next(calls, lost)(*a[1:], **k))
        with pytest.raises(KeyFault):
            app.issuing.issue(draft, issuer=DISTRICT, by=CLERK)
    assert len(app.registry.reserved(before=app.clock() + timedelta(seconds=5))) == 1
    done = threading.Event()

    def look():
        if not app.registry.reserved(before=app.clock() + timedelta(seconds=5)):
            done.set()

    app.start(look)
    assert done.wait(20)


def test_a_client_made_elsewhere_is_known_and_a_withdrawn_one_is_not(app, tmp_path):
    other = build(app.settings, launch=False)
    try:
        with app.running():
            client, key = other.clients.create("窗口", Role.WINDOW)
            wait_until(lambda: app.clients.authenticate(key) is not None)
            other.clients.withdraw(client)
            wait_until(lambda: app.clients.authenticate(key) is None)
    finally:
        other.close()


def wait_until(holds):
    waiting = threading.Event()
    for _ in range(200):
        if holds():
            return
        waiting.wait(0.05)
    raise AssertionError("it did not come about")


def test_the_log_view_says_what_sql_says(app):
    issued = issue(app)
    view = LogStatusView(app.log, base_url=BASE_URL, clock=app.clock)
    uri = f"{BASE_URL}/status-lists/{issued.list_id}"
    assert view.lookup(uri, issued.idx).state == "valid"
    assert view.lookup(uri, 1 << 40) is None
    assert view.lookup(uri, -1) is None
    assert view.lookup(f"{BASE_URL}/status-lists/{DISTRICT}.9", 0) is None
    assert view.lookup(f"https://other.example/status-lists/{issued.list_id}", issued.idx) is None
    assert app.check_once(issued.token).outcome == "accepted"
    app.status.change(issued.id, Operation.REVOKE, reason="测试", by=CLERK)
    assert view.lookup(uri, issued.idx).state == "revoked"
    assert app.check_once(issued.token.encode()).outcome == "refused"


def test_rotating_the_data_key_keeps_every_licence_readable(app):
    issued = issue(app)
    before = app.data_keys.current_id
    rotated = app.rotate_data()
    assert rotated.key_id != before
    assert app.licences.get(issued.id, CLERK).token == issued.token


def test_the_data_key_file_is_private(app):
    assert (app.settings.keys / "data.keys").stat().st_mode & 0o077 == 0


def test_a_home_that_can_not_be_made_is_one_sentence(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("x")
    with pytest.raises(SettingsFault, match="ECERT_HOME"):
        build(settings_of(blocked), launch=False)
    assert not examine(settings_of(blocked))[1].ok


def test_doctor_changes_nothing_on_an_empty_machine(tmp_path):
    home = tmp_path / "home"
    parts = {part.part: part for part in examine(settings_of(home))}
    assert not home.exists()
    assert [name for name, part in parts.items() if not part.ok and not part.remedy] == []
    assert not parts["trust root"].ok


def test_prepare_starts_a_server_that_commands_join_and_ends_it(tmp_path, server_binary):
    settings = settings_of(tmp_path)
    assert joined(None, tmp_path) is None
    assert "none is running" in located(None, tmp_path)
    with prepare(settings) as ready:
        url = ready.environment["ECERT_REDIS_URL"]
        assert joined(None, tmp_path).url == url
        assert "answers" in located(None, tmp_path)
        assert ready.environment["ECERT_HOME"] == str(tmp_path)
        assert settings.redis_url is None
    assert joined(None, tmp_path) is None
    with pytest.raises(Unavailable, match="does not answer"):
        located("redis://127.0.0.1:1", tmp_path)


def test_a_verifier_never_starts_a_status_cache_that_nobody_would_fill(tmp_path):
    with (
        pytest.raises(SettingsFault, match="ECERT_REDIS_URL"),
        prepare(settings_of(tmp_path, role="verifier")),
    ):
        pass


def test_a_damaged_cache_is_found_and_rebuilt(tmp_path, redis_url):
    from ecert.store.redis_client import connect
    from ecert.store.redis_status import bits_key

    app = founded(settings_of(tmp_path))
    app.close()
    real = build(settings_of(tmp_path, redis_url=redis_url))
    try:
        real.refresh()
        issued = issue(real)
        real.relay.run_once()
        assert real.check_cache() == []
        client = connect(redis_url)
        client.setbit(bits_key(issued.list_id), 5, 1 - client.getbit(bits_key(issued.list_id), 5))
        assert [d.where for d in real.check_cache()] == ["cache"]
        epoch = real.rebuild_cache()
        assert epoch >= 1
        assert real.check_cache() == []
        client.close()
    finally:
        real.close()


def test_a_fault_is_placed_without_its_message():
    with pytest.raises(ValueError, match="secret") as raised:
        raise ValueError("secret")
    assert place_of(raised.value).startswith("test_wiring.py:")
    assert place_of(ValueError()) == "?"


def test_logging_can_be_set_up_twice():
    import logging

    import structlog

    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    try:
        configure_logs("info")
        configure_logs("info")
        assert len(root.handlers) == 1
    finally:
        root.handlers[:], root.level = before
        structlog.reset_defaults()


def test_settings_from_the_environment_build_a_process(tmp_path, monkeypatch):
    monkeypatch.setenv("ECERT_HOME", str(tmp_path))
    app = build(Settings.read(), launch=False)
    assert app.settings.home == tmp_path
    app.close()
