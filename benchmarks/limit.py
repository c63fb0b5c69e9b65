"""The limit: bare signature checks, and libraries on the same tokens.

`limit: ES256 bare check` is OpenSSL through `cryptography` with everything prepared: the key parsed, the
signature in DER, the signed bytes cut out. Nothing that reads a token with it can be faster. A library is
measured with the key parsed once, on tokens that differ, and must refuse a forged signature before that.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.peers.libraries import LIBRARIES
from benchmarks.peers.node_peers import NodeLibraries, why_no_node
from benchmarks.processes import SERVER_CORE, on_cores
from benchmarks.province import make_province, tokens_of
from benchmarks.rounds import alternate, speed_of
from benchmarks.stage import Stage
from ecert.crypto import PublicKey
from ecert.wire import b64

__all__ = ["ALGORITHMS", "Bare", "bare_checks", "bare_speed", "measure"]

ALGORITHMS = ("ES256", "EdDSA")
_NODE = ("fast-jwt", "jose", "@node-rs/jsonwebtoken")


@dataclass(frozen=True, slots=True)
class Bare:
    """One signature check with everything prepared. `check` raises if the signature does not hold."""

    check: Callable[[tuple[bytes, bytes]], object]
    arguments: tuple[tuple[bytes, bytes], ...]


def bare_checks(tokens: Sequence[str], key: PublicKey) -> Bare:
    """Prepare signature and signed bytes of each token for OpenSSL."""
    cut = []
    for token in tokens:
        signed, _, signature = token.partition("~")[0].rpartition(".")
        cut.append((b64.decode(signature), signed.encode()))
    jwk = key.to_jwk()
    x = b64.decode(jwk["x"])
    if key.alg == "EdDSA":
        edwards = ed25519.Ed25519PublicKey.from_public_bytes(x).verify
        return Bare(lambda pair: edwards(*pair), tuple(cut))
    point = b"\x04" + x + b64.decode(jwk["y"])
    weierstrass = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point).verify
    algorithm = ec.ECDSA(SHA256())
    return Bare(lambda pair: weierstrass(*pair, algorithm), tuple((_der(raw), text) for raw, text in cut))


def _der(raw: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))


def bare_speed(bare: Bare, seconds: float) -> Callable[[], float]:
    """A case of bare checks."""
    return speed_of(bare.check, bare.arguments, seconds)


def measure(stage: Stage) -> None:
    """Write the rows `limit: …`."""
    worlds = {alg: make_province(alg=alg) for alg in ALGORITHMS}
    tokens = {alg: tokens_of(world, stage.size.tokens) for alg, world in worlds.items()}
    keys = {alg: world.departments[0].key.public for alg, world in worlds.items()}
    jwts = {alg: [token.partition("~")[0] for token in tokens[alg]] for alg in ALGORITHMS}
    cases: dict[str, Callable[[], float]] = {}
    for alg in ALGORITHMS:
        cases[f"{alg} bare check"] = bare_speed(bare_checks(tokens[alg], keys[alg]), stage.size.call_seconds)
    for name, make in LIBRARIES.items():
        for alg in ALGORITHMS:
            try:
                check = make(alg, keys[alg].to_jwk())
                _refuses_forgery(check, jwts[alg][0])
            except Exception as fault:  # a library that is missing, or can't do this
                stage.sheet.skip(f"limit: {alg} {name}", str(fault).splitlines()[0] or type(fault).__name__)
                continue
            cases[f"{alg} {name}"] = speed_of(check, jwts[alg], stage.size.call_seconds)
    world = {alg: {"jwk": keys[alg].to_jwk(), "tokens": jwts[alg]} for alg in ALGORITHMS}
    with ExitStack() as node, on_cores(SERVER_CORE):
        cases |= _node_cases(stage, world, node)
        samples = alternate(cases, stage.size.rounds)
    for alg in ALGORITHMS:
        stage.sheet.add(f"limit: {alg} bare check", samples.pop(f"{alg} bare check"), "checks/s")
    for name, rates in samples.items():
        stage.sheet.add(f"limit: {name}", rates, "checks/s", ratio_to=f"limit: {name.split()[0]} bare check")


def _refuses_forgery(check: Callable[[str], object], token: str) -> None:
    check(token)
    forged = token[:-8] + ("AAAAAAAA" if not token.endswith("AAAAAAAA") else "BBBBBBBB")
    try:
        check(forged)
    except Exception:  # each library has its own
        return
    raise RuntimeError("expected a forged signature to be refused, it was accepted")


def _node_cases(stage: Stage, world: Mapping[str, object], node: ExitStack) -> dict[str, Callable[[], float]]:
    if reason := why_no_node(install=stage.size.install):
        stage.sheet.skip("limit: Node libraries (fast-jwt, jose, @node-rs/jsonwebtoken)", reason)
        return {}
    path = stage.folder / "tokens.json"
    path.write_text(json.dumps(world), encoding="utf-8")
    libraries = node.enter_context(NodeLibraries(path, cores=SERVER_CORE))
    cases: dict[str, Callable[[], float]] = {}
    for alg in ALGORITHMS:
        for name in _NODE:
            if reason := libraries.why_not(name, alg):
                stage.sheet.skip(f"limit: {alg} {name} (Node)", reason)
            else:
                cases[f"{alg} {name} (Node)"] = _node_case(libraries, name, alg, stage.size.call_seconds)
    return cases


def _node_case(libraries: NodeLibraries, name: str, alg: str, seconds: float) -> Callable[[], float]:
    return lambda: libraries.checks_per_second(name, alg, seconds)
