"""docs/formats/qr.md is enough for a second implementation: here is one, written from the page alone."""

import base64
import hashlib
import json
import re
import zlib
from pathlib import Path

from ecert.crypto import PublicKey
from ecert.wire import container, qr, sd_jwt

REPO = Path(__file__).parents[2]
PAGE = (REPO / "docs" / "formats" / "qr.md").read_text(encoding="utf-8")
DICTIONARY = (REPO / "ecert" / "wire" / "dictionary_v1.bin").read_bytes()
BLOCKS = re.findall(r"^```(?:text|json)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
DIGEST, SHORT, JWK, TOKEN, TEXT, BYTES, DIGITS, CODE = ("".join(block.split()) for block in BLOCKS)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    """Digits to bytes, with the check digits looked at and taken off."""
    assert int(text) % 97 == 1
    text, data = text[:-2], b""
    for start in range(0, len(text), 17):
        group = text[start : start + 17]
        data += int(group).to_bytes({17: 7, 3: 1, 5: 2, 8: 3, 10: 4, 13: 5, 15: 6}[len(group)])
    return data


def licence_of(data: bytes) -> str:
    """A container's licence, inflated without the feature of preset dictionaries."""
    assert data[0] == 1
    signature, stream = data[2 : 2 + data[1]], data[2 + data[1] :]
    length = len(DICTIONARY)
    stored = b"\0" + length.to_bytes(2, "little") + (length ^ 0xFFFF).to_bytes(2, "little") + DICTIONARY
    lines = zlib.decompress(stored + stream, -15)[length:].split(b"\n")
    disclosures = [b64(line) for line in lines[2:]]
    payload = lines[1]
    for mark, disclosure in zip(range(1, 9), disclosures, strict=False):
        payload = payload.replace(bytes((mark,)), b64(hashlib.sha256(disclosure.encode()).digest()).encode())
    return "~".join((f"{b64(lines[0])}.{b64(payload)}.{b64(signature)}", *disclosures, ""))


def test_second_implementation_reads_the_example_and_so_do_we() -> None:
    digits = re.search(r"\d+$", CODE)
    assert digits is not None
    assert digits[0][:-2] == DIGITS
    assert bytes_of(digits[0]) == bytes.fromhex(BYTES)
    assert licence_of(bytes.fromhex(BYTES)) == TOKEN
    assert qr.read(CODE) == TOKEN
    assert container.unpack(bytes.fromhex(BYTES)) == TOKEN


def test_second_implementation_reads_what_we_write() -> None:
    assert licence_of(container.pack(TOKEN)) == TOKEN
    code = qr.encode_token(TOKEN, "https://ecert.example")
    assert code.startswith("HTTPS://ECERT.EXAMPLE/Q#/")
    assert licence_of(bytes_of(code.rsplit("/", 1)[1])) == TOKEN


def test_example_is_signed_by_the_key_on_the_page() -> None:
    claims = sd_jwt.read(TOKEN, PublicKey.from_jwk(json.loads(JWK)))
    assert claims["CZZT"] == "甲示例"
    shown = TEXT.replace("␁", "").replace(" ", "")
    assert b64(json.loads(TEXT[TEXT.rindex("[") :])[0].encode())
    assert '"_sd":[""]' in shown


def test_numbers_on_the_page_are_right() -> None:
    assert hashlib.sha256(DICTIONARY).hexdigest() == DIGEST
    assert PAGE.count(f"{len(DICTIONARY):,} bytes") == 2
    assert f"The container, {len(BYTES) // 2} bytes" in PAGE
    assert f"As digits, {len(DIGITS)} of them" in PAGE
    assert f"version {qr.version_of(CODE)} at level M" in PAGE
    assert f"this SD-JWT of {len(TOKEN)} characters" in PAGE


def test_short_code_on_the_page_is_read() -> None:
    assert qr.read(SHORT) == qr.ShortCode(kind=qr.ShortKind.LICENCE, value=bytes(range(16)))
