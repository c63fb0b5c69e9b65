"""The rules hold for this repository."""

import importlib
import pkgutil
import stat
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import ecert
from tests.house import floors, quiet, shape, strays

REPO = Path(__file__).resolve().parents[2]
ROOMS = [name for name in floors.FLOORS if (REPO / "ecert" / name).is_dir()]


@pytest.mark.parametrize(
    "rule",
    [
        floors.import_faults,
        quiet.noise,
        shape.oversized,
        shape.unlisted,
        shape.undocumented,
        strays.addresses,
        strays.secrets_in,
        strays.leftovers,
        strays.lock_faults,
    ],
    ids=lambda rule: rule.__name__,
)
def test_rule_holds(rule):
    assert rule(REPO) == []


def test_every_module_imports_on_its_own():
    for found in pkgutil.walk_packages(ecert.__path__, "ecert."):
        if not found.name.endswith("__main__") and ".migrations." not in found.name:
            importlib.import_module(found.name)


@pytest.mark.parametrize("room", ROOMS)
def test_room_binds_what_it_lists(room):
    module = importlib.import_module(f"ecert.{room}")
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert len(set(module.__all__)) == len(module.__all__)


def _locked(name: str) -> dict[str, str]:
    lines = (REPO / "requirements" / name).read_text().splitlines()
    pins = [line.partition(" ")[0].split("==") for line in lines if "==" in line and not line.startswith(" ")]
    return {canonicalize_name(package): version for package, version in pins}


def _declared() -> dict[str, list[Requirement]]:
    project = tomllib.loads((REPO / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]
    run = [*project["project"]["dependencies"], *(line for extra in extras.values() for line in extra)]
    return {
        "run.lock": [Requirement(line) for line in run],
        "dev.lock": [
            Requirement(line) for line in [*run, *groups["test"], *groups["lint"], *groups["bench"]]
        ],
        "build.lock": [Requirement(line) for line in groups["build"]],
        "bootstrap.lock": [Requirement(line) for line in groups["bootstrap"]],
    }


@pytest.mark.parametrize("lock", ["run.lock", "dev.lock", "build.lock", "bootstrap.lock"])
def test_lock_holds_what_the_project_declares(lock):
    pins = _locked(lock)
    wrong = [
        str(needed)
        for needed in _declared()[lock]
        if canonicalize_name(needed.name) not in pins
        or pins[canonicalize_name(needed.name)] not in needed.specifier
    ]
    assert wrong == [], "run `make lock`"


def test_what_runs_and_what_is_tested_are_the_same_versions():
    run, dev = _locked("run.lock"), _locked("dev.lock")
    assert {name: version for name, version in run.items() if dev.get(name) != version} == {}


@pytest.mark.parametrize("lock", ["run.lock", "dev.lock", "build.lock", "bootstrap.lock"])
def test_every_pin_has_a_hash(lock):
    entries = (REPO / "requirements" / lock).read_text().replace("\\\n", " ").splitlines()
    assert entries
    assert [entry.split()[0] for entry in entries if entry.strip() and "--hash=sha256:" not in entry] == []


def test_ci_script_can_be_run():
    script = REPO / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    text = script.read_text()
    assert "set -euo pipefail" in text
    assert text.rstrip().endswith("make test")


def test_private_keys_and_databases_are_never_committed():
    kept = {str(path.relative_to(REPO)) for path in strays.kept_files(REPO)}
    assert [
        name
        for name in kept
        if name.startswith(("keys/private/", "var/")) or name.endswith((".db", ".sqlite"))
    ] == []
