"""The ring of data keys: what it opens, what it refuses, and how it grows."""

import stat
from pathlib import Path

import pytest

from ecert.errors import KeyFault
from ecert.store import DataKeys
from tests.services.office import in_threads


def ring(home: Path) -> DataKeys:
    return DataKeys.open(home / "keys" / "data.keys")


def lines(home: Path) -> list[str]:
    text = (home / "keys" / "data.keys").read_text()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_what_is_sealed_opens_for_its_owner_only_and_every_time_differently(tmp_path: Path):
    keys = ring(tmp_path)
    sealed = keys.ring.seal("甲示例".encode(), owner="a")
    assert keys.open_sealed(sealed, key_id=keys.current_id, owner="a") == "甲示例".encode()
    assert keys.ring.seal("甲示例".encode(), owner="a") != sealed
    with pytest.raises(KeyFault):
        keys.open_sealed(sealed, key_id=keys.current_id, owner="b")


@pytest.mark.parametrize("place", [0, 11, 12, 20, -1])
def test_a_changed_byte_does_not_open(tmp_path: Path, place: int):
    keys = ring(tmp_path)
    sealed = bytearray(keys.ring.seal(b"something", owner="a"))
    sealed[place] ^= 1
    with pytest.raises(KeyFault):
        keys.open_sealed(bytes(sealed), key_id=keys.current_id, owner="a")


@pytest.mark.parametrize("sealed", [b"", b"x" * 11, b"x" * 27])
def test_too_few_bytes_do_not_open(tmp_path: Path, sealed: bytes):
    keys = ring(tmp_path)
    with pytest.raises(KeyFault):
        keys.open_sealed(sealed, key_id=keys.current_id, owner="a")


def test_a_hash_tells_parts_apart_and_needs_its_key(tmp_path: Path):
    keys = ring(tmp_path)
    assert keys.ring.mac("holder", "ab") == keys.ring.mac("holder", "ab")
    assert keys.ring.mac("holder", "ab") != keys.ring.mac("holdera", "b")
    assert keys.ring.mac("number", "ab") != keys.ring.mac("holder", "ab")
    other = DataKeys.open(tmp_path / "other.keys")
    assert keys.ring.mac("holder", "ab") != other.ring.mac("holder", "ab")


def test_the_file_is_made_once_for_its_owner_alone(tmp_path: Path):
    first, second = ring(tmp_path), ring(tmp_path)
    assert first.ids == second.ids
    assert stat.S_IMODE((tmp_path / "keys" / "data.keys").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["data.keys"]


def test_threads_that_open_it_first_at_once_end_with_one_key(tmp_path: Path):
    assert len({keys.current_id for keys in in_threads(8, lambda n: ring(tmp_path))}) == 1


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o666])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int):
    ring(tmp_path)
    (tmp_path / "keys" / "data.keys").chmod(mode)
    with pytest.raises(KeyFault, match="0600"):
        ring(tmp_path)


def test_an_added_key_is_current_here_and_in_other_processes_and_the_old_one_still_opens(tmp_path: Path):
    keys, elsewhere = ring(tmp_path), ring(tmp_path)
    sealed, old = keys.ring.seal(b"x", owner="a"), keys.current_id
    new = keys.add()
    assert keys.ids == (old, new)
    assert keys.open_sealed(sealed, key_id=old, owner="a") == b"x"
    under_new = keys.ring.seal(b"y", owner="a")
    assert elsewhere.current_id == old
    assert elsewhere.open_sealed(under_new, key_id=new, owner="a") == b"y"  # looks at the file again
    assert elsewhere.current_id == new


def test_a_ring_once_taken_stays_as_it_was(tmp_path: Path):
    keys = ring(tmp_path)
    taken = keys.ring
    keys.add()
    assert taken.current_id != keys.current_id
    assert keys.open_sealed(taken.seal(b"x", owner="a"), key_id=taken.current_id, owner="a") == b"x"


def test_a_setting_is_read_like_a_file_and_is_not_added_to(tmp_path: Path):
    ring(tmp_path).add()
    setting = DataKeys(",".join(lines(tmp_path)))
    assert setting.ids == ring(tmp_path).ids
    with pytest.raises(KeyFault, match="setting"):
        setting.add()


DAMAGE = {
    "empty": lambda text: "",
    "comment only": lambda text: "# nothing",
    "cut": lambda text: text[:-1],
    "another fingerprint": lambda text: "00000000" + text[8:],
    "one digit of the key": lambda text: text[:20] + ("A" if text[20] != "A" else "B") + text[21:],
    "twice": lambda text: f"{text}\n{text}",
    "no key": lambda text: "hello",
    "padding": lambda text: text + "=",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_ring_is_refused_without_repeating_it(tmp_path: Path, damage):
    ring(tmp_path)
    (good,) = lines(tmp_path)
    with pytest.raises(KeyFault) as caught:
        DataKeys(damage(good))
    assert good[9:] not in str(caught.value)


def test_a_key_that_is_not_in_the_ring_is_named(tmp_path: Path):
    with pytest.raises(KeyFault, match="deadbeef"):
        ring(tmp_path).open_sealed(b"x" * 40, key_id="deadbeef", owner="a")
