"""Whatever the bytes: a verdict, never an exception, and never "accepted" for what nobody signed."""

from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from ecert.errors import EcertError
from ecert.verify import Accepted, Refused, Undecided, evidence
from ecert.verify.snapshot import ListsStatusView
from ecert.wire import qr, sd_jwt
from tests.verify.presenting import ASKING, bound_licence, prove
from tests.world import BASE_URL, MARRIAGE_TYPE, World

WORLD: Final = World()
TRUST: Final = WORLD.trust
PUBLIC: Final = WORLD.issue()
PERSONAL: Final = WORLD.issue(idx=8, disclosable=frozenset({"CZZT", "CZZTDM", "ZZBH"}))
BOUND: Final = prove(bound_licence(WORLD, idx=9))
TOKENS: Final = (PUBLIC, PERSONAL, BOUND)
CODES: Final = tuple(qr.encode_token(token, BASE_URL) for token in (PUBLIC, PERSONAL))
GENUINE: Final = tuple(sd_jwt.split(token) for token in TOKENS)

some = settings(max_examples=1000, deadline=None, database=None)
fewer = settings(some, max_examples=400)
NASTY: Final = st.sampled_from(
    [*'~.=-_+/ \n\r\t\0%{}[]"\\:,', "é", "０", "\ud800", "\u202e", "AAAA", "~~", ".."]
)


def verdict_on(scan: Any) -> Accepted | Refused | Undecided:
    verdict = WORLD.verify(scan, trust=TRUST)
    assert isinstance(verdict, (Accepted, Refused, Undecided))
    if isinstance(verdict, Accepted):
        presented = evidence.read(scan)
        assert isinstance(presented, sd_jwt.Presentation)
        # Leaving out disclosures (or the whole proof) is the holder's right; nothing else may differ.
        assert any(
            presented.jwt == each.jwt
            and set(presented.disclosures) <= set(each.disclosures)
            and presented.key_binding in (None, each.key_binding)
            for each in GENUINE
        )
    return verdict


@st.composite
def changed(draw: st.DrawFn, originals: tuple[str, ...]) -> str:
    """One of the originals with one to three small injuries."""
    text = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((0, 1, 1, 1, 2, 5, 40))))
        replacement = draw(st.one_of(NASTY, st.text("AZaz09-_", max_size=3), st.just(text[start:end][::-1])))
        text = text[:start] + replacement + text[end:]
    return text


@st.composite
def rearranged(draw: st.DrawFn) -> str:
    """The parts of genuine tokens put together in another way."""
    parts = [part for token in TOKENS for piece in token.split("~") for part in piece.split(".")]
    chosen = draw(st.lists(st.sampled_from(parts), min_size=1, max_size=8))
    signs = draw(st.lists(st.sampled_from([".", ".", "~", "~", ""]), min_size=8, max_size=8))
    return "".join(part + sign for part, sign in zip(chosen, signs, strict=False))


@some
@given(changed(TOKENS))
def test_a_changed_token_is_never_accepted(scan: str) -> None:
    verdict_on(scan)


@some
@given(changed(CODES))
def test_a_changed_code_is_never_accepted(scan: str) -> None:
    verdict_on(scan)


@some
@given(rearranged())
def test_parts_of_several_licences_make_no_licence(scan: str) -> None:
    verdict_on(scan)


@fewer
@given(
    st.one_of(
        st.binary(max_size=400), st.text(max_size=400), st.from_regex(r"e[\w-]{0,40}(\.[\w-]{0,40}){0,6}~?")
    )
)
def test_any_bytes_and_any_text_get_a_verdict(scan: str | bytes) -> None:
    assert not isinstance(verdict_on(scan), Accepted)


JSON: Final = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8"), max_size=20),
    ),
    lambda children: st.one_of(
        st.lists(children, max_size=3), st.dictionaries(st.text("abc_.sd", max_size=4), children, max_size=3)
    ),
    max_leaves=6,
)
NAMES: Final = st.sampled_from(
    [
        "iss",
        "vct",
        "jti",
        "iat",
        "nbf",
        "exp",
        "status",
        "cnf",
        "ZZBH",
        "CZZT",
        "KZ_X",
        "_sd",
        "_sd_alg",
        "...",
        "new",
    ]
)


@fewer
@given(name=NAMES, value=JSON)
def test_a_genuine_signature_over_any_claims_gets_a_verdict(name: str, value: Any) -> None:
    claims = {**WORLD.claims(), name: value}
    try:
        token = WORLD.sign(claims)
    except EcertError:
        return  # the writer refuses what the reader would
    verdict = WORLD.verify(f"{token}~", trust=TRUST, policy=ASKING)
    assert not isinstance(verdict, Accepted)
    again = WORLD.verify(f"{token}~", trust=TRUST)
    if isinstance(again, Accepted):
        assert name not in ("iss", "vct", "jti") or claims == WORLD.claims()


def test_without_injury_all_of_them_are_accepted() -> None:
    # Else the tests above would prove nothing.
    for scan in (*TOKENS, *CODES):
        assert isinstance(verdict_on(scan), Accepted)
    assert MARRIAGE_TYPE not in PUBLIC


def test_a_view_without_lists_answers_nothing() -> None:
    assert isinstance(WORLD.verify(PUBLIC, trust=TRUST, status=ListsStatusView([])), Undecided)
