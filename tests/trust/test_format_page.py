"""The example of docs/formats/trust.md is what the code makes and reads."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from ecert.crypto import PublicKey
from ecert.trust import KeyUse, resolve
from ecert.wire import jws
from tests.world import IDS, NOW, ROOT_ID, authority, private_key, standard

PAGE = (Path(__file__).parents[2] / "docs" / "formats" / "trust.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.split("## An example")[1]
ROOT_JWK, *PAYLOADS = re.findall(r"```json\n(.+?)\n```", EXAMPLE)
TOKENS = [token.encode() for token in re.findall(r"```text\n(.+?)\n```", EXAMPLE)]


def test_the_payloads_are_those_of_the_tokens() -> None:
    assert [jws.read_compact(token).payload.decode() for token in TOKENS] == PAYLOADS


def test_the_payloads_are_what_signing_makes() -> None:
    made = [
        standard().trust_list("root", [authority("nation")]),
        standard().trust_list("nation", [authority("housing")]),
    ]
    assert [jws.read_compact(token).payload.decode() for token in made] == PAYLOADS
    assert [jws.read_compact(token).header for token in made] == [
        jws.read_compact(token).header for token in TOKENS
    ]


def test_the_example_resolves_as_the_page_says() -> None:
    assert int(NOW.timestamp()) == 1_781_488_800
    assert f"`{ROOT_ID}`" in EXAMPLE
    table = resolve(PublicKey.from_jwk(json.loads(ROOT_JWK)), TOKENS, root_id=ROOT_ID, at=NOW)
    assert table.problems == ()
    assert len(table.keys) == 5
    kids = {use: private_key(f"housing {use}").kid for use in ("licence", "status")}
    assert re.findall(r"signs licences with `(.{11})` and status lists with `(.{11})`", EXAMPLE) == [
        (kids["licence"], kids["status"])
    ]
    for use, kid in kids.items():
        found = table.find(IDS["housing"], kid)
        assert found is not None
        assert found.use is KeyUse(use)
        assert found.chain_until == datetime.fromtimestamp(1_784_080_800, UTC)


def test_every_member_of_the_format_stands_in_a_table_of_the_page() -> None:
    claims = json.loads(PAYLOADS[1])
    entry = claims["authorities"][0]
    for name in (*claims, *entry, *entry["keys"][0], "compromised_at"):
        assert re.search(rf"^\|[^|]*`{name}`", PAGE, re.MULTILINE), name
