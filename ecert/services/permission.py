"""Who may do what to whose licences (权限): a department to its own, an operator to all, a window to none.

And whether a request was made before: an Idempotency-Key stands for one request, however often it comes.
"""

from ecert.errors import Forbidden, IdentifierFault, NotFound, RequestMismatch
from ecert.licence import LicenceId
from ecert.services.ports import Actor, RequestKey, RequestRecord, Role, WriteTransaction

__all__ = ["check_may_issue", "earlier_request", "known_id", "may_handle", "not_found"]


def may_handle(by: Actor, issuer: str) -> bool:
    """Whether a caller may see and change the licences of an issuer."""
    return by.role is Role.OPERATOR or (by.role is Role.DEPARTMENT and by.authority == issuer)


def check_may_issue(by: Actor, issuer: str) -> None:
    """Refuse a caller that may not issue in an issuer's name.

    Raises:
        Forbidden: A window, or a department that is another.
    """
    if not may_handle(by, issuer):
        raise Forbidden(
            "expected a department that issues in its own name, or an operator, got another caller"
        )


def known_id(text: str) -> LicenceId:
    """Read an identifier that a caller gave, with or without its root, before SQL is asked about it.

    Raises:
        NotFound: It is none, and so nobody's.
    """
    try:
        return LicenceId.parse(text)
    except IdentifierFault:
        raise not_found() from None


def not_found() -> NotFound:
    """The same answer for a licence that is not there and for one that is another department's."""
    return NotFound("expected the identifier of a licence on record, got none")


def earlier_request(t: WriteTransaction, request: RequestKey) -> RequestRecord | None:
    """What the same request came to when it was made before; None when it is new.

    Raises:
        RequestMismatch: The key was used for a request with another digest.
    """
    earlier = t.request(request)
    if earlier is not None and not earlier.digest_fits:
        raise RequestMismatch(
            "expected an Idempotency-Key that is new, got one that stands for another request"
        )
    return earlier
