"""Codes: what is printed is read back, by our reader and by an independent decoder of pictures."""

import struct
import zlib

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import EcertError, Malformed, Misread, SettingsFault, TooLarge
from ecert.wire import container, digits, qr, sd_jwt
from ecert.wire.qr import ShortCode, ShortKind
from tests.wire.disclosures import HOLDER, ISSUER, bound, digest, disclosure, sd_jwt_of
from tests.wire.printed import LICENCES
from tests.wire.test_json import VALUES
from tests.wire.test_sd_jwt import NAMES, reserved_free, salts

BASE = "https://ecert.example"
TOKEN = LICENCES["food permit"]
CODE = qr.encode_token(TOKEN, BASE)


@given(st.dictionaries(NAMES, VALUES.filter(reserved_free), max_size=3), st.frozensets(NAMES, max_size=2))
def test_reading_gives_back_the_licence(claims: dict[str, object], disclosable: frozenset[str]) -> None:
    token = sd_jwt.issue(claims, disclosable=disclosable, typ="dc+sd-jwt", key=ISSUER, salt=salts())
    assert qr.read(qr.encode_token(token, BASE)) == token


@given(st.sampled_from(ShortKind), st.binary(min_size=16, max_size=16))
def test_reading_gives_back_the_short_code(kind: ShortKind, secret: bytes) -> None:
    text = qr.encode_short(kind, secret, BASE)
    assert text.startswith("HTTPS://ECERT.EXAMPLE/V/")
    assert len(text) == len("HTTPS://ECERT.EXAMPLE/V/") + 42
    assert qr.read(text) == ShortCode(kind=kind, value=secret)


def test_address_is_in_capitals_and_a_path_keeps_its_case() -> None:
    assert CODE.startswith("HTTPS://ECERT.EXAMPLE/Q#/")
    assert CODE.removeprefix("HTTPS://ECERT.EXAMPLE/Q#/").isdecimal()
    for base, address in {
        "http://127.0.0.1:8000": "HTTP://127.0.0.1:8000/Q#/",
        "https://gov.example/": "HTTPS://GOV.EXAMPLE/Q#/",
        "https://gov.example/Zheng/zhao": "HTTPS://GOV.EXAMPLE/Zheng/zhao/Q#/",
    }.items():
        assert qr.encode_token(TOKEN, base).startswith(address)
        assert qr.read(qr.encode_token(TOKEN, base)) == TOKEN


@pytest.mark.parametrize(
    "base", ["", "gov.example", "ftp://x", "https://", "https://x/?a", "https://x/#", "https://x y"]
)
def test_address_of_another_form_is_a_wrong_setting(base: str) -> None:
    with pytest.raises(SettingsFault):
        qr.encode_token(TOKEN, base)


FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@pytest.mark.parametrize(
    "harm",
    {
        "caps lock": str.swapcase,
        "lower case": str.lower,
        "full width": lambda text: text.translate(FULL_WIDTH),
        "address lost": lambda text: text.rsplit("/", 1)[1],
        "input method ate the letters": lambda text: "。、·" + text.rsplit("/", 1)[1],
        "german keyboard": lambda text: text.replace(":", "Ö").replace("/", "-").replace("#", "§"),
        "enter after it": lambda text: text + "\r\n",
        "tab and blanks after it": lambda text: text + "\t \u3000",
        "another host": lambda text: text.replace("ECERT.EXAMPLE", "evil.example/?u=1&x="),
    }.items(),
    ids=lambda item: item[0],
)
def test_keyboards_harm_the_address_only(harm: tuple[str, object]) -> None:
    assert qr.read(harm[1](CODE)) == TOKEN  # type: ignore[operator]


@pytest.mark.parametrize(
    "text",
    ["", " ", "HTTPS://ECERT.EXAMPLE/Q#/", "HTTPS://ECERT.EXAMPLE/Q#/12x", "你好", "١٢٣٤٥", "12", CODE + "x"],
)
def test_text_without_a_code_is_misread(text: str) -> None:
    with pytest.raises(Misread):
        qr.read(text)


def test_every_dropped_doubled_or_changed_digit_is_misread() -> None:
    start = CODE.rindex("/") + 1
    for place in range(start, len(CODE), 7):
        changed = str((int(CODE[place]) + 3) % 10)
        for text in (
            CODE[:place] + CODE[place + 1 :],
            CODE[:place] + CODE[place] + CODE[place:],
            CODE[:place] + changed + CODE[place + 1 :],
        ):
            with pytest.raises(Misread):
                qr.read(text)
    with pytest.raises(Misread):  # the scan broke off
        qr.read(CODE[: (start + len(CODE)) // 2])


def test_right_digits_with_wrong_content_are_malformed() -> None:
    for body in (b"\2" + bytes(70), bytes(70), b"\1\x40" + bytes(68)):
        with pytest.raises(Malformed):
            qr.read(digits.with_check(digits.encode(body)))


@pytest.mark.parametrize(
    "code", ["0" + "0" * 39, "4" + "0" * 39, "9" + "0" * 39, "1" + str(2**128).zfill(39), "1" + "9" * 39]
)
def test_short_code_of_another_kind_or_size_is_malformed(code: str) -> None:
    with pytest.raises(Malformed):
        qr.read(digits.with_check(code))


@pytest.mark.parametrize("secret", [b"", bytes(15), bytes(17)])
def test_short_code_has_16_bytes(secret: bytes) -> None:
    with pytest.raises(Malformed):
        qr.encode_short(ShortKind.LICENCE, secret, BASE)


def test_short_code_does_not_show_its_value() -> None:
    assert "value" not in repr(qr.read(qr.encode_short(ShortKind.LIVE, bytes(range(16)), BASE)))


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        TOKEN[:-1],
        bound(sd_jwt_of({})),
        TOKEN + "=",
        " " + TOKEN,
        TOKEN.replace(".", ".."),
        "eyJhbGciOiJub25lIn0.e30.",
        "eyJh.e30.AA.AA.AA",
        "eyJh.e30",
        "~",
        "a~1234",
    ],
)
def test_tokens_good_or_bad_are_left_to_their_reader(text: str) -> None:
    assert qr.read(text) == text


