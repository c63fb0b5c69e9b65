"""What the documents name exists, and what exists is named: codes, settings, commands, routes, versions."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.docs.pages import REPO, broken_links, named, pages, unknown_names, unnamed

TEXTS = pages()
ALL = "\n".join(TEXTS.values())


def test_links_lead_somewhere():
    assert broken_links(REPO) == []


def test_every_file_that_the_documents_name_exists():
    paths = re.findall(r"`((?:ecert|tests|docs|keys|requirements|benchmarks)/[\w./-]+)`", ALL)
    made_later = {"keys/private", "keys/private/", "benchmarks/results/"}
    assert paths
    assert [path for path in paths if path not in made_later and not (REPO / path).exists()] == []


def test_every_reason_code_is_explained():
    from ecert.verify import ReasonCode, sentences

    assert unnamed([f"`{code}`" for code in ReasonCode], TEXTS["docs/formats/licence.md"]) == []
    assert [code for code in ReasonCode if not sentences(code).zh or not sentences(code).en] == []


def test_every_setting_is_explained_and_none_is_made_up():
    from ecert.assembly import Settings

    table = dict(re.findall(r"^\| `(ECERT_\w+)` \| ?(.*?) ?\|", TEXTS["docs/operations.md"], re.MULTILINE))
    defaults = {f"ECERT_{name.upper()}": _shown(made.default) for name, made in Settings.model_fields.items()}
    assert table == defaults
    assert unknown_names(ALL, r"\bECERT_[A-Z][A-Z_]*[A-Z]\b", set(defaults) | {"ECERT_VECTORS"}) == []


def _shown(default: object) -> str:
    if isinstance(default, timedelta):
        return f"{default.total_seconds():g}"
    return "" if default is None else str(default)


def test_every_metric_is_explained():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (REPO / "ecert").rglob("*.py"))
    metrics = set(re.findall(r"\"(ecert_[a-z_]+)\"", sources)) - {"ecert_"}
    assert unnamed(sorted(metrics), TEXTS["docs/operations.md"]) == []


def _commands() -> list[str]:
    import typer

    from ecert.cli import app

    def walk(command, words):
        children = getattr(command, "commands", None)
        if not children:
            yield " ".join(words)
        for name, child in (children or {}).items():
            if not child.hidden:
                yield from walk(child, [*words, name])

    return list(walk(typer.main.get_command(app), ["ecert"]))


def test_every_command_is_explained():
    commands = _commands()
    assert "ecert doctor" in commands
    assert unnamed(commands, TEXTS["docs/operations.md"]) == []


def test_every_command_in_the_documents_exists():
    commands = _commands()
    asked = set(re.findall(r"`ecert ([a-z][a-z -]*[a-z])", ALL)) | set(
        re.findall(r"^(?:\.venv/bin/)?ecert ([a-z][a-z -]*[a-z])", ALL, re.MULTILINE)
    )
    assert asked
    # What follows a command are its arguments; what precedes a space in a command is a group.
    known = {command.removeprefix("ecert ") for command in commands}
    groups = {command.rpartition(" ")[0] for command in known}
    wrong = [
        words
        for words in asked
        if words not in groups and not any(f"{words} ".startswith(f"{command} ") for command in known)
    ]
    assert sorted(wrong) == []


def test_every_route_is_named_in_the_readme():
    from ecert.web import health, licences, lists

    def bare(text):
        return re.sub(r"\{[^}]*\}", "{}", text)

    routes = {bare(route.path) for part in (health, licences, lists) for route in part.router.routes}
    routes |= {"/v1/verify", "/v1/verify/batch"}
    assert len(routes) > 8
    assert [path for path in sorted(routes) if path != "/" and path not in bare(TEXTS["README.md"])] == []


def test_make_targets_in_the_documents_exist():
    targets = set(re.findall(r"^([a-z]+):", (REPO / "Makefile").read_text(), re.MULTILINE))
    asked = set(re.findall(r"\bmake ([a-z]+)`", ALL)) | set(re.findall(r"^make ([a-z]+)", ALL, re.MULTILINE))
    assert {"demo", "run", "test"} <= asked
    assert asked - targets == set()


def test_help_shows_every_target():
    text = (REPO / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony
    assert [name for name in phony[1].split() if not re.search(rf"^{name}:.*## ", text, re.MULTILINE)] == []


def test_dependency_table_says_the_locked_versions():
    table = dict(
        re.findall(r"^\| ([\w-]+)[^|]*\| ([\w.]+) \|", TEXTS["docs/adr/0006-dependencies.md"], re.MULTILINE)
    )
    pins = {}
    for lock in ("dev", "build", "bootstrap"):
        pins |= dict(re.findall(r"^([\w-]+)(?:\[[\w,]+\])?==([\w.]+)", _lock(lock), re.MULTILINE))
    assert {
        name: version for name, version in table.items() if name != "name" and pins.get(name) != version
    } == {}
    declared = re.findall(
        r'^    "([\w-]+)(?:\[[\w,]+\])?[>=]', (REPO / "pyproject.toml").read_text(), re.MULTILINE
    )
    assert declared
    assert [name for name in declared if name not in table] == []


def _lock(name: str) -> str:
    return (REPO / "requirements" / f"{name}.lock").read_text()


@pytest.mark.parametrize("page", [name for name in TEXTS if name.startswith("docs/adr/0")])
def test_decision_fits_on_a_page(page):
    text = TEXTS[page]
    assert text.startswith(f"# {Path(page).name[:4]} ")
    assert "**Decision.**" in text
    assert len(text.splitlines()) <= 70
    assert Path(page).name in TEXTS["docs/adr/README.md"]


def test_planted_faults_in_documents_are_seen(tmp_path):
    (tmp_path / "README.md").write_text("[a](docs/none.md) [b](README.md#x) [c](https://www.w3.org/x)\n")
    assert broken_links(tmp_path) == ["README.md: docs/none.md"]
    assert unnamed(["ECERT_HOME"], "see ECERT_HOMES and X_ECERT_HOME") == ["ECERT_HOME"]
    assert unknown_names("`ECERT_A` `ECERT_B`", r"ECERT_[A-Z]+", {"ECERT_A"}) == ["ECERT_B"]
    assert named("run `ecert trust show`.", "ecert trust show")
    assert not named("run `ecert trust shower`.", "ecert trust show")
