"""The programs in the documents run as they stand; the README's on files that a stranger could have."""

import json

import pytest

from ecert.wire import qr
from tests.docs.pages import blocks, pages
from tests.world import BASE_URL, NOW, World

TEXTS = pages()
PROGRAMS = blocks(TEXTS["README.md"], "python")
OTHERS = {name: blocks(text, "python") for name, text in TEXTS.items() if name != "README.md"}


@pytest.mark.parametrize("page", [name for name, programs in OTHERS.items() if programs])
def test_programs_of_a_page_run_one_after_the_other(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for program in OTHERS[page]:
        exec(compile(program, page, "exec"), names)


def test_program_has_fifteen_lines():
    assert len(PROGRAMS) == 1
    assert len(PROGRAMS[0].splitlines()) <= 15


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({7: 0}, "accepted"),
        ({7: 1}, "refused"),
        ({}, "refused"),
        (None, "undecided"),
    ],
    ids=["in force", "revoked", "never issued", "no status list"],
)
def test_program_says(values, said, tmp_path, monkeypatch, capsys):
    world = World()
    (tmp_path / "trust").mkdir()
    (tmp_path / "status").mkdir()
    (tmp_path / "trust" / "root.jwk").write_text(json.dumps(world.root.to_jwk()))
    (tmp_path / "trust" / "root.id").write_text(world.root_id + "\n")
    for number, token in enumerate(world.lists):
        (tmp_path / "trust" / f"{number}.trustlist").write_bytes(token)
    if values is not None:
        (tmp_path / "status" / "1.jwt").write_text(world.status_token(values=values))
    (tmp_path / "scan.txt").write_text(qr.encode_token(world.issue(), BASE_URL) + "\n")
    monkeypatch.chdir(tmp_path)
    # The program asks the clock; the world stands still at its own hour.
    program = PROGRAMS[0].replace("datetime.now(UTC)", f"datetime.fromtimestamp({NOW.timestamp()}, UTC)")
    exec(compile(program, "README.md", "exec"), {})
    assert capsys.readouterr().out.split()[0] == said
