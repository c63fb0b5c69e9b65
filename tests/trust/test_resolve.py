"""From the root down: which lists count, which entries stand."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from ecert.errors import IdentifierFault
from ecert.licence import Region
from ecert.trust import KeyUse, TrustTable, TypeSet, resolve
from tests.trust.raw import entry, raw_list
from tests.world import (
    DAY,
    DELEGATES,
    IDS,
    NOW,
    ROOT_ID,
    World,
    authority,
    listed_key,
    private_key,
    standard,
    uscc,
)

SECOND = timedelta(seconds=1)


def kid(name: str, use: str = "licence") -> str:
    return private_key(f"{name} {use}").kid


def table(*lists: bytes, **changes: Any) -> TrustTable:
    arguments: dict[str, Any] = {"root_id": ROOT_ID, "at": NOW} | changes
    return resolve(standard().root, lists, **arguments)


def reasons(found: TrustTable, name: str) -> str:
    return " | ".join(each.reason for each in found.problems if each.authority == IDS.get(name, name))


def test_every_key_of_five_levels_is_in_the_table() -> None:
    world = standard()
    assert world.trust.problems == ()
    for name, listed in world.authorities.items():
        for key in listed.keys:
            found = world.trust.find(IDS[name], key.kid)
            assert found is not None
            assert (found.key, found.use, found.types, found.authority) == (
                key.key,
                key.use,
                listed.types,
                listed,
            )
    assert len(world.trust.keys) == sum(len(each.keys) for each in world.authorities.values())
    assert world.trust.seqs == dict.fromkeys([ROOT_ID, *(IDS[name] for name in DELEGATES)], 1)


def test_a_key_is_found_with_its_issuer_only() -> None:
    trust = standard().trust
    assert trust.find(IDS["market"], kid("housing")) is None
    assert trust.find("", kid("housing")) is None
    assert trust.find(f"uscc:{IDS['housing']}", kid("housing")) is None


def test_the_order_of_the_lists_does_not_matter() -> None:
    expected = standard().trust
    for order in permutations(standard().lists):
        found = table(*order)
        assert found.keys == expected.keys
        assert found.problems == ()


def test_a_chain_holds_until_the_earliest_expiry_of_its_lists() -> None:
    world = replace(standard(), lists_until={"province": NOW + 2 * DAY, "city": NOW + 3 * DAY})
    until = {name: world.trust.find(IDS[name], kid(name)).chain_until for name in IDS}  # type: ignore[union-attr]
    assert until["nation"] == until["province"] == NOW + 30 * DAY
    assert until["housing"] == until["market"] == until["township"] == NOW + 2 * DAY
    assert world.trust.expires_at == NOW + 2 * DAY
    assert world.trust.root_until == NOW + 30 * DAY


def test_an_expired_list_compiles_with_its_past_expiry() -> None:
    token = raw_list("province", [entry(authority("housing"))], exp=int(NOW.timestamp()))
    found = table(standard().trust_list("root"), standard().trust_list("nation"), token)
    trusted = found.find(IDS["housing"], kid("housing"))
    assert trusted is not None
    assert trusted.chain_until == NOW
    assert "expired" in reasons(found, "province")


def test_without_lists_nothing_is_known_and_the_table_does_not_hold() -> None:
    found = table()
    assert not found.keys
    assert found.root_until is None
    assert found.expires_at == NOW
    assert not found.holds_at(NOW)


def test_a_table_holds_until_the_root_list_expires() -> None:
    assert standard().trust.holds_at(NOW + 30 * DAY - SECOND)
    assert not standard().trust.holds_at(NOW + 30 * DAY)


def test_the_root_is_pinned() -> None:
    other = private_key("other root")
    found = table(raw_list("root", [entry(authority("nation"))], key=other))
    assert not found.keys
    assert reasons(found, ROOT_ID)


def test_a_list_in_the_roots_name_by_a_listed_key_does_not_count() -> None:
    usurper = raw_list("root", [entry(authority("market", level=2))], key=private_key("nation trust"), seq=9)
    found = table(*standard().lists, usurper)
    assert found.keys == standard().trust.keys
    assert reasons(found, ROOT_ID)


def test_another_root_id_knows_nobody() -> None:
    found = table(*standard().lists, root_id=IDS["nation"])
    assert not found.keys
    with pytest.raises(IdentifierFault):
        table(root_id="nobody")


def test_a_naive_time_is_a_programming_error() -> None:
    with pytest.raises(TypeError):
        table(at=NOW.replace(tzinfo=None))


def test_the_highest_seq_counts() -> None:
    old = raw_list("province", [entry(authority("housing"))], seq=4)
    new = raw_list("province", [entry(authority("city"))], seq=5)
    upper = standard().lists[:2]
    for order in ((old, new), (new, old)):
        found = table(*upper, *order)
        assert found.find(IDS["housing"], kid("housing")) is None
        assert found.find(IDS["city"], kid("city")) is not None
        assert found.seqs[IDS["province"]] == 5


def test_a_seq_never_falls() -> None:
    lists = standard().lists
    found = table(*lists, seen={IDS["province"]: 2})
    assert found.find(IDS["housing"], kid("housing")) is None
    assert found.find(IDS["province"], kid("province")) is not None
    assert found.seqs[IDS["province"]] == 2
    assert "seq 2 or more" in reasons(found, "province")
    assert table(*lists, seen={IDS["province"]: 1}).keys == standard().trust.keys


def test_seen_is_kept_for_signers_without_a_list() -> None:
    assert table(seen={IDS["township"]: 8}).seqs == {IDS["township"]: 8}


def test_two_lists_of_one_seq_are_a_fork_and_neither_counts() -> None:
    one = raw_list("province", [entry(authority("housing"))], seq=5)
    two = raw_list("province", [entry(authority("city"))], seq=5)
    found = table(*standard().lists[:2], one, two)
    assert found.find(IDS["housing"], kid("housing")) is None
    assert found.find(IDS["city"], kid("city")) is None
    assert "two different" in reasons(found, "province")


def test_the_same_list_signed_twice_is_no_fork() -> None:
    one, two = (raw_list("province", [entry(authority("housing"))], seq=5) for _ in range(2))
    assert one != two
    assert table(*standard().lists[:2], one, two).find(IDS["housing"], kid("housing")) is not None


def test_a_list_from_the_future_does_not_count() -> None:
    upper = standard().lists[:2]
    for ahead, counts in ((60, True), (61, False)):
        token = raw_list("province", [entry(authority("housing"))], iat=int(NOW.timestamp()) + ahead)
        assert (table(*upper, token).find(IDS["housing"], kid("housing")) is not None) is counts


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"valid_until": NOW - DAY + SECOND}, True),
        ({"valid_until": NOW - DAY}, False),
        ({"valid_from": NOW - DAY}, True),
        ({"valid_from": NOW - DAY + SECOND}, False),
        ({"compromised_at": NOW}, False),
        ({"compromised_at": NOW + DAY}, False),
    ],
    ids=str,
)
def test_a_list_counts_by_a_key_whose_window_covers_its_iat_and_that_is_not_compromised(
    changes: dict[str, Any], counts: bool
) -> None:
    found = standard().with_key("province", KeyUse.TRUST, **changes).trust
    assert (found.find(IDS["housing"], kid("housing")) is not None) is counts
    assert bool(reasons(found, "province")) is not counts


@pytest.mark.parametrize("use", ["licence", "status"])
def test_a_key_for_something_else_signs_no_list(use: str) -> None:
    key = private_key(f"province {use}")
    token = raw_list("province", [entry(authority("housing"))], key=key)
    found = table(*standard().lists[:2], token)
    assert found.find(IDS["housing"], kid("housing")) is None
    assert "key for trust lists" in reasons(found, "province")


def test_one_that_may_not_delegate_signs_no_list() -> None:
    rogue = listed_key("rogue trust", KeyUse.TRUST)
    housing = authority("housing", keys=(rogue, *authority("housing").keys))
    upper = raw_list("province", [entry(replace(housing, may_delegate=True), may_delegate=False)])
    lower = raw_list(
        "housing", [entry(authority("civil", types=TypeSet.parse([])))], key=private_key("rogue trust")
    )
    found = table(*standard().lists[:2], upper, lower)
    assert found.authority(IDS["civil"]) is None
    assert "may delegate" in reasons(found, "housing")
    assert found.find(IDS["housing"], rogue.kid) is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"level": 3}, "level"),
        ({"level": 2}, "level"),
        ({"region": Region.parse("440400")}, "region"),
        ({"region": Region.parse("440000")}, "region"),
        ({"region": Region.parse("000000")}, "region"),
        ({"types": TypeSet.parse(["*"])}, "types"),
        ({"types": TypeSet.parse(["11100000MB03271699022"])}, "types"),
        ({"level": 1, "region": Region.parse("110000")}, "level"),
    ],
    ids=str,
)
def test_a_child_only_narrows_its_parent(changes: dict[str, Any], word: str) -> None:
    world = standard().with_authority("city", types=TypeSet.parse(["11100000000013338W*"]))
    city_list = [
        replace(authority("market", types=TypeSet.parse(["11100000000013338W011"])), **changes),
        authority("district", types=TypeSet.parse([])),
    ]
    found = table(*world.lists[:3], world.trust_list("city", city_list))
    assert found.authority(IDS["market"]) is None
    assert word in reasons(found, "market")
    assert found.authority(IDS["district"]) is not None


def test_the_root_lists_any_level_below_itself() -> None:
    found = table(raw_list("root", [entry(authority("market"))]))
    assert found.find(IDS["market"], kid("market")) is not None


def test_an_authority_named_at_two_places_belongs_to_the_one_nearer_the_root() -> None:
    world = standard()
    twice = authority("township", keys=(listed_key("x", KeyUse.LICENCE),))
    city_list = world.trust_list("city", [authority("district"), authority("township")])
    found = table(*world.lists[:3], city_list, world.trust_list("district", [twice]))
    assert found.find(IDS["township"], kid("township")) is not None
    assert found.find(IDS["township"], private_key("x").kid) is None
    assert "nearer the root" in reasons(found, "township")


def test_a_signer_names_nobody_whose_division_lies_elsewhere() -> None:
    """So a district can neither take a province's department over nor put it out of service."""
    taken = authority(
        "housing", level=5, region=Region.parse("440305"), keys=(listed_key("x", KeyUse.LICENCE),)
    )
    found = table(*standard().lists[:4], standard().trust_list("district", [taken, authority("township")]))
    assert found.find(IDS["housing"], kid("housing")) is not None
    assert found.find(IDS["housing"], private_key("x").kid) is None
    assert "division" in reasons(found, "housing")
    assert found.find(IDS["township"], kid("township")) is not None


