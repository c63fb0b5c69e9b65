"""Pictures: every kind of PNG is read with the standard library, and ATTACKS row 55 holds."""

import struct

import pytest

from ecert.cli.pictures import read_picture
from ecert.errors import Malformed, SettingsFault, TooLarge
from ecert.wire import qr
from tests.cli.drawing import png

zxingcpp = pytest.importorskip("zxingcpp")

CODE = qr.encode_short(qr.ShortKind.LICENCE, bytes(range(16)), "https://ecert.example")


def modules(text=CODE, scale=4, border=4):
    """The code as rows of 0 (black) and 1 (white)."""
    symbol = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    image = symbol.to_image(scale=1)
    rows = [[1 if v else 0 for v in row] for row in memoryview(image).tolist()]
    wide = [[1] * border + row + [1] * border for row in rows]
    whole = [[1] * len(wide[0])] * border + wide + [[1] * len(wide[0])] * border
    return [[v for v in row for _ in range(scale)] for row in whole for _ in range(scale)]


def packed(rows, depth):
    """Rows of samples of `depth` bits, filter 0."""
    top = (1 << depth) - 1
    out = []
    for row in rows:
        bits = "".join(format(v * top, f"0{depth}b") for v in row)
        bits += "0" * (-len(bits) % 8)
        out.append(b"\0" + int(bits, 2).to_bytes(len(bits) // 8))
    return out


def filtered(rows, kind, step):
    """The same bytes through one of the PNG filters."""
    out, above = [], bytes(len(rows[0]))
    for row in rows:
        line = bytearray([kind])
        for i, value in enumerate(row):
            left = row[i - step] if i >= step else 0
            corner = above[i - step] if i >= step else 0
            up = above[i]
            guess = {1: left, 2: up, 3: (left + up) // 2}.get(kind)
            if kind == 4:
                estimate = left + up - corner
                guess = min((left, up, corner), key=lambda v: abs(estimate - v))
            line.append((value - guess) & 255)
        out.append(bytes(line))
        above = row
    return out


def pictures():
    rows = modules()
    height, width = len(rows), len(rows[0])
    grey = [bytes(255 * v for v in row) for row in rows]
    colour = [bytes(255 * v for v in row for _ in range(3)) for row in rows]
    clear = [bytes(c for v in row for c in (255 * v, 255 * v, 255 * v, 255)) for row in rows]
    for depth in (1, 2, 4, 8, 16):
        yield f"grey {depth}", png(width, height, depth, 0, packed(rows, depth))
    for kind in (1, 2, 3, 4):
        yield f"filter {kind}", png(width, height, 8, 0, filtered(grey, kind, 1))
    yield "colour", png(width, height, 8, 2, [b"\0" + row for row in colour])
    yield "colour filtered", png(width, height, 8, 2, filtered(colour, 4, 3))
    yield "with alpha", png(width, height, 8, 6, [b"\0" + row for row in clear])
    yield "palette", png(width, height, 1, 3, packed(rows, 1), palette=b"\x10\x10\x10\xf0\xf0\xf0")


@pytest.mark.parametrize(("name", "data"), list(pictures()), ids=lambda v: v if isinstance(v, str) else "")
def test_every_kind_of_png_is_read(tmp_path, name, data):
    path = tmp_path / "code.png"
    path.write_bytes(data)
    assert read_picture(path) == CODE


def test_our_own_drawing_is_read(tmp_path):
    path = tmp_path / "code.png"
    path.write_bytes(qr.draw_png(CODE))
    assert read_picture(path) == CODE


def test_row_55_two_symbols_in_one_picture_are_refused(tmp_path):
    one, two = modules(), modules(qr.encode_short(qr.ShortKind.LICENCE, bytes(16), "https://ecert.example"))
    rows = [a + b for a, b in zip(one, two, strict=True)]
    path = tmp_path / "two.png"
    path.write_bytes(png(len(rows[0]), len(rows), 1, 0, packed(rows, 1)))
    with pytest.raises(Malformed, match="found 2"):
        read_picture(path)


def test_row_55_a_micro_qr_is_no_code_of_ours(tmp_path):
    symbol = zxingcpp.create_barcode("12345", zxingcpp.BarcodeFormat.MicroQRCode)
    rows = [[1 if v else 0 for v in row] for row in memoryview(symbol.to_image(scale=6)).tolist()]
    path = tmp_path / "micro.png"
    path.write_bytes(png(len(rows[0]), len(rows), 1, 0, packed(rows, 1)))
    with pytest.raises(Malformed, match="found 0"):
        read_picture(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 64,
        png(10, 10, 8, 0, [b"\0" * 11] * 9),
        png(10, 10, 8, 0, [b"\x09" + b"\0" * 10] * 10),
        png(10, 10, 8, 5, [b"\0" * 11] * 10),
        png(10, 10, 1, 3, [b"\0\xff\xff"] * 10, palette=b"\0\0\0"),
        png(0, 0, 8, 0, [b""]),
    ],
    ids=["empty", "head only", "rubbish", "short", "filter 9", "colour 5", "palette too short", "no pixels"],
)
def test_a_damaged_png_is_malformed(tmp_path, data):
    path = tmp_path / "x.png"
    path.write_bytes(data)
    with pytest.raises((Malformed, SettingsFault)):
        read_picture(path)


def test_a_picture_that_says_it_is_huge_is_not_unpacked(tmp_path):
    data = bytearray(png(10, 10, 8, 0, [b"\0" * 11] * 10))
    data[16:24] = struct.pack(">II", 100_000, 100_000)
    path = tmp_path / "x.png"
    path.write_bytes(bytes(data))
    with pytest.raises(TooLarge):
        read_picture(path)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(SettingsFault, match="expected a picture"):
        read_picture(tmp_path / "none.png")