@pytest.mark.parametrize("text", ['{"payload":"1"}', ' [{"a":1}] 123', '{"a":1234567'])
def test_json_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        qr.read(text)


def test_limits() -> None:
    for text in ("1" * 16385, "~" * 16385, "1" * 4001):
        with pytest.raises(TooLarge):
            qr.read(text)
    noise = [disclosure(digest(str(number)), "n", digest(str(-number))) for number in range(40)]
    with pytest.raises(TooLarge):
        qr.encode_token(sd_jwt_of({}, *noise), BASE)
    with pytest.raises(EcertError):
        qr.encode_token(bound(sd_jwt_of({"cnf": {"jwk": HOLDER.public.to_jwk()}})), BASE)


def test_code_above_version_22_is_never_made() -> None:
    """Also where its digits would still be read."""
    noise = [disclosure(digest(str(number)), "n", digest(str(-number))) for number in range(12)]
    token = sd_jwt_of({}, *noise)
    code = digits.with_check(digits.encode(container.pack(token)))
    assert 1900 < len(code) < digits.MAX_DIGITS
    assert qr.read(code) == token
    with pytest.raises(TooLarge, match="22-M"):
        qr.encode_token(token, BASE)


@pytest.mark.parametrize("name", LICENCES)
def test_independent_decoder_reads_both_pictures(name: str) -> None:
    text = qr.encode_token(LICENCES[name], BASE)
    for picture, scale in ((qr.draw_png(text), 4), (qr.draw_png(text, scale=3), 3)):
        found = read_picture(picture)
        assert found.text == text
        size = struct.unpack_from(">I", picture, 16)[0]
        assert size == (17 + 4 * qr.version_of(text) + 8) * scale


def test_picture_is_digits_in_a_numeric_segment_at_level_m() -> None:
    """Bytes in place of digits would need a symbol twice as large."""
    found = read_picture(qr.draw_png(CODE))
    assert found.ec_level == "M"
    assert qr.version_of(CODE) <= 14


def test_svg_draws_the_same_modules_as_the_png() -> None:
    svg = qr.draw_svg(CODE)
    size = 17 + 4 * qr.version_of(CODE) + 8
    dark = set()
    for part in svg.split('d="')[2].split('"')[0].split("M")[1:]:
        start, rest = part.split("h", 1)
        x, y = map(int, start.split(" "))
        dark |= {(column, y) for column in range(x, x + int(rest.split("v")[0]))}
    rows = pixels(qr.draw_png(CODE, scale=1))
    assert dark == {(x, y) for y in range(size) for x in range(size) if not rows[y][x]}


def test_largest_version_is_drawn_and_one_digit_more_is_refused() -> None:
    address, most = "HTTPS://A.EXAMPLE/Q#/", 1
    while True:
        try:
            qr.version_of(address + "1" * (most + 1))
        except TooLarge:
            break
        most += 1
    text = address + "1" * most
    assert qr.version_of(text) == 22
    assert read_picture(qr.draw_png(text)).text == text
    with pytest.raises(TooLarge):
        qr.draw_svg(text + "1")


def test_version_is_the_smallest_that_holds_the_text() -> None:
    for length in range(1, 1700, 161):
        text = "X" * 30 + "7" * length
        assert struct.unpack_from(">I", qr.draw_png(text, scale=1), 16)[0] == 25 + 4 * qr.version_of(text)


@pytest.mark.parametrize("text", ["", "abc", "1a", "é1", "１２３"])
def test_what_is_no_code_is_not_drawn(text: str) -> None:
    with pytest.raises(Malformed):
        qr.draw_svg(text)


@pytest.mark.parametrize("scale", [0, -1, 41])
def test_scale_has_limits(scale: int) -> None:
    with pytest.raises(Malformed):
        qr.draw_png("1", scale=scale)


def pixels(png: bytes) -> list[list[int]]:
    """Decode our one kind of PNG: 1 bit, grey, no filter."""
    width, height, *kind = struct.unpack_from(">2I5B", png, 16)
    assert kind == [1, 0, 0, 0, 0]
    length = struct.unpack_from(">I", png, 33)[0]
    data = zlib.decompress(png[41 : 41 + length])
    stride = 1 + (width + 7) // 8
    rows = [data[y * stride + 1 : (y + 1) * stride] for y in range(height)]
    return [[row[x // 8] >> 7 - x % 8 & 1 for x in range(width)] for row in rows]


def read_picture(png: bytes) -> zxingcpp.Barcode:
    grey = [bytes(255 * bit for bit in row) for row in pixels(png)]
    image = memoryview(b"".join(grey)).cast("B", (len(grey), len(grey[0])))
    (found,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
    return found


@pytest.mark.parametrize(
    ("name", "version"),
    [("business licence", 18), ("food permit", 13), ("safety certificate", 13), ("marriage certificate", 13)],
)
def test_realistic_licences_fit_the_versions_that_were_promised(name: str, version: int) -> None:
    assert qr.version_of(qr.encode_token(LICENCES[name], BASE)) <= version


def test_two_disclosures_with_an_address_need_two_versions_more() -> None:
    """Salts and what they hide can't be deflated; the size is watched all the same."""
    assert qr.version_of(qr.encode_token(LICENCES["driving licence"], BASE)) <= 15
