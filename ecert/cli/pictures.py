"""A picture of a code to its text, by zxing-cpp. Exactly one symbol may be in the picture.

PNG is read here with the standard library; other formats need Pillow. Both limits hold before anything is
unpacked.

Sources: PNG (ISO/IEC 15948) sections 9 and 11.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

from ecert.errors import Malformed, SettingsFault, TooLarge

__all__ = ["PICTURE_ENDINGS", "read_picture"]

PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_OTHER_HEADS = (b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")
_MAX_FILE = 32 * 1024 * 1024
_MAX_PIXELS = 50_000_000
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def read_picture(path: Path) -> str:
    """Read the one QR code in a picture.

    Raises:
        Malformed: No code, more than one, or a damaged PNG.
        TooLarge: A file or picture over the limit.
        SettingsFault: A library that is needed is not installed, or the file can't be read or is no picture.
    """
    try:
        if path.stat().st_size > _MAX_FILE:
            raise TooLarge(f"expected a picture of at most {_MAX_FILE >> 20} MiB")
        data = path.read_bytes()
    except OSError as fault:
        raise SettingsFault(f"expected a picture at {path}, got {fault.strerror}") from None
    if data[:8] != _PNG_HEAD and not data.startswith(_OTHER_HEADS):
        raise SettingsFault(f"{path.name} is no picture")
    try:
        import zxingcpp  # noqa: PLC0415 - an extra: only needed for pictures
    except ImportError:
        raise SettingsFault("reading a picture needs zxing-cpp: pip install 'ecert[batch]'") from None
    image = _png(data) if data[:8] == _PNG_HEAD else _with_pillow(path)
    # Only QR: among the modules of a large one, a reader of line codes now and then sees a short one.
    codes = zxingcpp.read_barcodes(
        image, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCodeModel2)
    )
    found = [code.text for code in codes if code.text]
    if len(found) != 1:
        raise Malformed(f"expected one code in the picture, found {len(found)}")
    return str(found[0])


def _with_pillow(path: Path) -> Any:
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - optional
    except ImportError:
        raise SettingsFault(
            f"expected a PNG, got {path.name}: other pictures need the library Pillow"
        ) from None
    try:
        with Image.open(path) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise TooLarge(f"expected a picture of at most {_MAX_PIXELS} pixels")
            return image.convert("L")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise SettingsFault(f"{path.name} is no picture") from None


def _png(data: bytes) -> Any:
    """Unpack a PNG to grey bytes, as the buffer of rows that zxing-cpp takes."""
    try:
        chunks = dict[bytes, bytes]()
        place = 8
        while place + 8 <= len(data):
            length, kind = struct.unpack_from(">I4s", data, place)
            chunks[kind] = chunks.get(kind, b"") + data[place + 8 : place + 8 + length]
            place += 12 + length
        width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
        if width * height > _MAX_PIXELS:
            raise TooLarge(f"expected a picture of at most {_MAX_PIXELS} pixels")
        if interlace or not width or not height:
            raise Malformed("expected a PNG that is not interlaced")
        channels = _CHANNELS[colour]
        stride = (width * channels * depth + 7) // 8
        unpack = zlib.decompressobj()
        raw = unpack.decompress(chunks[b"IDAT"], (stride + 1) * height)
        if len(raw) != (stride + 1) * height:
            raise Malformed("expected as many pixels as the PNG's head says")
        rows = _unfilter(raw, stride, max(1, channels * depth // 8))
        return memoryview(_grey(rows, width, depth, colour, chunks.get(b"PLTE", b""))).cast(
            "B", (height, width)
        )
    except (KeyError, struct.error, zlib.error, IndexError):
        raise Malformed("expected a PNG, got a damaged one") from None


def _unfilter(raw: bytes, stride: int, step: int) -> list[bytearray]:
    rows: list[bytearray] = []
    above = bytearray(stride)
    for start in range(0, len(raw), stride + 1):
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        if kind == 2:
            for i in range(stride):
                row[i] = (row[i] + above[i]) & 255
        elif kind:
            for i in range(stride):
                left = row[i - step] if i >= step else 0
                corner = above[i - step] if i >= step else 0
                row[i] = (row[i] + _predicted(kind, left, above[i], corner)) & 255
        rows.append(row)
        above = row
    return rows


def _predicted(kind: int, left: int, above: int, corner: int) -> int:
    if kind == 1:
        return left
    if kind == 3:
        return (left + above) // 2
    if kind != 4:
        raise Malformed("expected a PNG filter of 0 to 4")
    nearest = left + above - corner
    a, b, c = abs(nearest - left), abs(nearest - above), abs(nearest - corner)
    return left if a <= b and a <= c else above if b <= c else corner


def _grey(rows: list[bytearray], width: int, depth: int, colour: int, palette: bytes) -> bytes:
    """One grey byte a pixel; colours by their green, which is enough for black on white."""
    channels = _CHANNELS[colour]
    out = bytearray()
    for row in rows:
        if depth == 16:
            samples = row[::2]
        elif depth == 8:
            samples = row
        else:
            per, mask = 8 // depth, (1 << depth) - 1
            samples = bytearray(
                (row[i // per] >> (8 - depth - depth * (i % per))) & mask for i in range(width)
            )
        if colour == 3:
            out += bytes(palette[3 * s + 1] for s in samples[:width])
        elif depth < 8:
            out += bytes(s * (255 // ((1 << depth) - 1)) for s in samples)
        else:
            out += samples[1 if channels >= 3 else 0 : width * channels : channels]
    return bytes(out)
