"""Whatever the bytes: a reader gives its result or raises one of our errors, nothing else.

Each reader gets random bytes, and its own good input with a few bytes changed, 200 of each; where a signature
guards the inside, the change is signed.
"""

import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecert.crypto import PrivateKey, PublicKey
from ecert.errors import EcertError
from ecert.wire import b64, container, digits, json, jws, qr, sd_jwt, status_list
from ecert.wire.status_list import StatusList
from tests.wire.disclosures import HOLDER, ISSUER, bound, disclosure, sd_jwt_of
from tests.wire.disclosures import digest as digest_of
from tests.wire.printed import KEY, LICENCES

AT = datetime(2026, 6, 15, tzinfo=UTC)
URI = "https://ecert.example/status-lists/a.1"
STATUS_TOKEN = status_list.sign_token(
    StatusList.from_bytes(bytes(64)),
    uri=URI,
    issuer="uscc:X",
    seq=1,
    issued_at=AT,
    ttl=timedelta(1),
    lifetime=timedelta(1),
    key=ISSUER,
)
DRIVING = LICENCES["driving licence"]
A, B = disclosure("s", "a", {"_sd": []}), disclosure("s", ["x"])
NESTED = b'{"cnf":{"jwk":{}},"_sd":["%b"],"l":[{"...":"%b"},1],"_sd_alg":"sha-256"}' % (
    digest_of(A).encode(),
    digest_of(B).encode(),
)
CODE = qr.encode_token(DRIVING, "https://ecert.example")
BOUND = bound(sd_jwt_of({"cnf": {"jwk": HOLDER.public.to_jwk()}}))


def signed(payload: bytes, header: bytes = b'{"alg":"ES256","typ":"statuslist+jwt"}') -> bytes:
    text = f"{b64.encode(header)}.{b64.encode(payload)}"
    return f"{text}.{b64.encode(ISSUER.sign(text.encode()))}".encode()


def as_object(data: bytes) -> Any:
    """What a JSON body could bring, in place of a JWK or a claim."""
    return json.loads(data)


def read_status(token: bytes) -> object:
    return status_list.read_token(token, ISSUER.public, uri=URI, at=AT)


def check_binding(data: bytes) -> None:
    presentation = sd_jwt.split(data)
    jwk = HOLDER.public.to_jwk()
    sd_jwt.check_key_binding(
        presentation, jwk, audience="window", nonce="n-1", at=AT, max_age=timedelta(9999)
    )


def as_text(data: bytes) -> str:
    """Decode so that broken UTF-8 gives lone surrogates, as a terminal would."""
    return data.decode("utf-8", "surrogateescape")


def lenient(data: bytes) -> str:
    return data.decode("latin-1")


READERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "b64.decode": (b64.decode, b"AAECAwQFBgc"),
    "b64.decode text": (lambda data: b64.decode(lenient(data)), b"AAECAwQFBgc"),
    "json.loads": (json.loads, b'{"a":[1,-2.5e3,true,null,"\\ud83d\\ude00\xe4\xb8\xad"],"b":{"c":{}}}'),
    "jws.read_compact": (jws.read_compact, signed(b"{}")),
    "jws header": (
        lambda data: jws.read_compact(signed(b"{}", data)),
        b'{"alg":"ES256","kid":"k","typ":"t"}',
    ),
    "jws.verify_compact": (lambda data: jws.verify_compact(data, ISSUER.public), signed(b"{}")),
    "sd_jwt.split": (sd_jwt.split, DRIVING.encode()),
    "sd_jwt.read": (lambda data: sd_jwt.read(data, KEY.public), DRIVING.encode()),
    "sd_jwt.read text": (lambda data: sd_jwt.read(lenient(data), KEY.public), DRIVING.encode()),
    "sd_jwt payload": (lambda data: sd_jwt.process_bytes(data, [A.encode(), B.encode()]), NESTED),
    "sd_jwt disclosure": (
        lambda data: sd_jwt.process({"_sd": [digest_of(b64.encode(data))]}, [b64.encode(data).encode()]),
        b'["salt","name",{"_sd":["d"],"l":[{"...":"e"}]}]',
    ),
    "sd_jwt.read with binding": (lambda data: sd_jwt.read(data, ISSUER.public), BOUND.encode()),
    "sd_jwt.check_key_binding": (check_binding, BOUND.encode()),
    "status list claim": (
        lambda data: StatusList.from_claim(as_object(data)).get(3),
        json.dumps(StatusList.from_bytes(bytes(64)).to_claim()),
    ),
    "status list stream": (
        lambda data: StatusList.from_claim({"bits": 2, "lst": b64.encode(data)}),
        zlib.compress(bytes(range(64))),
    ),
    "status_list.read_token": (read_status, STATUS_TOKEN.encode()),
    "status list payload": (
        lambda data: read_status(signed(data)),
        jws.verify_compact(STATUS_TOKEN, ISSUER.public)[1],
    ),
    "status_list.unverified_signer": (status_list.unverified_signer, STATUS_TOKEN.encode()),
    "container.unpack": (container.unpack, container.pack(DRIVING)),
    "container text": (
        lambda data: container.unpack(bytes((1, 64)) + bytes(64) + zlib.compress(data, 1, -15)),
        b'{"alg":"ES256"}\n{"_sd":["\x01"]}\n["s","a",1]',
    ),
    "container.pack": (lambda data: container.pack(lenient(data)), DRIVING.encode()),
    "qr.read": (lambda data: qr.read(as_text(data)), CODE.encode()),
    "qr.read behind right check digits": (
        lambda data: qr.read(digits.with_check(digits.encode(b"\1" + data))),
        container.pack(DRIVING)[1:],
    ),
    "qr.version_of": (lambda data: qr.version_of(lenient(data)), CODE.encode()),
    "PublicKey.from_jwk": (
        lambda data: PublicKey.from_jwk(as_object(data)),
        json.dumps(HOLDER.public.to_jwk() | {"use": "sig", "key_ops": ["verify"], "kid": "k"}),
    ),
    "PublicKey.from_pem": (
        PublicKey.from_pem,
        b"-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n",
    ),
    "PrivateKey.from_pem": (PrivateKey.from_pem, HOLDER.to_pem()),
}


@st.composite
def changed(draw: st.DrawFn, good: bytes) -> bytes:
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.integers(0, 4))
        data[start:end] = draw(st.binary(max_size=4) | st.just(bytes(data[start : start + 40]) * 2))
    return bytes(data)


def refuses_only_with_our_errors(reader: Callable[[bytes], object], data: bytes) -> None:
    try:
        reader(data)
    except EcertError as refusal:
        message = str(refusal)
    else:
        return
    assert message.isprintable()
    assert len(message) < 160


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_good_bytes_changed(name: str, data: st.DataObject) -> None:
    reader, good = READERS[name]
    refuses_only_with_our_errors(reader, data.draw(changed(good)))


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_random_bytes(name: str, data: bytes) -> None:
    refuses_only_with_our_errors(READERS[name][0], data)


@pytest.mark.parametrize("name", READERS)
def test_good_bytes_are_read(name: str) -> None:
    """So that the changes above start at something that is accepted."""
    reader, good = READERS[name]
    if name != "PublicKey.from_pem":
        reader(good)
