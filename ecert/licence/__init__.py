"""Licence (电子证照): what is certified. Identifiers and check digits, the model, and type definitions.

Pure: same input, same output. Knows nothing of keys, tokens, lists or stores.
"""

from ecert.licence.check_digits import check_char_mod37_36, resident_id_check_char, uscc_check_char
from ecert.licence.definition import (
    HOLDER_CODE_TYPES,
    HolderKind,
    LicenceType,
    load_types,
    parse_type,
)
from ecert.licence.draft import CHINA_TIME, Draft, Holder, build_claims, check_draft, draft_faults
from ecert.licence.formats import FieldDef, Format
from ecert.licence.identifier import OID_ROOT, ImportedId, ImportFlag, LicenceId, check_type_code
from ecert.licence.numbers import Region, ResidentId, Uscc
from ecert.licence.presented import HolderShown, PresentedLicence
from ecert.licence.text import TextFlag, shown

__all__ = [
    "CHINA_TIME",
    "HOLDER_CODE_TYPES",
    "OID_ROOT",
    "Draft",
    "FieldDef",
    "Format",
    "Holder",
    "HolderKind",
    "HolderShown",
    "ImportFlag",
    "ImportedId",
    "LicenceId",
    "LicenceType",
    "PresentedLicence",
    "Region",
    "ResidentId",
    "TextFlag",
    "Uscc",
    "build_claims",
    "check_char_mod37_36",
    "check_draft",
    "check_type_code",
    "draft_faults",
    "load_types",
    "parse_type",
    "resident_id_check_char",
    "shown",
    "uscc_check_char",
]
