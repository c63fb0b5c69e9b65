"""Founding a chain and keeping its table: keys made once, lists signed only when they say something new."""

from datetime import UTC, datetime, timedelta

import pytest

from ecert.assembly import App, TrustKeeper, build, examine, found_trust, read_plan
from ecert.assembly.authorities import root_id_file
from ecert.errors import Conflict, SettingsFault, Unavailable
from ecert.services.ports import StoredTrustList
from ecert.store.memory import MemoryStatus
from tests.web.counter import CIVIL, authorities, settings_of

NATION = "11100000MB9991001N"


@pytest.fixture
def app(tmp_path) -> App:
    settings = settings_of(tmp_path)
    made = build(settings, memory=MemoryStatus(base_url=settings.base_url))
    yield made
    made.close()


def found(app, *, at=None, text=None):
    plan = read_plan(text or authorities())
    return found_trust(plan, keys=app.key_files, lists=app.trust_lists, at=at or app.clock())


def test_founding_again_changes_nothing(app):
    first, second = found(app), found(app)
    assert len(first.signed) == 5
    assert (second.signed, len(second.kept)) == ((), 5)
    assert second.root == first.root


def test_a_list_is_signed_again_before_it_expires(app):
    found(app)
    later = found(app, at=app.clock() + timedelta(days=61))
    assert len(later.signed) == 5
    assert {app.trust_lists.current(signer).seq for signer in later.signed} == {2}


def test_only_the_signer_of_a_change_signs_again(app):
    found(app)
    changed = found(app, text=authorities().replace("虚构市样例区民政局", "虚构市样例区民政示例局"))
    assert changed.signed == ("11529901MB9994001U",)


def test_a_new_key_and_a_compromised_one_are_told_by_the_next_list(app):
    found(app)
    app.refresh()
    (old,) = [k for k in app.trust.table.authority(CIVIL).keys if k.use == "licence"]
    now = app.clock()
    app.key_files.make(
        CIVIL, "licence", valid_from=now.replace(microsecond=0), valid_until=now + timedelta(days=9)
    )
    app.key_files.end(CIVIL, old.kid, at=now, compromised=True)
    found(app)
    app.refresh()
    keys = {k.kid: k for k in app.trust.table.authority(CIVIL).keys if k.use == "licence"}
    assert len(keys) == 2
    assert keys[old.kid].compromised_at is not None


def test_private_keys_are_not_readable_by_others(app):
    found(app)
    for path in app.key_files.directory.glob("*.pem"):
        assert path.stat().st_mode & 0o077 == 0
    assert app.key_files.directory.stat().st_mode & 0o077 == 0


def test_what_a_verifier_would_leave_out_is_said(app):
    wider = authorities().replace('region = "529901"', 'region = "440300"', 1)
    assert [problem.reason for problem in found(app, text=wider).problems if "region" in problem.reason]


def test_an_entry_that_every_verifier_leaves_out_is_a_note_to_the_doctor(app):
    wider = authorities().replace('region = "529901"', 'region = "440300"', 1)
    left_out = len(found(app, text=wider).problems)
    (lists,) = [part for part in examine(app.settings) if part.part == "trust lists"]
    assert lists.ok
    assert f"; {left_out} problem" in lists.found


def test_nothing_is_trusted_without_a_root_and_the_table_follows_the_lists(app):
    app.refresh()
    assert not app.trust.loaded
    assert app.trust.age is None
    found(app)
    assert app.trust.refresh() is True
    assert app.trust.loaded
    assert app.trust.table.authority(NATION) is not None
    assert app.trust.refresh() is False


class Lists:
    """Stored lists that a test swaps, or takes out of reach."""

    def __init__(self, stored):
        self.stored = stored
        self.reachable = True

    def all_current(self):
        if not self.reachable:
            raise Unavailable("expected SQL, got none")
        return self.stored


@pytest.fixture
def kept(app):
    """A keeper over lists that a test moves, with a clock that it moves."""
    found(app)
    moment = [datetime.now(UTC)]
    lists = Lists(app.trust_lists.all_current())
    keeper = TrustKeeper(
        lists, root_file=app.settings.root_file, root_id=app.root_id, clock=lambda: moment[0]
    )
    assert keeper.refresh()
    return keeper, lists, moment


def test_row_30_an_older_list_never_comes_back(app, kept):
    keeper, lists, moment = kept
    older = lists.stored
    found(app, at=app.clock() + timedelta(days=61))
    lists.stored = app.trust_lists.all_current()
    moment[0] += timedelta(days=61)
    assert keeper.refresh()
    assert keeper.loaded
    lists.stored = older
    assert keeper.refresh()
    assert keeper.table.find(NATION, "x") is None
    assert not keeper.table.keys
    assert any("expected seq 2 or more" in problem.reason for problem in keeper.table.problems)


def test_the_table_stays_when_sql_is_out_of_reach(kept):
    keeper, lists, _ = kept
    before = keeper.table
    lists.reachable = False
    with pytest.raises(Unavailable):
        keeper.refresh()
    assert keeper.table is before


def test_the_table_is_resolved_anew_each_minute(kept):
    keeper, _, moment = kept
    moment[0] += timedelta(seconds=61)
    assert keeper.refresh() is True


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"kty":"EC"}', b'{"kty":"oct","k":"AA"}'])
def test_a_root_that_can_not_be_read_leaves_the_table_as_it_was(kept, content):
    keeper, _, moment = kept
    before = keeper.table
    path = keeper._root_file
    path.unlink() if content is None else path.write_bytes(content)
    moment[0] += timedelta(seconds=61)
    with pytest.raises(SettingsFault) as fault:
        keeper.refresh()
    assert "\n" not in str(fault.value)
    assert keeper.table is before


def test_the_root_is_the_settings_before_the_file(app, tmp_path):
    found(app)
    assert app.root_id() == "11100000MB9991000K"
    root_id_file(app.settings.keys).write_text("rubbish\xff", encoding="latin-1")
    assert app.root_id() is None
    from ecert.assembly.doctor import root_id_of

    assert root_id_of(settings_of(tmp_path, root_id="11100000MB9991000K")) == "11100000MB9991000K"


def test_a_stored_list_never_goes_back(app):
    found(app)
    current = app.trust_lists.current(NATION)
    with pytest.raises(Conflict):
        app.trust_lists.put(
            [StoredTrustList(authority=NATION, seq=current.seq, token=current.token, stored_at=app.clock())]
        )
