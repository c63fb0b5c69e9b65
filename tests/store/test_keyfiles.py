"""Signing keys as files: made once, read by their owner alone, chosen by their window."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from ecert.errors import KeyFault
from ecert.store import KeyFiles
from tests.services.office import in_threads
from tests.world import IDS, NOW

A, B = IDS["housing"], IDS["market"]
YEAR = timedelta(days=365)
WINDOW = {"valid_from": NOW - YEAR, "valid_until": NOW + YEAR}


@pytest.fixture
def keys(tmp_path: Path) -> KeyFiles:
    return KeyFiles(tmp_path / "private")


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_a_key_is_kept_and_read_back_whole(keys: KeyFiles, alg: str):
    made = keys.make(A, "licence", alg=alg, **WINDOW)
    (read,) = KeyFiles(keys.directory).keys_of(A)
    assert (read.authority, read.use, read.valid_from, read.valid_until) == (A, "licence", *WINDOW.values())
    assert read.key.public == made.key.public
    read.key.public.verify(made.key.sign(b"x"), b"x")


def test_directory_and_files_are_for_their_owner_alone(keys: KeyFiles):
    made = keys.make(A, "status", **WINDOW)
    assert stat.S_IMODE(keys.directory.stat().st_mode) == 0o700
    (path,) = keys.directory.iterdir()
    assert path.name == f"{A}.status.{made.key.kid}.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_file_that_others_can_read_is_refused(keys: KeyFiles, mode: int):
    keys.make(A, "licence", **WINDOW)
    next(keys.directory.iterdir()).chmod(mode)
    with pytest.raises(KeyFault, match="chmod 600"):
        KeyFiles(keys.directory)


def test_a_directory_that_others_can_read_is_refused(keys: KeyFiles):
    keys.directory.chmod(0o755)
    with pytest.raises(KeyFault, match="chmod 700"):
        KeyFiles(keys.directory)


def test_the_key_that_signs_is_the_newest_whose_window_covers_the_moment(keys: KeyFiles):
    old = keys.make(A, "licence", valid_from=NOW - YEAR, valid_until=NOW + timedelta(days=1))
    new = keys.make(A, "licence", valid_from=NOW, valid_until=NOW + YEAR)
    later = keys.make(A, "licence", valid_from=NOW + timedelta(days=30), valid_until=NOW + YEAR)
    moments = {-1: old, 0: new, 29: new, 30: later}
    for days, expected in moments.items():
        assert keys.key_for(A, "licence", at=NOW + timedelta(days=days)).kid == expected.key.kid


def test_outside_every_window_nobody_signs(keys: KeyFiles):
    keys.make(A, "licence", **WINDOW)
    for at in (NOW - YEAR - timedelta(seconds=1), NOW + YEAR):
        with pytest.raises(KeyFault, match="licence key"):
            keys.key_for(A, "licence", at=at)
    with pytest.raises(KeyFault):
        keys.key_for(A, "status", at=NOW)
    with pytest.raises(KeyFault):
        keys.key_for(B, "licence", at=NOW)


def test_a_compromised_key_signs_no_more_and_stays_on_record(keys: KeyFiles):
    made = keys.make(A, "licence", **WINDOW)
    keys.end(A, made.key.kid, at=NOW, compromised=True)
    with pytest.raises(KeyFault):
        keys.key_for(A, "licence", at=NOW - timedelta(days=1))
    (read,) = KeyFiles(keys.directory).keys_of(A)
    assert (read.compromised_at, read.valid_until) == (NOW, WINDOW["valid_until"])


def test_a_retired_key_signs_until_its_end(keys: KeyFiles):
    made = keys.make(A, "licence", **WINDOW)
    keys.end(A, made.key.kid, at=NOW)
    assert keys.key_for(A, "licence", at=NOW - timedelta(seconds=1)).kid == made.key.kid
    with pytest.raises(KeyFault):
        keys.key_for(A, "licence", at=NOW)
    with pytest.raises(KeyFault):
        keys.end(A, "A" * 11, at=NOW)


def test_a_key_that_another_process_made_is_found(keys: KeyFiles):
    made = KeyFiles(keys.directory).make(A, "licence", **WINDOW)
    assert keys.key_for(A, "licence", at=NOW).kid == made.key.kid


def test_first_runs_at_once_end_with_one_key(keys: KeyFiles):
    made = in_threads(6, lambda n: KeyFiles(keys.directory).ensure(A, "licence", **WINDOW).key.kid)
    assert len(set(made)) == 1
    assert len(list(keys.directory.glob("*.pem"))) == 1


def test_ensure_keeps_what_is_there(keys: KeyFiles):
    made = keys.make(A, "licence", **WINDOW)
    assert keys.ensure(A, "licence", **WINDOW).key.kid == made.key.kid


@pytest.mark.parametrize(
    "arguments",
    [
        {"authority": "../../etc"},
        {"authority": A[:-1]},
        {"use": "anything"},
        {"alg": "RS256"},
        {"valid_until": NOW - YEAR},
    ],
    ids=["path", "short", "use", "alg", "window"],
)
def test_a_key_for_nothing_we_know_is_not_made(keys: KeyFiles, arguments: dict):
    whole = {"authority": A, "use": "licence", **WINDOW, **arguments}
    with pytest.raises(KeyFault):
        keys.make(whole.pop("authority"), whole.pop("use"), **whole)
    assert list(keys.directory.iterdir()) == []


DAMAGE = {
    "no window": lambda data: data[data.index(b"-----") :],
    "a time of no form": lambda data: data.replace(b"from: 2", b"from: x"),
    "no key": lambda data: data[: data.index(b"-----")],
    "cut": lambda data: data[:-60],
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_is_refused_without_repeating_it(keys: KeyFiles, damage):
    keys.make(A, "licence", **WINDOW)
    (path,) = keys.directory.iterdir()
    data = path.read_bytes()
    path.write_bytes(damage(data))
    with pytest.raises(KeyFault) as caught:
        KeyFiles(keys.directory)
    assert data.splitlines()[4].decode() not in str(caught.value)


def test_a_key_under_another_key_s_name_is_refused(keys: KeyFiles):
    one, two = keys.make(A, "licence", **WINDOW), keys.make(A, "licence", **WINDOW)
    paths = {kid: keys.directory / f"{A}.licence.{kid}.pem" for kid in (one.key.kid, two.key.kid)}
    paths[one.key.kid].write_bytes(paths[two.key.kid].read_bytes())
    with pytest.raises(KeyFault, match="named after"):
        KeyFiles(keys.directory)


def test_other_files_in_the_directory_are_left_alone(keys: KeyFiles):
    keys.make(A, "licence", **WINDOW)
    (keys.directory / "root.jwk").write_text("{}")
    (keys.directory / "notes.pem").write_text("nothing")
    assert len(KeyFiles(keys.directory).keys_of(A)) == 1
