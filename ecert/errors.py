"""Every exception of the project. Only these leave our functions, whatever the input.

    EcertError
    ├── InputError                text or bytes from outside that can't be used; `code`: the verdict's reason
    │   ├── Malformed             not of the grammar that was expected
    │   ├── Misread               a scan lost or changed a digit: scan again
    │   ├── TooLarge              over a stated limit; nothing of it was decoded
    │   ├── WrongTokenType        a well-formed token of another kind
    │   ├── UnsupportedAlgorithm  an algorithm or key outside the closed set
    │   ├── BadSignature          the signature does not belong to these bytes and this key
    │   └── BindingFailed         the holder's proof (key binding) does not fit this presentation
    ├── KeyFault                  a key that can't be read, or is not fit for its use
    ├── LicenceFault              a licence that can't be issued as given
    │   ├── IdentifierFault       a number whose form or check character is wrong
    │   └── FieldFault            one field, named, with what was expected
    ├── TrustFault                a trust list that breaks a rule of delegation
    ├── ServiceFault              an operation that can't be carried out
    │   ├── NotFound              no such thing
    │   ├── Conflict              it exists already, or its state forbids the operation
    │   ├── Forbidden             this caller may not do that
    │   ├── RequestMismatch       an Idempotency-Key used again for another request
    │   └── Unavailable           a needed part (SQL, cache, key) is out of reach; try again
    └── SettingsFault             a setting that is wrong or unknown; the start stops

Messages are one line: what was expected, then what came. They never carry a claim's value, a name, a number
of a person, or a key.
"""

from typing import ClassVar

__all__ = [
    "BadSignature",
    "BindingFailed",
    "Conflict",
    "EcertError",
    "FieldFault",
    "Forbidden",
    "IdentifierFault",
    "InputError",
    "KeyFault",
    "LicenceFault",
    "Malformed",
    "Misread",
    "NotFound",
    "RequestMismatch",
    "ServiceFault",
    "SettingsFault",
    "TooLarge",
    "TrustFault",
    "Unavailable",
    "UnsupportedAlgorithm",
    "WrongTokenType",
]


class EcertError(Exception):
    """The root: catching it catches every refusal of this project and no programming error."""


class InputError(EcertError):
    """Bytes or text from outside that can't be used."""

    code: ClassVar[str] = "malformed"


class Malformed(InputError):
    """Not of the grammar that was expected."""


class Misread(InputError):
    """A scan lost or changed a digit; scanning again may help."""

    code = "misread"


class TooLarge(InputError):
    """Over a stated limit; nothing of it was decoded."""

    code = "too_large"


class WrongTokenType(InputError):
    """A well-formed token of another kind."""

    code = "wrong_token_type"


class UnsupportedAlgorithm(InputError):
    """An algorithm or key outside the closed set."""

    code = "unsupported_algorithm"


class BadSignature(InputError):
    """The signature does not belong to these bytes and this key."""

    code = "bad_signature"


class BindingFailed(InputError):
    """The holder's proof does not fit this presentation."""

    code = "binding_failed"


class KeyFault(EcertError):
    """A key that can't be read, or is not fit for its use."""


class LicenceFault(EcertError):
    """A licence that can't be issued as given."""


class IdentifierFault(LicenceFault):
    """A number whose form or check character is wrong."""


class FieldFault(LicenceFault):
    """One field of a licence, named, with what was expected.

    Args:
        field: The field's name as the caller wrote it, for example ``KZ_JYFW``.
        expected: What would have been right, in English, without the value that came.
    """

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field}: {expected}")
        self.field = field
        self.expected = expected


class TrustFault(EcertError):
    """A trust list that breaks a rule of delegation."""


class ServiceFault(EcertError):
    """An operation that can't be carried out."""


class NotFound(ServiceFault):
    """No such thing."""


class Conflict(ServiceFault):
    """It exists already, or its state forbids the operation."""


class Forbidden(ServiceFault):
    """This caller may not do that."""


class RequestMismatch(ServiceFault):
    """An Idempotency-Key used again for another request."""


class Unavailable(ServiceFault):
    """A needed part is out of reach; trying again may help."""


class SettingsFault(EcertError):
    """A setting that is wrong or unknown; the start stops with this sentence."""
