"""Every reason code has its sentence, and nothing else has one."""

import tomllib
from importlib import resources

import pytest

from ecert.errors import InputError
from ecert.verify import UNDECIDED_CODES, ReasonCode, sentences

TABLES = tomllib.loads(resources.files("ecert.verify").joinpath("sentences.toml").read_text(encoding="utf-8"))


def test_no_sentence_is_missing_and_none_is_extra() -> None:
    assert list(TABLES) == [str(code) for code in ReasonCode]
    assert all(set(words) == {"zh", "en"} for words in TABLES.values())


@pytest.mark.parametrize("code", list(ReasonCode))
def test_a_sentence_says_what_is_wrong_and_what_to_do_next(code: ReasonCode) -> None:
    words = sentences(code)
    # What is wrong, then what to do: two parts each, for a person and not for a program.
    assert words.zh.endswith("。")
    assert "；" in words.zh or "，" in words.zh
    assert words.en.endswith(".")
    assert ":" in words.en or "," in words.en
    assert 15 <= len(words.zh) <= 60
    assert 40 <= len(words.en) <= 160
    assert "_" not in words.en


def test_no_two_codes_share_a_sentence() -> None:
    assert len({sentences(code).zh for code in ReasonCode}) == len(ReasonCode)
    assert len({sentences(code).en for code in ReasonCode}) == len(ReasonCode)


def test_what_is_undecided_is_never_called_valid() -> None:
    for code in UNDECIDED_CODES:
        assert "还不能认定有效" in sentences(code).zh
        assert "can't be called valid yet" in sentences(code).en


def test_every_refusal_of_a_reader_is_a_reason_code() -> None:
    def kinds(kind: type[InputError]) -> list[type[InputError]]:
        return [kind, *(each for child in kind.__subclasses__() for each in kinds(child))]

    for kind in kinds(InputError):
        assert ReasonCode(kind.code)
