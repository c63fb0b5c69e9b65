"""Which files of the vectors folder no test reads: a skip that names them, so that none is overlooked."""

import pytest

from tests.conformance.vectors import FOLDER

READ_BY_TESTS = {
    "json-test-suite/parsing.json",
    "rfc7515/rfc7515-appendix-a.json",
    "sd-jwt/rfc9901-examples.json",
    "status-list/tsl-draft-short.json",
    "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json",
    "wycheproof/ed25519_test.json",
}


@pytest.mark.skipif(not FOLDER.is_dir(), reason="test vectors absent (ECERT_VECTORS)")
def test_every_file_of_the_folder_is_read_by_a_test() -> None:
    found = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.json")}
    unread = sorted(found - READ_BY_TESTS)
    if unread:
        pytest.skip(f"test vectors that no test here reads: {', '.join(unread)}")
    assert found == READ_BY_TESTS