def test_another_provinces_delegate_reaches_nobody_of_this_one() -> None:
    """Not by naming them first, at a rank nearer the root, and not by naming their public keys."""
    world = standard()
    other_id = uscc("114500000000000A2")
    other = replace(
        authority("province"),
        id=other_id,
        region=Region.parse("450000"),
        keys=(listed_key("other trust", KeyUse.TRUST),),
    )
    market = replace(
        authority("market"), region=Region.parse("450100"), keys=(listed_key("x", KeyUse.LICENCE),)
    )
    copycat = replace(
        authority("civil"),
        id=uscc("114501000000000B3"),
        region=Region.parse("450100"),
        keys=(listed_key("housing licence", KeyUse.LICENCE),),
    )
    nation_list = world.trust_list("nation", [authority("province"), authority("provider"), other])
    other_list = raw_list(other_id, [entry(market), entry(copycat)], key=private_key("other trust"))
    found = table(world.lists[0], nation_list, *world.lists[2:], other_list)
    assert found.find(IDS["market"], kid("market")) is not None
    assert found.find(IDS["market"], private_key("x").kid) is None
    assert found.find(IDS["housing"], kid("housing")) is not None
    assert "division" in reasons(found, "market")


def test_an_authority_named_by_two_signers_of_one_rank_belongs_to_neither() -> None:
    second = authority("nation", id=IDS["provider"], keys=(listed_key("second trust", KeyUse.TRUST),))
    rival = authority("province", keys=(listed_key("x", KeyUse.LICENCE),))
    root_list = raw_list("root", [entry(authority("nation")), entry(second)])
    second_list = raw_list("provider", [entry(rival)], key=private_key("second trust"))
    for order in (
        (root_list, standard().lists[1], second_list),
        (second_list, standard().lists[1], root_list),
    ):
        found = table(*order)
        assert found.authority(IDS["province"]) is None
        assert "two signers" in reasons(found, "province")


