"""Type definitions (证照类型定义): what a licence of one type holds, and what its holder may keep back.

A definition is a TOML file; docs/formats/licence.md explains its keys. Those in `types/` come with the
package. An unknown key, a wrong code or a field twice is refused when the file is read, not when a licence is
issued.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Final

import msgspec

from ecert.errors import LicenceFault
from ecert.licence.formats import FieldDef, Format
from ecert.licence.identifier import check_type_code

__all__ = ["HOLDER_CLAIMS", "HOLDER_CODE_TYPES", "HolderKind", "LicenceType", "load_types", "parse_type"]

#: Claims outside KZ_* that a type may make selectively disclosable: number, holder's name, code and code
#: type.
HOLDER_CLAIMS: Final = ("ZZBH", "CZZT", "CZZTDM", "CZZTDMLXDM")
_FIELD_NAME: Final = re.compile(r"KZ_[A-Z0-9]{1,24}")


class HolderKind(StrEnum):
    """Who may hold a licence: a natural person (自然人) or an organisation (法人和其他组织)."""

    PERSON = "person"
    ORGANISATION = "organisation"


#: Holder code types (持证主体代码类型) of GB/T 36903 and the kind of holder each is for.
HOLDER_CODE_TYPES: Final[Mapping[str, HolderKind]] = MappingProxyType(
    {
        "001": HolderKind.ORGANISATION,
        "099": HolderKind.ORGANISATION,
        "111": HolderKind.PERSON,
        "411": HolderKind.PERSON,
        "412": HolderKind.PERSON,
        "413": HolderKind.PERSON,
        "414": HolderKind.PERSON,
        "511": HolderKind.PERSON,
        "516": HolderKind.PERSON,
        "999": HolderKind.PERSON,
    }
)


@dataclass(frozen=True, kw_only=True)
class LicenceType:
    """A licence type (证照类型).

    `longest_validity_years` is None where a licence may run for ever (长期有效). A `public` type has nothing
    to disclose selectively; `binding` means that a licence carries its holder's key.
    """

    code: str
    name_zh: str
    name_en: str
    fields: tuple[FieldDef, ...]
    disclosable: frozenset[str]
    holder_kinds: frozenset[HolderKind]
    longest_validity_years: int | None
    binding: bool
    public: bool

    @cached_property
    def by_name(self) -> Mapping[str, FieldDef]:
        """The fields by claim name."""
        return MappingProxyType({field.name: field for field in self.fields})


class _Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zh: str
    en: str


class _Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    label: _Label
    format: Format
    required: bool = True
    disclosable: bool = False
    max_length: int = 200
    smallest: int = 0
    largest: int = 2**53 - 1
    values: tuple[str, ...] = ()
    unit: str | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    name: _Label
    holder_kinds: tuple[HolderKind, ...]
    public: bool = False
    binding: bool = False
    longest_validity_years: int | None = None
    disclosable: tuple[str, ...] = ()
    field: tuple[_Field, ...] = ()


def parse_type(toml_text: str) -> LicenceType:
    """Read one type definition.

    Raises:
        LicenceFault: Not TOML, an unknown key, or a definition that contradicts itself.
    """
    try:
        file = msgspec.convert(tomllib.loads(toml_text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise LicenceFault(f"expected a type definition: {fault}") from None
    check_type_code(file.code)
    names = [field.name for field in file.field]
    disclosable = frozenset(file.disclosable) | {field.name for field in file.field if field.disclosable}
    _require(all(_FIELD_NAME.fullmatch(name) for name in names), "field names KZ_ and capitals or digits")
    _require(len(set(names)) == len(names), "each field once")
    _require(disclosable <= {*names, *HOLDER_CLAIMS}, "disclosable claims that the type has")
    _require(not (file.public and disclosable), "nothing disclosable in a public type")
    _require(bool(file.holder_kinds), "at least one holder kind")
    _require(
        file.longest_validity_years is None or file.longest_validity_years > 0, "a longest validity above 0"
    )
    for field in file.field:
        _require((field.format is Format.ENUMERATION) == bool(field.values), "values for an enumeration only")
        _require(1 <= field.max_length <= 2000, "a max_length from 1 to 2000")
    return LicenceType(
        code=file.code,
        name_zh=file.name.zh,
        name_en=file.name.en,
        fields=tuple(
            FieldDef(
                name=field.name,
                label_zh=field.label.zh,
                label_en=field.label.en,
                format=field.format,
                required=field.required,
                max_length=field.max_length,
                smallest=field.smallest,
                largest=field.largest,
                values=field.values,
                unit=field.unit,
            )
            for field in file.field
        ),
        disclosable=disclosable,
        holder_kinds=frozenset(file.holder_kinds),
        longest_validity_years=file.longest_validity_years,
        binding=file.binding,
        public=file.public,
    )


@lru_cache(maxsize=1)
def load_types() -> Mapping[str, LicenceType]:
    """Read the type definitions that come with the package, by type code, in the order of their codes."""
    folder = resources.files("ecert.licence") / "types"
    files = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    types = [parse_type(file.read_text(encoding="utf-8")) for file in files]
    by_code = {kind.code: kind for kind in sorted(types, key=lambda kind: kind.code)}
    _require(len(by_code) == len(types), "one definition for each type code")
    return MappingProxyType(by_code)


def _require(holds: bool, expected: str) -> None:
    if not holds:
        raise LicenceFault(f"expected {expected} in a type definition, other came")
