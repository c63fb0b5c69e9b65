"""Small PNG files for tests, written with the standard library: any colour type and filter."""

import struct
import zlib


def png(width, height, depth, colour, rows, *, palette=b""):
    """A PNG of rows that each begin with their filter byte."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", head)
    if palette:
        body += chunk(b"PLTE", palette)
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IDAT", zlib.compress(b"".join(rows))) + chunk(b"IEND", b"")


def blank(width, height):
    """White, 8 bits grey."""
    return png(width, height, 8, 0, [b"\0" + b"\xff" * width] * height)
