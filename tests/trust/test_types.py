"""Type sets: what a pattern allows, and what lies inside what."""

import pytest

from ecert.errors import TrustFault
from ecert.trust import TypeSet

HOUSING = "11100000000013338W"
SAFETY = f"{HOUSING}011"
OTHER = "11100000MB03271699022"


@pytest.mark.parametrize(
    ("patterns", "type_code", "allowed"),
    [
        ((SAFETY,), SAFETY, True),
        ((SAFETY,), OTHER, False),
        ((SAFETY,), f"{HOUSING}012", False),
        ((SAFETY,), SAFETY[:-1], False),
        ((SAFETY,), f"{SAFETY}0", False),
        ((f"{HOUSING}*",), SAFETY, True),
        ((f"{HOUSING}*",), OTHER, False),
        ((f"{HOUSING}01*",), f"{HOUSING}021", False),
        (("*",), OTHER, True),
        ((), SAFETY, False),
        ((OTHER, f"{HOUSING}*"), SAFETY, True),
        ((SAFETY,), "", False),
    ],
)
def test_a_type_is_allowed_only_by_its_code_or_the_beginning_of_it(
    patterns: tuple[str, ...], type_code: str, allowed: bool
) -> None:
    assert TypeSet.parse(patterns).allows(type_code) is allowed


@pytest.mark.parametrize(
    ("outer", "inner", "inside"),
    [
        (("*",), ("*",), True),
        (("*",), (SAFETY, f"{HOUSING}*"), True),
        ((f"{HOUSING}*",), (SAFETY,), True),
        ((f"{HOUSING}*",), (f"{HOUSING}0*",), True),
        ((f"{HOUSING}0*",), (f"{HOUSING}*",), False),
        ((f"{HOUSING}*",), ("*",), False),
        ((SAFETY,), (f"{SAFETY[:-1]}*",), False),
        ((SAFETY,), (SAFETY, OTHER), False),
        ((SAFETY, OTHER), (OTHER,), True),
        ((SAFETY,), (), True),
        ((), (SAFETY,), False),
        ((), ("*",), False),
    ],
)
def test_a_set_is_inside_another_pattern_by_pattern(
    outer: tuple[str, ...], inner: tuple[str, ...], inside: bool
) -> None:
    assert TypeSet.parse(outer).contains(TypeSet.parse(inner)) is inside


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "**",
        "*0",
        SAFETY[:-1],
        f"{SAFETY}0",
        f"{SAFETY}*",
        SAFETY.lower(),
        f"{HOUSING}０１１",
        f"{HOUSING}.*",
        "?",
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(TrustFault):
        TypeSet.parse([pattern])
