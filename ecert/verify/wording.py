"""What the clerk reads (给窗口人员的话): one sentence a reason code, in Chinese and English."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ecert.verify.verdict import ReasonCode

__all__ = ["Sentence", "sentences"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What is wrong and what to do next."""

    zh: str
    en: str


def sentences(code: ReasonCode) -> Sentence:
    """Give the clerk's sentence for one reason code."""
    return _all()[code]


@cache
def _all() -> Mapping[str, Sentence]:
    text = resources.files("ecert.verify").joinpath("sentences.toml").read_text(encoding="utf-8")
    return {code: Sentence(zh=words["zh"], en=words["en"]) for code, words in tomllib.loads(text).items()}
