"""The example of docs/formats/status.md is what the code makes and reads."""

import json
import re
from pathlib import Path

from ecert.crypto import PublicKey
from ecert.verify import Policy, ReasonCode
from ecert.wire import jws, status_list
from tests.world import IDS, NOW, World, private_key, status_uri

PAGE = (Path(__file__).parents[2] / "docs" / "formats" / "status.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.split("## An example")[1]
CLAIMS, JWK = (json.loads(text) for text in re.findall(r"```json\n(.+?)\n```", EXAMPLE))
TOKEN = re.findall(r"```text\n(.+?)\n```", EXAMPLE)[0].encode()
VALUES = [0, 1, 2, 3, 0, 3, 3, 3]


def test_the_example_is_read_as_the_page_says() -> None:
    found = status_list.read_token(TOKEN, PublicKey.from_jwk(JWK), uri=status_uri(IDS["housing"]), at=NOW)
    assert [found.statuses.get(idx) for idx in range(found.statuses.size)] == VALUES
    assert f"`{found.statuses.data.hex()}`" in EXAMPLE
    assert f"`{found.kid}`" in EXAMPLE
    assert json.loads(jws.read_compact(TOKEN).payload) == CLAIMS


def test_the_example_is_what_signing_makes() -> None:
    made = World().status_token("housing", values={0: 0, 1: 1, 2: 2, 4: 0}, size=8)
    claims = json.loads(jws.read_compact(made).payload)
    # Another zlib may deflate to other bytes; what they inflate to is compared above.
    claims["status_list"].pop("lst")
    assert claims == CLAIMS | {"status_list": {"bits": 2}}
    assert jws.read_compact(made).header == jws.read_compact(TOKEN).header
    assert private_key("housing status").public.to_jwk() == JWK


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    assert f"{status_list.MAX_LIST_TOKEN_BYTES:,}" in PAGE
    assert f"{status_list.MAX_LIST_BYTES:,}" in PAGE
    assert f"({Policy.window().max_status_age.seconds} s at a window)" in PAGE


def test_every_code_of_step_7_is_on_the_page() -> None:
    for code in ("REVOKED", "SUPERSEDED", "SUSPENDED", "NOT_ISSUED", "STATUS_MISSING", "STATUS_STALE"):
        assert f"`{ReasonCode[code]}`" in PAGE
