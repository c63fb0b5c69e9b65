"""Each checker of the house sees the fault that it is there for, planted in a small tree."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import clean_run, floors, quiet, shape, strays

CLEAN = '"""A module."""\n'

# id: (file, its text, what the import rule must say)
IMPORTS = {
    "up": ("ecert/crypto/x.py", "from ecert.wire import jws\n", "imports wire, a floor above"),
    "up, whole module": ("ecert/trust/x.py", "import ecert.verify.engine\n", "imports verify, a floor above"),
    "up, in a function": ("ecert/wire/x.py", "def f():\n    from ecert.trust import a\n", "a floor above"),
    "up, from the root": (
        "ecert/wire/x.py",
        "from ecert import services\n",
        "imports services, a floor above",
    ),
    "up, relative": ("ecert/licence/x.py", "from ..trust import a\n", "imports trust, a floor above"),
    "up, from the errors": ("ecert/errors.py", "import ecert.crypto\n", "imports crypto, a floor above"),
    "up, from the root package": ("ecert/__init__.py", "from ecert.verify import verify\n", "a floor above"),
    "sideways": ("ecert/cli/x.py", "from ecert.web import app\n", "imports web sideways"),
    "sideways below": ("ecert/wire/x.py", "import ecert.matters\n", "imports matters sideways"),
    "private": ("ecert/verify/x.py", "from ecert.wire._json import loads\n", "a private part of wire"),
    "store past ports": (
        "ecert/store/x.py",
        "from ecert.services.issue import Issuing\n",
        "beyond its ports",
    ),
    "store past ports, by room": (
        "ecert/store/x.py",
        "from ecert.services import Issuing\n",
        "beyond its ports",
    ),
    "third party below": ("ecert/services/x.py", "import requests\n", "floors 0-5 do without"),
    "drawing elsewhere": ("ecert/wire/x.py", "import qrcode\n", "floors 0-5 do without"),
    "pydantic": ("ecert/store/x.py", "from pydantic import BaseModel\n", "belongs to assembly and web"),
    "sql in the web": ("ecert/web/x.py", "from sqlalchemy import select\n", "belongs to store"),
    "no floor": ("ecert/utils/x.py", "", "stands on no floor"),
}

ALLOWED = {
    "ecert/errors.py": "import enum\n",
    "ecert/wire/qr.py": "import qrcode\nfrom ecert.errors import Misread\nfrom . import b64\n",
    "ecert/wire/b64.py": "import zlib\nimport msgspec\n",
    "ecert/store/sql.py": "import sqlalchemy\nfrom ecert.services.ports import StatusLog\n"
    "from ecert.services import cache_ports\nfrom ecert.crypto import PublicKey\n",
    "ecert/web/app.py": "import fastapi\nfrom ecert.assembly import build\n",
}

NOISE = {
    "os": ("import os\n", "imports os"),
    "environ": ("from os import environ\n", "imports os.environ"),
    "pathlib": ("from pathlib import Path\n", "imports pathlib.Path"),
    "socket": ("import socket\n", "imports socket"),
    "time": ("import time\n", "imports time"),
    "random": ("import random\n", "imports random"),
    "secrets": ("def f():\n    from secrets import token_bytes\n", "imports secrets.token_bytes"),
    "subprocess": ("import subprocess\n", "imports subprocess"),
    "uuid": ("import uuid\n", "imports uuid"),
    "zoneinfo reads files": ("import zoneinfo\n", "imports zoneinfo"),
    "import by name": ("import importlib\n", "imports importlib"),
    "open": ("def f(p):\n    return open(p)\n", "calls open"),
    "open of io": ("from io import open\n", "imports io.open"),
    "now": ("from datetime import datetime, UTC\nX = datetime.now(UTC)\n", "calls .now"),
    "utcnow": ("import datetime\nX = datetime.datetime.utcnow()\n", "calls .utcnow"),
    "today": ("from datetime import date\nX = date.today()\n", "calls .today"),
    "print": ("print(1)\n", "calls print"),
    "new key": ("from cryptography.x import ec\nec.generate_private_key(1)\n", "calls .generate_private_key"),
}

# The marks are put together here so that this file does not hold them itself.
STRAYS = {
    "private key": (strays.secrets_in, "-----BEGIN EC PRIVATE" + " KEY-----\nMHcCAQEE\n", "a private key"),
    "home folder": (strays.secrets_in, "see /ho" + "me/someone/x\n", "a path of one machine"),
    "strange host": (
        strays.addresses,
        "see https:" + "//mirror.somewhere.net/simple\n",
        "mirror.somewhere.net",
    ),
    "strange host with a user": (
        strays.addresses,
        "git:" + "//me@code.somewhere.net/x\n",
        "code.somewhere.net",
    ),
    "lookalike of a reserved name": (
        strays.addresses,
        "http:" + "//badexample\u002ecom.evil.net/\n",
        "evil.net",
    ),
    "half done": (strays.leftovers, "# TO" + "DO later\n", "TO" + "DO"),
    "conflict mark": (strays.leftovers, "<" * 7 + " mine\n", "<" * 7),
}


def plant(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(("name", "text", "said"), IMPORTS.values(), ids=IMPORTS)
def test_import_rule_sees(tmp_path, name, text, said):
    faults = floors.import_faults(plant(tmp_path, {**ALLOWED, name: text}))
    assert [fault for fault in faults if said in fault], faults


def test_import_rule_lets_the_allowed_through(tmp_path):
    assert floors.import_faults(plant(tmp_path, ALLOWED)) == []


@pytest.mark.parametrize(("text", "said"), NOISE.values(), ids=NOISE)
def test_quietness_sees(tmp_path, text, said):
    faults = quiet.noise(plant(tmp_path, {"ecert/verify/x.py": text}))
    assert [fault for fault in faults if said in fault], faults


def test_quietness_ends_at_the_line(tmp_path):
    loud = "import os, time\nprint(open('x'))\n"
    quiet_code = "import re, zlib\nfrom importlib.resources import files\nX = re.compile('a')\n"
    tree = plant(
        tmp_path, {"ecert/services/x.py": loud, "ecert/store/x.py": loud, "ecert/wire/x.py": quiet_code}
    )
    assert quiet.noise(tree) == []


def test_size_sees_one_line_too_many(tmp_path):
    plant(tmp_path, {"ecert/a.py": "x = 1\n" * shape.CEILING, "tests/b.py": "x = 1\n" * (shape.CEILING + 1)})
    assert shape.oversized(tmp_path) == ["tests/b.py: 401 lines, at most 400"]


def test_room_without_list_is_seen(tmp_path):
    plant(
        tmp_path,
        {"ecert/wire/__init__.py": CLEAN, "ecert/trust/__init__.py": '"""T."""\n__all__ = ["resolve"]\n'},
    )
    assert shape.unlisted(tmp_path) == [
        "ecert.trust: lists resolve, which it does not bind",
        "ecert.wire: has no __all__",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "the module has no docstring"),
        (CLEAN + "def issue():\n    return 1\n", "issue has no docstring"),
        (CLEAN + "async def check():\n    return 1\n", "check has no docstring"),
        (CLEAN + "class Verdict:\n    x = 1\n", "Verdict has no docstring"),
        (CLEAN + 'class A:\n    """A."""\n    def b(self):\n        return 1\n', "A.b has no docstring"),
        (CLEAN + 'class P(Protocol):\n    """P."""\n    def b(self): ...\n', "P.b has no docstring"),
    ],
)
def test_missing_docstring_is_seen(tmp_path, text, said):
    assert [
        fault for fault in shape.undocumented(plant(tmp_path, {"ecert/wire/x.py": text})) if said in fault
    ]


def test_private_names_need_no_docstring(tmp_path):
    text = CLEAN + "def _f():\n    return 1\nclass _A:\n    def b(self):\n        return 1\n"
    assert shape.undocumented(plant(tmp_path, {"ecert/wire/x.py": text})) == []


@pytest.mark.parametrize(("rule", "text", "said"), STRAYS.values(), ids=STRAYS)
def test_stray_is_seen(tmp_path, rule, text, said):
    faults = rule(plant(tmp_path, {"docs/x.md": text}))
    assert [fault for fault in faults if said in fault], faults


def test_reserved_and_cited_addresses_pass(tmp_path):
    text = "https://licence.gov.example/Q#/ HTTPS://HOST/V/ http://127.0.0.1:8000 https://www.rfc-editor.org/rfc/rfc9901\n"
    assert strays.addresses(plant(tmp_path, {"docs/x.md": text})) == []


@pytest.mark.parametrize(
    "line",
    ["pkg @ https:" + "//h/p.whl\n", "--index" + "-url x\n", "-i x\n", "pip install --find" + "-links /x\n"],
)
def test_index_in_a_lock_is_seen(tmp_path, line):
    assert (
        strays.lock_faults(plant(tmp_path, {"requirements/run.lock": "a==1 --hash=sha256:0\n" + line})) != []
    )


def test_registry_in_a_lock_of_npm_is_seen(tmp_path):
    lock = '{"packages": {"a": {"resolved": "x", "funding": "https:' + '//somewhere.net"}}}'
    plant(tmp_path, {"benchmarks/package-lock.json": lock})
    assert strays.lock_faults(tmp_path) == ["benchmarks/package-lock.json:1: names a package index"]
    assert strays.addresses(tmp_path) == []


def _run(tmp_path: Path, code: str) -> int:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return clean_run.run([sys.executable, "-c", code], repo=tmp_path)


def test_clean_run_passes_and_keeps_the_status(tmp_path):
    assert _run(tmp_path, "pass") == 0
    assert _run(tmp_path, "raise SystemExit(5)") == 5


def test_process_left_behind_is_seen_and_ended(tmp_path, capfd):
    code = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    )
    assert _run(tmp_path, code) == 1
    assert "a process was left running" in capfd.readouterr().err


def test_file_left_behind_is_seen(tmp_path, capfd):
    assert _run(tmp_path, "import tempfile; tempfile.mkstemp()") == 1
    assert "left in the temporary folder" in capfd.readouterr().err


def test_change_of_the_work_tree_is_seen(tmp_path, capfd):
    assert _run(tmp_path, "open('new.txt', 'w').close()") == 1
    assert "the work tree changed" in capfd.readouterr().err
