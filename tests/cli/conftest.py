"""The command line in this process: its exit status, stdout and stderr, on a home of the test's own."""

import os
from dataclasses import dataclass

import pytest

from ecert.cli import main
from tests.web.counter import authorities, table


@dataclass
class Outcome:
    """What one command came to."""

    status: int
    out: str
    err: str

    @property
    def lines(self):
        return self.out.splitlines()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home whose trust is founded and where two licences are issued."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.upper().startswith("ECERT_")]:
            patch.delenv(name)
        made = tmp_path_factory.mktemp("home")
        patch.setenv("ECERT_HOME", str(made))
        patch.setenv("ECERT_BASE_URL", "https://ecert.example")
        chain = made / "authorities.toml"
        chain.write_text(authorities(), encoding="utf-8")
        rows = made / "rows.csv"
        rows.write_text(table(2), encoding="utf-8")
        assert main(["trust", "init", "--authorities", str(chain)]) == 0
        assert main(["issue", str(rows), "--issuer", "11529901MB9994001U"]) == 0
        yield made


@pytest.fixture
def run(home, capfd):
    """Run a command and hear everything it says."""

    def call(*arguments):
        capfd.readouterr()
        status = main([str(a) for a in arguments])
        said = capfd.readouterr()
        assert "Traceback" not in said.err + said.out
        return Outcome(status, said.out, said.err)

    return call
