"""One meaning for every JSON text that is accepted, whichever way it is read."""

import json as other_json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import Malformed, TooLarge
from ecert.wire import json

WHOLE = st.integers(-(2**63), 2**63 - 1)
SCALARS = (
    st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_reading_gives_back_what_was_written(value: object) -> None:
    text = json.dumps(value)
    assert json.loads(text) == value
    assert json.dumps(json.loads(text)) == text


@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_other_spellings_mean_the_same(value: object, indent: int | str | None, escaped: bool) -> None:
    """The slow path and the fast path agree."""
    text = other_json.dumps(value, indent=indent, ensure_ascii=escaped, separators=(" ,", " : "))
    assert json.loads(text.encode()) == value


def test_text_as_we_write_it_is_compact_and_unescaped() -> None:
    assert json.dumps({"名": "张", "a": [1, 2.5, True, None]}) == '{"名":"张","a":[1,2.5,true,null]}'.encode()


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"a":1, "b":2, "a":1}',
        b'{"a":1,"\\u0061":2}',
        b'{"x":[{"a":{"b":1,"b":2}}]}',
        b"NaN",
        b"[Infinity]",
        b'{"a":-Infinity}',
        b"1e400",
        b"[-1e999]",
        b"9223372036854775808",
        b"[18446744073709551615]",
        b"-9223372036854775809",
        b'{"n":18446744073709551616}',
        b"9" * 5000,
        b'"\\ud800"',
        b'["\\udc00\\ud800"]',
        b'{"\\ud83d":1}',
        b'"\\ud800\\u0041"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b'"\xc0\xaf"',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-16-le"),
        b'{"a":1}\n{"a":1}',
        b'{"a":1}\0',
        b"",
        b" ",
        b"[1,]",
        b"[01]",
        b"[1.]",
        b"[.5]",
        b"[+1]",
        b"{'a':1}",
        b'{"a":1,}',
        b"[1]//",
        b'"\n"',
        b'"\x00"',
        b"[" * 17 + b"]" * 17,
        b'{"a":' * 17 + b"1" + b"}" * 17,
        b"[" * 8000,
        b'["' + b"[" * 20 + b'"],' + b"[" * 20,
    ],
    ids=lambda text: repr(text[:24]),
)
def test_text_with_no_or_two_meanings_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        json.loads(text)


def test_negative_zero_is_no_integer() -> None:
    value = json.loads(b'{"idx":-0}')
    assert value == {"idx": 0}
    assert isinstance(value, dict)
    assert type(value["idx"]) is float


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 0, 1 << 53])
@pytest.mark.parametrize("text", ["%d", " %d ", "[%d]", '{"n": %d}'])
def test_integers_of_64_bits_are_read_exactly(number: int, text: str) -> None:
    assert str(number) in str(json.loads((text % number).encode()))


def test_depth_counts_containers_and_not_brackets_in_text() -> None:
    assert json.loads(b"[" * 16 + b"]" * 16)
    assert json.loads(b'["' + b"[{" * 50 + b'"]')
    assert json.loads(b'[ "' + b'\\"[{' * 50 + b'"]')


def test_limit_is_on_bytes_and_comes_first() -> None:
    assert json.loads(b'"' + b"a" * 16382 + b'"')
    with pytest.raises(TooLarge):
        json.loads(b'"' + b"a" * 16383 + b'"')
    with pytest.raises(TooLarge):
        json.loads(b"[[[[[", max_bytes=4)


@pytest.mark.parametrize(
    "text", [b'"\\' * 8000, b'"' * 16000, b'[{"' * 5000, b'["a\\"' * 3000, b'["\\"' * 4000]
)
def test_hostile_strings_are_scanned_once(text: bytes) -> None:
    """A scan that starts again at each quote takes the square of the length: here it would never end."""
    with pytest.raises(Malformed):
        json.loads(b"[" * 17 + text * 50, max_bytes=2_000_000)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        [2**63],
        {"a": -(2**63) - 1},
        "\ud800",
        {"\udfff": 1},
        [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]],
    ],
    ids=str,
)
def test_values_that_could_not_be_read_again_are_not_written(value: object) -> None:
    with pytest.raises(Malformed):
        json.dumps(value)


@pytest.mark.parametrize(
    "value", [b"x", {1: 2}, {"a": {3}}, pytest.param(object(), id="an-object"), 1j, [b""]], ids=str
)
def test_types_that_json_has_not_are_the_programmers_error(value: object) -> None:
    with pytest.raises(TypeError):
        json.dumps(value)
