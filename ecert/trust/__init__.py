"""Who may sign what (信任): authorities, trust lists, five-level delegation, the compiled key table."""

from ecert.trust.authority import Authority, KeyUse, ListedKey, TypeSet
from ecert.trust.lists import TrustList, read_list, sign_list, unverified_signer
from ecert.trust.resolve import resolve
from ecert.trust.table import TrustedKey, TrustProblem, TrustTable

__all__ = [
    "Authority",
    "KeyUse",
    "ListedKey",
    "TrustList",
    "TrustProblem",
    "TrustTable",
    "TrustedKey",
    "TypeSet",
    "read_list",
    "resolve",
    "sign_list",
    "unverified_signer",
]
