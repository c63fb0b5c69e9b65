"""Is it good? (核验): evidence, policy and status in, a verdict out. Pure and total."""

from ecert.verify.engine import verify
from ecert.verify.evidence import Evidence
from ecert.verify.offline import check_status_token, verify_offline
from ecert.verify.policy import Binding, Policy
from ecert.verify.snapshot import ListsStatusView
from ecert.verify.status import StatusAnswer, StatusView
from ecert.verify.verdict import (
    UNDECIDED_CODES,
    Accepted,
    Finding,
    ReasonCode,
    Refused,
    Undecided,
    Verdict,
)
from ecert.verify.wording import Sentence, sentences

__all__ = [
    "UNDECIDED_CODES",
    "Accepted",
    "Binding",
    "Evidence",
    "Finding",
    "ListsStatusView",
    "Policy",
    "ReasonCode",
    "Refused",
    "Sentence",
    "StatusAnswer",
    "StatusView",
    "Undecided",
    "Verdict",
    "check_status_token",
    "sentences",
    "verify",
    "verify_offline",
]
