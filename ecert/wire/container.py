"""The offline code's bytes (离线码): a whole SD-JWT, packed so that a QR symbol holds it.

``0x01 ‖ len(sig) ‖ sig ‖ raw DEFLATE, preset dictionary 1, of header LF payload (LF disclosure)*``

- Header, payload and disclosures are the decoded JSON texts. Unpacking encodes them again and gives back
  the exact SD-JWT: packing refuses what would not come back.
- In the payload, a byte 0x01 to 0x08 stands for the digest of disclosure 1 to 8. JSON has no such bytes, and
  a digest that the reader can compute would cost a hundred digits.
- Inflating stops at a limit; bytes after the stream are refused.
- Not checked: JSON, signature, and everything else that the token says.
"""

import re
import zlib
from importlib.resources import files
from typing import Final

from ecert.errors import Malformed, TooLarge
from ecert.wire import b64, jws, sd_jwt

__all__ = ["DICTIONARY_V1", "MAX_INFLATED_BYTES", "pack", "unpack"]

MAX_INFLATED_BYTES: Final = 16 * 1024

DICTIONARY_V1: Final = files("ecert.wire").joinpath("dictionary_v1.bin").read_bytes()
"""The preset dictionary of containers that begin with 0x01. Paper lives for decades: it is never edited."""

_VERSION: Final = 1
_SHORTEST_SIGNATURE: Final = 32
"""No suite has a shorter one, and so no container is as short as a short code."""
_MARKS: Final = tuple(bytes((number,)) for number in range(1, 9))
_NOT_IN_JSON: Final = re.compile(b"[\x01-\x08\n]")
_RAW: Final = -15  # raw DEFLATE with the full window


def pack(token: str) -> bytes:
    """Pack an SD-JWT without key binding.

    Args:
        token: ``<JWT>~<disclosure>~…~``.

    Returns:
        The container's bytes.

    Raises:
        InputError: Not an SD-JWT of at most 16 KiB in its one spelling, or one with key binding, or with a
            line feed or 0x01-0x08 inside its texts: it would not come back as it was.
    """
    presentation = sd_jwt.split(token)
    if presentation.key_binding is not None:
        raise Malformed("expected an SD-JWT without key binding, one with it came")
    unverified = jws.read_compact(presentation.jwt)
    encoded_header = presentation.jwt[: presentation.jwt.index(b".")]
    texts = [b64.decode(encoded_header), unverified.payload, *map(b64.decode, presentation.disclosures)]
    if any(map(_NOT_IN_JSON.search, texts)):
        raise Malformed("expected JSON without line feeds and control characters, another text came")
    for mark, disclosure in zip(_MARKS, presentation.disclosures, strict=False):
        texts[1] = texts[1].replace(sd_jwt.digest(disclosure).encode("ascii"), mark)
    if not _SHORTEST_SIGNATURE <= len(unverified.signature) < 256:
        raise Malformed(f"expected a signature of {_SHORTEST_SIGNATURE} to 255 bytes, another length came")
    deflated = _deflate(b"\n".join(texts))
    return bytes((_VERSION, len(unverified.signature))) + unverified.signature + deflated


def unpack(container: bytes) -> str:
    """Give the SD-JWT that was packed, character by character.

    Args:
        container: The bytes. Untrusted.

    Returns:
        The SD-JWT.

    Raises:
        TooLarge: The texts are longer than 16 KiB; inflating stopped there.
        Malformed: Anything else that is wrong with it.
    """
    if len(container) < 3 or container[0] != _VERSION:
        raise Malformed(f"expected a container of version {_VERSION}, another came")
    start = 2 + container[1]
    signature = container[2:start]
    if len(signature) < _SHORTEST_SIGNATURE or len(signature) != container[1]:
        raise Malformed(
            f"expected a whole signature of {_SHORTEST_SIGNATURE} bytes or more, a shorter one came"
        )
    header, *others = _inflate(container[start:]).split(b"\n", sd_jwt.MAX_DISCLOSURES + 2)
    if not header or not others or b"" in others or len(others) > sd_jwt.MAX_DISCLOSURES + 1:
        raise Malformed("expected header, payload and at most 64 disclosures as lines, other text came")
    disclosures = [b64.encode(text) for text in others[1:]]
    payload = _with_digests(others[0], disclosures)
    jwt = f"{b64.encode(header)}.{b64.encode(payload)}.{b64.encode(signature)}"
    return "".join(f"{part}~" for part in (jwt, *disclosures))


def _with_digests(payload: bytes, disclosures: list[str]) -> bytes:
    for mark, disclosure in zip(_MARKS, disclosures, strict=False):
        if mark in payload:
            payload = payload.replace(mark, sd_jwt.digest(disclosure.encode("ascii")).encode("ascii"))
            if len(payload) > MAX_INFLATED_BYTES:
                raise TooLarge(f"expected at most {MAX_INFLATED_BYTES} bytes of payload, more came")
    return payload


def _deflate(text: bytes) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, _RAW, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY_V1)
    return deflater.compress(text) + deflater.flush()


def _inflate(stream: bytes) -> bytes:
    inflater = zlib.decompressobj(_RAW, DICTIONARY_V1)
    try:
        text = inflater.decompress(stream, MAX_INFLATED_BYTES + 1)
    except zlib.error:
        raise Malformed("expected a raw DEFLATE stream, other bytes came") from None
    if len(text) > MAX_INFLATED_BYTES:
        raise TooLarge(f"expected at most {MAX_INFLATED_BYTES} bytes of text, more came")
    if not inflater.eof or inflater.unused_data:
        raise Malformed("expected one whole DEFLATE stream, a shorter or longer one came")
    return text
