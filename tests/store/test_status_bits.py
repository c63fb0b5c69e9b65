"""Packed entries in memory agree with the Token Status List reader, and 1 is never lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecert.store.status_bits import StatusBits, check_sum
from ecert.wire.status_list import StatusList

writes = st.lists(st.tuples(st.integers(0, 62), st.integers(0, 3), st.booleans()), max_size=60)


@given(writes)
@settings(max_examples=200)
def test_entries_read_as_a_published_status_list(changes: list[tuple[int, int, bool]]) -> None:
    bits = StatusBits(63)
    plain = [3] * 63
    marks = set()
    for idx, value, mark in changes:
        took = bits.set(idx, value, superseded=mark and value == 1)
        assert took == (plain[idx] != 1 or value == 1)
        if took:
            plain[idx] = value
            marks.discard(idx)
            if mark and value == 1:
                marks.add(idx)
    published = StatusList.from_bytes(bytes(bits.entries))
    assert [published.get(idx) for idx in range(63)] == plain == [bits.get(idx) for idx in range(63)]
    assert {idx for idx in range(63) if bits.is_superseded(idx)} == marks


@given(st.binary(min_size=1, max_size=64), st.binary(min_size=1, max_size=64))
@settings(max_examples=200)
def test_keeping_invalid_entries_loses_none_and_adds_none(old: bytes, new: bytes) -> None:
    size = 4 * min(len(old), len(new))
    before, after = StatusBits(size, old[: size // 4]), StatusBits(size, new[: size // 4])
    wanted = [1 if before.get(i) == 1 else after.get(i) for i in range(size)]
    lost = sum(before.get(i) == 1 != after.get(i) for i in range(size))
    assert after.keep_invalid(before) == lost
    assert [after.get(i) for i in range(size)] == wanted


@pytest.mark.parametrize("at", [0, 1, 1000, 262_143])
def test_any_single_changed_entry_changes_the_check_sum(at: int) -> None:
    entries = bytearray(b"\xff" * 262_144)
    whole = check_sum(entries)
    for value in (0, 1, 2):
        entries[at] = 0b11001111 | value << 4
        assert check_sum(entries) != whole
