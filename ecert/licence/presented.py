"""A licence as it was presented: claims behind a good signature, read with strict types.

- Every claim that the law of the format fixes is checked here once; after that, attributes only look up.
- A claim may be missing because its holder kept it back; then the attribute is None. That is no fault.
- Claims that this version doesn't know are left alone. The type's definition is for labels only: a licence
  stays readable when its type has changed since.

Not checked: the signature, whether the issuer may issue the type, the time, the status. This is `verify`'s
business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Self, cast

from ecert.errors import FieldFault, IdentifierFault
from ecert.licence.definition import LicenceType
from ecert.licence.draft import CHINA_TIME
from ecert.licence.identifier import OID_ROOT, LicenceId
from ecert.licence.numbers import Uscc
from ecert.licence.text import is_plain_number

__all__ = ["HolderShown", "PresentedLicence"]

_LARGEST_TIME: Final = 2**53
_LAST_SECOND: Final = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp())
_LARGEST_INDEX: Final = 2**31
_LONGEST_URI: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderShown:
    """What a presentation shows of its holder (持证主体); None where it was kept back."""

    name: str | None
    code: str | None
    code_type: str | None


@dataclass(frozen=True, slots=True, eq=False)
class PresentedLicence:
    """A licence (电子证照) as presented. Made by `from_claims`."""

    id: LicenceId
    claims: Mapping[str, Any]
    licence_type: LicenceType | None

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any], types: Mapping[str, LicenceType]) -> Self:
        """Read processed claims (disclosures put back, `_sd` gone). Keeps `claims`; the caller gives it away.

        Raises:
            FieldFault: A claim is missing, of the wrong JSON type, out of range, or doesn't agree with
                another.
        """
        get = claims.get
        jti = get("jti")
        if type(jti) is not str or not jti.startswith(OID_ROOT):
            raise FieldFault("jti", "expected an identifier with its OID root")
        try:
            licence_id = LicenceId.parse(jti)
        except IdentifierFault:
            raise FieldFault("jti", "expected an identifier with its check characters right") from None
        # A region in the issuer's place can't agree: the USCC behind `uscc:` has 18 characters.
        if get("iss") != "uscc:" + licence_id.issuer or len(licence_id.issuer) != 18:
            raise FieldFault("iss", "expected uscc: and the issuer of jti")
        code = licence_id.type_code
        if get("vct") != code:
            raise FieldFault("vct", "expected the type code of jti")
        second = get("iat")
        if type(second) is not int or not 0 <= second <= _LARGEST_TIME:
            raise FieldFault("iat", "expected an integer of seconds since 1970")
        second = get("nbf")
        if type(second) is not int or not 0 <= second <= _LARGEST_TIME:
            raise FieldFault("nbf", "expected an integer of seconds since 1970")
        if "exp" in claims:
            second = claims["exp"]
            if type(second) is not int or not 0 < second <= _LAST_SECOND:
                raise FieldFault("exp", "expected an integer of seconds since 1970, before the year 10000")
        _check_status(get("status"))
        if "cnf" in claims:
            _check_cnf(claims["cnf"])
        _check_shown(claims)
        return cls(licence_id, claims, types.get(code))

    @property
    def type_code(self) -> str:
        """The type code (证照类型代码)."""
        return self.id.type_code

    @property
    def issuer(self) -> Uscc:
        """The issuing department's USCC."""
        return Uscc(self.id.issuer)

    @property
    def issuer_name(self) -> str:
        """The issuing department's name (证照颁发机构)."""
        return cast(str, self.claims["ZZBFJG"])

    @property
    def number(self) -> str | None:
        """The licence number (证照编号)."""
        return self.claims.get("ZZBH")

    @property
    def holder(self) -> HolderShown:
        """The holder (持证主体), as far as shown."""
        get = self.claims.get
        return HolderShown(name=get("CZZT"), code=get("CZZTDM"), code_type=get("CZZTDMLXDM"))

    @property
    def issued_at(self) -> datetime:
        """When it was issued, UTC."""
        return _moment(self.claims["iat"])

    @property
    def not_before(self) -> datetime:
        """From when it holds, UTC."""
        return _moment(self.claims["nbf"])

    @property
    def expires_at(self) -> datetime | None:
        """When it stops holding, UTC; None: never (长期有效)."""
        second = self.claims.get("exp")
        return None if second is None else _moment(second)

    @property
    def valid_from(self) -> date:
        """Its first day in China's time (有效期起始日期)."""
        return datetime.fromtimestamp(min(self.claims["nbf"], _LAST_SECOND), CHINA_TIME).date()

    @property
    def valid_until(self) -> date | None:
        """Its last day in China's time (有效期截止日期); None: for ever (长期有效)."""
        second = self.claims.get("exp")
        return None if second is None else datetime.fromtimestamp(second - 1, CHINA_TIME).date()

    @property
    def status_uri(self) -> str:
        """Address of its status list."""
        return cast(str, self.claims["status"]["status_list"]["uri"])

    @property
    def status_idx(self) -> int:
        """Its index in that list."""
        return cast(int, self.claims["status"]["status_list"]["idx"])

    @property
    def holder_jwk(self) -> Mapping[str, Any] | None:
        """The holder's public key as JWK, not yet read; None where the type has no binding."""
        cnf = self.claims.get("cnf")
        return None if cnf is None else cast(Mapping[str, Any], cnf["jwk"])

    @property
    def fields(self) -> Mapping[str, object]:
        """The type's own fields (KZ_*), as far as shown, in the order of the claims."""
        return {name: value for name, value in self.claims.items() if name.startswith("KZ_")}


def _moment(second: int) -> datetime:
    # A time in milliseconds lies beyond what datetime can say; the last moment it can say is just as far off.
    return datetime.fromtimestamp(min(second, _LAST_SECOND), UTC)


def _check_status(status: object) -> None:
    reference = status.get("status_list") if type(status) is dict else None
    if type(reference) is not dict:
        raise FieldFault("status", "expected an object with status_list")
    idx, uri = reference.get("idx"), reference.get("uri")
    if type(idx) is not int or not 0 <= idx < _LARGEST_INDEX:
        raise FieldFault("status", "expected an index from 0")
    if type(uri) is not str or not 0 < len(uri) <= _LONGEST_URI or not uri.isascii() or not uri.isprintable():
        raise FieldFault("status", f"expected an address of at most {_LONGEST_URI} characters")


def _check_cnf(cnf: object) -> None:
    if type(cnf) is not dict or type(cnf.get("jwk")) is not dict:
        raise FieldFault("cnf", "expected an object with jwk")


def _check_shown(claims: Mapping[str, Any]) -> None:
    if "ZZBFJG" not in claims:
        raise FieldFault("ZZBFJG", "expected the issuer's name")
    for name, value in claims.items():
        # Nearly every claim is text, which is right wherever it stands.
        if type(value) is not str and name not in _OTHER_CLAIMS:
            if name in _TEXT_CLAIMS:
                raise FieldFault(name, "expected text")
            if type(value) is not int and name.startswith("KZ_"):
                raise FieldFault("KZ_*", "expected text or an integer")
    number = claims.get("ZZBH")
    if number is not None and not is_plain_number(number):
        raise FieldFault("ZZBH", "expected plain letters, digits and Han characters")


_OTHER_CLAIMS: Final = frozenset({"iat", "nbf", "exp", "status", "cnf"})
_TEXT_CLAIMS: Final = frozenset({"ZZBFJG", "ZZBH", "CZZT", "CZZTDM", "CZZTDMLXDM"})