@pytest.mark.parametrize("ancestor", ["root", "nation", "city", "district"])
def test_a_loop_leads_nowhere(ancestor: str) -> None:
    id_ = ROOT_ID if ancestor == "root" else IDS[ancestor]
    looped = authority("township", id=id_, keys=(listed_key("x", KeyUse.LICENCE),))
    found = table(*standard().lists[:4], standard().trust_list("district", [looped]))
    assert found.find(id_, private_key("x").kid) is None
    assert ("nearer the root" if ancestor == "district" else "division") in reasons(found, id_)


def test_naming_anothers_public_key_takes_nothing_from_its_owner() -> None:
    copycat = authority(
        "township", keys=(listed_key("housing licence", KeyUse.LICENCE), *authority("township").keys)
    )
    found = table(*standard().lists[:4], standard().trust_list("district", [copycat]))
    assert found.find(IDS["housing"], kid("housing")) is not None
    assert found.find(IDS["township"], kid("township")) is not None
    assert "another has it" in reasons(found, "township")


def test_the_root_key_is_nobodys_licence_key() -> None:
    nation = authority("nation", keys=(listed_key("root trust", KeyUse.LICENCE), *authority("nation").keys))
    found = table(raw_list("root", [entry(nation)]))
    assert found.find(IDS["nation"], standard().root.kid) is None
    assert found.find(IDS["nation"], kid("nation")) is not None


def test_lists_of_unknown_signers_and_rubbish_are_named_and_do_no_harm() -> None:
    rubbish = [b"", b"x", b"a.b.c", b"\xff" * 40, standard().issue().encode(), standard().lists[0][:-1]]
    stranger = raw_list("township", [entry(authority("market", level=5))], key=private_key("stranger"))
    found = table(*rubbish, stranger, *standard().lists)
    assert found.keys == standard().trust.keys
    assert len(found.problems) == len(rubbish) + 1


def test_a_status_provider_is_the_one_that_the_list_names() -> None:
    trust = standard().trust
    market, provider, housing = IDS["market"], IDS["provider"], IDS["housing"]
    assert trust.may_sign_status(market, market)
    assert trust.may_sign_status(provider, market)
    assert not trust.may_sign_status(housing, market)
    assert not trust.may_sign_status(provider, housing)
    assert not trust.may_sign_status(provider, "")
    assert not trust.may_sign_status("", housing)


def test_problems_tell_no_key() -> None:
    world = World().with_key("province", KeyUse.TRUST, compromised_at=NOW)
    for problem in world.trust.problems:
        assert private_key("province trust").public.to_jwk()["x"] not in problem.reason
