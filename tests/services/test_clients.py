"""Clients and their keys: shown once, kept as a hash, recognised from memory."""

import os
from pathlib import Path

import pytest

from ecert.errors import FieldFault, Unavailable
from ecert.services import Actor, Clients, Role
from ecert.store.sql import SqlClients
from tests.services.office import MARKET, Office, office


@pytest.fixture
def desk(tmp_path: Path):
    with office(tmp_path) as made:
        yield made


def clients_of(desk: Office) -> Clients:
    return Clients(SqlClients(desk.database), clock=desk.clock, random_bytes=os.urandom)


@pytest.mark.parametrize(
    ("role", "authority"), [(Role.DEPARTMENT, MARKET), (Role.WINDOW, None), (Role.OPERATOR, None)]
)
def test_a_key_made_is_recognised_as_whose_it_is(desk: Office, role: Role, authority: str | None):
    clients = clients_of(desk)
    client_id, secret = clients.create("示例窗口", role, authority)
    assert secret.startswith(f"ecert_{role}_")
    assert len(secret.split("_", 2)[2]) == 43
    assert clients.authenticate(secret) == Actor(client_id=client_id, role=role, authority=authority)
    assert clients.create("示例窗口", role, authority)[1] != secret


def test_what_is_no_key_is_nobody(desk: Office):
    clients = clients_of(desk)
    _, secret = clients.create("w", Role.WINDOW)
    for text in ("", secret[:-1], secret + "A", secret.upper(), "é" * 40, "x" * 10**6, "\0", secret + "\n"):
        assert clients.authenticate(text) is None


def test_a_withdrawn_key_stops_here_at_once_and_elsewhere_at_the_next_refresh(desk: Office):
    here, elsewhere = clients_of(desk), clients_of(desk)
    client_id, secret = here.create("w", Role.WINDOW)
    assert elsewhere.authenticate(secret) is None
    elsewhere.refresh()
    assert elsewhere.authenticate(secret) is not None
    assert here.withdraw(client_id) is True
    assert here.authenticate(secret) is None
    assert elsewhere.authenticate(secret) is not None
    elsewhere.refresh()
    assert elsewhere.authenticate(secret) is None
    assert here.withdraw(client_id) is False
    assert [client.withdrawn_at for client in here.list()] == [desk.now]


def test_recognising_asks_nothing_of_sql_and_survives_its_loss(desk: Office):
    clients = clients_of(desk)
    _, secret = clients.create("w", Role.WINDOW)
    desk.database.close()
    (desk.home / "ecert.db").rename(desk.home / "gone.db")
    assert clients.authenticate(secret) is not None
    with pytest.raises(Unavailable):
        clients.refresh()
    assert clients.authenticate(secret) is not None


def test_the_secret_is_not_in_the_database(desk: Office):
    _, secret = clients_of(desk).create("w", Role.WINDOW)
    for path in desk.home.glob("ecert.db*"):
        assert secret.split("_", 2)[2].encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("name", "role", "authority", "field"),
    [
        ("", Role.WINDOW, None, "name"),
        ("x" * 81, Role.WINDOW, None, "name"),
        (" x", Role.WINDOW, None, "name"),
        ("x\n", Role.WINDOW, None, "name"),
        ("x", Role.DEPARTMENT, None, "authority"),
        ("x", Role.WINDOW, MARKET, "authority"),
        ("x", Role.OPERATOR, MARKET, "authority"),
        ("x", Role.DEPARTMENT, MARKET[:-1] + "X", "authority"),
    ],
)
def test_a_client_that_makes_no_sense_is_not_made(desk: Office, name, role, authority, field: str):
    with pytest.raises(FieldFault) as caught:
        clients_of(desk).create(name, role, authority)
    assert caught.value.field == field
    assert clients_of(desk).list() == ()
