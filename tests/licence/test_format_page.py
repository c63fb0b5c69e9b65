"""docs/formats/licence.md: its Python runs, and the licence at its end is what the code makes."""

import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from ecert.crypto import PrivateKey
from ecert.licence import ImportFlag, PresentedLicence, load_types
from ecert.licence.check_digits import ALPHANUMERIC
from ecert.licence.formats import Format
from ecert.wire import b64, sd_jwt
from tests.docs.pages import REPO, blocks

PAGE = (REPO / "docs/formats/licence.md").read_text(encoding="utf-8")
TOKEN = blocks(PAGE, "text")[0].strip()
SIGNED = blocks(PAGE, "json")[0].splitlines()
# RFC 8037 appendix A.1; a published key, good for nothing but examples.
KEY = PrivateKey.from_cryptography(
    ed25519.Ed25519PrivateKey.from_private_bytes(b64.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"))
)


@pytest.mark.parametrize("code", blocks(PAGE, "python"))
def test_python_on_the_page_runs(code):
    exec(compile(code, "docs/formats/licence.md", "exec"), {})


def test_the_licence_on_the_page_is_read():
    licence = PresentedLicence.from_claims(sd_jwt.read(TOKEN, KEY.public), load_types())
    assert licence.holder.code == "11010519491231002X"
    assert licence.fields["KZ_ZZ"] == "虚构市样例区示例路1号"
    assert KEY.kid == "kPrK_qmxVWa"


def test_the_licence_on_the_page_is_made_byte_by_byte():
    presentation = sd_jwt.split(TOKEN)
    parts = [presentation.jwt.split(b".")[1], *presentation.disclosures]
    assert [b64.decode(part).decode() for part in parts] == SIGNED
    claims = sd_jwt.read(TOKEN, KEY.public)
    kind = load_types()[claims["vct"]]
    order = [
        "iss",
        "vct",
        "jti",
        "iat",
        "nbf",
        "exp",
        "status",
        "ZZBFJG",
        "ZZBH",
        "CZZT",
        "CZZTDM",
        "CZZTDMLXDM",
    ]
    names = [*order, *(field.name for field in kind.fields)]
    salts = iter(re.findall(r'^\["([^"]+)"', "\n".join(SIGNED), re.MULTILINE))
    again = sd_jwt.issue(
        {name: claims[name] for name in names},
        disclosable=kind.disclosable,
        typ="dc+sd-jwt",
        key=KEY,
        salt=lambda: next(salts),
    )
    assert again == TOKEN


def test_worked_check_character_is_right_line_by_line():
    steps = re.findall(r"^\| `(.)` \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert len(steps) == 6
    text = "11100000000013338W011" + "11430000006122244L" + "20230000403" + "001"
    walked, state = [], 36
    for character in text:
        value = ALPHANUMERIC.index(character)
        s = (state + value) % 36 or 36
        state = 2 * s % 37
        walked.append((character, str(value), str(s), str(state)))
    assert steps == [*walked[:4], *walked[-2:]]
    assert f"… {len(text) - 6} more … | | | {walked[-3][3]} |" in PAGE


def test_the_page_names_every_format_and_flag():
    assert [name for name in [*Format, *ImportFlag] if f"`{name}`" not in PAGE] == []
