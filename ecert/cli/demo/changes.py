"""The scene of changes: each is acknowledged by the service, then the window asks until the answer is the new
one."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ecert.cli.demo.ledger import first_code
from ecert.cli.demo.stage import Printed, Stage
from ecert.wire import qr

__all__ = ["change_statuses"]

_DRIVING: Final = "11100000MB9990002J001"
_BUSINESS: Final = "11100000MB9990001F001"
_PATIENCE: Final = 5.0  # seconds; a change is seen within milliseconds


def change_statuses(stage: Stage, printed: Sequence[Printed]) -> None:
    """Suspend, reinstate, revoke, and supersede by a new version; show each verdict and how soon it came."""
    driving = [each for each in printed if each.type_code == _DRIVING]
    company = next(each for each in printed if each.type_code == _BUSINESS)
    suspended, revoked = driving[0], driving[1]
    rows = []

    def change(what: str, licence: Printed, act: Callable[[], object], expected: str) -> None:
        before = first_code(stage.scan(licence.scanned))
        act()
        answer, waited = _until(stage, licence.scanned, expected)
        stage.ledger.expect(what, answer, expected)
        rows.append((what, before, first_code(answer), f"{waited * 1000:.1f} ms"))

    change("suspend 暂扣", suspended, lambda: _status(stage, suspended, "suspend"), "suspended")
    change("reinstate 恢复", suspended, lambda: _status(stage, suspended, "reinstate"), "accepted")
    change("revoke 吊销", revoked, lambda: _status(stage, revoked, "revoke"), "revoked")
    newer: list[Mapping[str, Any]] = []
    change("supersede 变更 (old version)", company, lambda: newer.append(_move(stage, company)), "superseded")
    stage.ledger.issued += 1
    path = stage.picture("new-version")
    [scanned] = stage.drawn([(qr.encode_token(newer[0]["token"], stage.base_url), path)])
    answer = stage.scan(scanned)
    stage.ledger.expect("new version", answer, "accepted")
    rows.append(("supersede 变更 (new version)", "-", first_code(answer), "-"))
    stage.teller.table(("change", "verdict before", "verdict after", "after acknowledgement"), rows)


def _status(stage: Stage, licence: Printed, operation: str) -> None:
    document = {"operation": operation, "reason": "演示"}
    stage.departments[licence.issuer].post(f"/v1/licences/{licence.id}/status", document)


def _move(stage: Stage, licence: Printed) -> Mapping[str, Any]:
    document = {"operation": "change", "fields": {"KZ_ZS": "示例省虚构市样例区新址路1号"}}
    return stage.departments[licence.issuer].post(f"/v1/licences/{licence.id}/versions", document)


def _until(stage: Stage, scanned: str, expected: str) -> tuple[dict[str, Any], float]:
    """Ask until the expected answer comes; gives the last answer, and the seconds since the
    acknowledgement."""
    began = time.perf_counter()
    while True:
        answer = stage.scan(scanned)
        waited = time.perf_counter() - began
        if first_code(answer) == expected or waited > _PATIENCE:
            return answer, waited
