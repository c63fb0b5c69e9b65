"""Settings: read once from the environment, refused as a whole when one is wrong, never shown."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from ecert.assembly import Settings, setting_rows
from ecert.errors import SettingsFault

USCC = "91440300MA5EXAMP0X"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    import os

    for name in list(os.environ):
        if name.upper().startswith("ECERT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_no_environment():
    settings = Settings.read()
    assert settings.home == Path("var")
    assert settings.max_status_age == timedelta(seconds=5)
    assert settings.issues
    assert settings.verifies


def test_environment_is_read(monkeypatch):
    monkeypatch.setenv("ECERT_MAX_STATUS_AGE", "1.5")
    monkeypatch.setenv("ECERT_PORT", "9000")
    monkeypatch.setenv("ECERT_ROLE", "verifier")
    settings = Settings.read()
    assert settings.max_status_age == timedelta(seconds=1.5)
    assert settings.port == 9000
    assert settings.verifies
    assert not settings.issues


def test_an_empty_variable_is_not_set(monkeypatch):
    monkeypatch.setenv("ECERT_PORT", "")
    assert Settings.read().port == 8000


def test_what_is_given_wins(monkeypatch):
    monkeypatch.setenv("ECERT_PORT", "9000")
    assert Settings.read(port=1).port == 1
    assert Settings.read(port=None).port == 9000


@pytest.mark.parametrize("name", ["ECERT_PROT", "ECERT_", "ecert_port_", "ECERT_REDIS_URLS"])
def test_an_unknown_name_stops_the_start(monkeypatch, name):
    monkeypatch.setenv(name, "x")
    with pytest.raises(SettingsFault, match=name) as fault:
        Settings.read()
    assert "\n" not in str(fault.value)


def test_the_name_of_the_test_run_is_no_setting_and_no_fault(monkeypatch):
    monkeypatch.setenv("ECERT_VECTORS", "/somewhere")
    Settings.read()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "many"),
        ("WORKERS", "0"),
        ("ROLE", "king"),
        ("BASE_URL", "ftp://example.org"),
        ("BASE_URL", "https://user:word@example.org"),
        ("BASE_URL", "https://example.org/#a"),
        ("BASE_URL", "https://示例.example"),
        ("REDIS_URL", "http://x"),
        ("DATABASE_URL", "mysql://u:word@h/d"),
        ("ROOT_ID", "11100000000013338X"),
        ("MAX_STATUS_AGE", "0"),
        ("MAX_STATUS_AGE", "nan"),
        ("MAX_STATUS_AGE", "1e400"),
        ("CLOCK_SKEW", "-1"),
        ("SCANS_PER_MINUTE", "-1"),
        ("METRICS_OPEN", "perhaps"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_stops_the_start_in_one_sentence_without_the_value(monkeypatch, name, value):
    monkeypatch.setenv(f"ECERT_{name}", value)
    with pytest.raises(SettingsFault) as fault:
        Settings.read()
    said = str(fault.value)
    assert said.startswith(f"ECERT_{name} is wrong: ")
    assert "\n" not in said
    assert "word" not in said
    assert fault.value.__suppress_context__


def test_secrets_are_not_shown(monkeypatch, caplog):
    monkeypatch.setenv("ECERT_REDIS_URL", "redis://:hidden-word@cache:6379/0")
    monkeypatch.setenv("ECERT_DATABASE_URL", "postgresql+psycopg://u:hidden-word@db/ecert")
    monkeypatch.setenv("ECERT_DATA_KEYS", "hidden-word")
    settings = Settings.read()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger().info("%s %r", settings, settings)
    assert "hidden-word" not in caplog.text


def test_settings_never_change():
    settings = Settings.read()
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]


def test_another_process_gets_the_same_settings(monkeypatch):
    first = Settings.read(
        home=Path("/srv/x"),
        redis_url="redis://:word@h/0",
        max_status_age=timedelta(seconds=2.5),
        metrics_open=True,
        role="issuer",
    )
    for name, value in first.as_environment().items():
        monkeypatch.setenv(name, value)
    assert Settings.read() == first


def test_keys_stay_beside_a_checkout_unless_another_home_was_chosen(tmp_path):
    (tmp_path / "keys").mkdir()
    assert Settings.read().keys == Path("keys/private")
    assert Settings.read(home=Path("elsewhere")).keys == Path("elsewhere/keys")
    assert Settings.read(key_dir=Path("/safe")).keys == Path("/safe")


def test_every_setting_says_what_it_means():
    rows = setting_rows()
    assert {name for name, _, _ in rows} == {f"ECERT_{name.upper()}" for name in Settings.model_fields}
    assert [name for name, _, meaning in rows if not meaning] == []
