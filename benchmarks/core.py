"""The core alone: `verify()` from a token's text to its verdict, against the bare check of its signature.

`python -m benchmarks.core` measures this part by itself.
"""

import sys
from collections.abc import Callable

from benchmarks.limit import ALGORITHMS, bare_checks, bare_speed
from benchmarks.processes import SERVER_CORE, on_cores
from benchmarks.province import NOW, Province, make_province, personal_type, public_type, tokens_of
from benchmarks.rounds import alternate, speed_of
from benchmarks.stage import Stage
from ecert.verify import Accepted, Policy, verify
from ecert.wire import qr

__all__ = ["measure", "verifying"]

_TARGET = "ratio >= 0.85"


def verifying(province: Province, *, expect: type = Accepted) -> Callable[[str], object]:
    """One call of `verify` as a window makes it; stops the run at any other verdict than expected."""
    statuses, policy, trust = province.statuses(), Policy.window(), province.trust

    def check(text: str) -> None:
        verdict = verify(text, trust=trust, status=statuses, policy=policy, at=NOW)
        if type(verdict) is not expect:
            raise RuntimeError(f"expected {expect.__name__}, got {verdict.outcome}")

    return check


def measure(stage: Stage) -> None:
    """Write the rows `core: …`."""
    for alg in ALGORITHMS:
        province = make_province(alg=alg)
        key = province.departments[0].key.public
        plain = tokens_of(province, stage.size.tokens, public_type())
        personal = tokens_of(province, stage.size.tokens, personal_type())
        codes = [qr.encode_token(token, "https://ecert.example") for token in plain]
        check = verifying(province)
        bare = f"core: {alg} bare check of the same licences"
        texts = {
            f"core: {alg} verify, public licence": plain,
            f"core: {alg} verify, {len(personal_type().disclosable)} disclosures": personal,
            f"core: {alg} verify, public licence read from its QR digits": codes,
        }
        texts[f"core: {alg} verify, the same licence again"] = plain[:1] * 200
        cases: dict[str, Callable[[], float]] = {
            bare: bare_speed(bare_checks(plain, key), stage.size.call_seconds)
        }
        for name, scans in texts.items():
            cases[name] = speed_of(check, scans, stage.size.call_seconds)
        with on_cores(SERVER_CORE):
            samples = alternate(cases, stage.size.rounds)
        for name, rates in samples.items():
            target = _TARGET if name.endswith("verify, public licence") else None
            stage.sheet.add(name, rates, "checks/s", ratio_to=None if name == bare else bare, target=target)


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main([*sys.argv[1:], "--part", "core"])
