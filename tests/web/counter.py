"""A whole service in one process for the web's tests: SQLite in a folder, statuses in memory, real keys."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from ecert.assembly import App, Settings, build, found_trust, read_plan
from ecert.services import Role
from ecert.store.memory import MemoryStatus
from ecert.web import create_app

DISTRICT = "11529901MB9994001U"
CIVIL = "11529901MB9994002Y"
FOOD = "11100000MB9990001F002"
BASE_URL = "https://ecert.example"

_NUMBERS = iter(range(1, 1_000_000))


def authorities() -> str:
    """The development chain of authorities, as the package carries it."""
    beside = Path(__file__).resolve().parents[2] / "keys" / "authorities.toml"
    if beside.is_file():
        return beside.read_text(encoding="utf-8")
    return resources.files("ecert.cli.demo").joinpath("authorities.toml").read_text(encoding="utf-8")


def food_permit(**changes: Any) -> dict[str, Any]:
    """A body of `POST /v1/licences` that can be issued; each call has a number of its own."""
    body: dict[str, Any] = {
        "type": FOOD,
        "number": f"JY2999010{next(_NUMBERS):07d}",
        "holder": {"name": "虚构市甲示例餐饮有限公司", "code": "91529901MAEX00001H", "code_type": "001"},
        "valid_from": "2026-07-01",
        "valid_until": "2031-06-30",
        "fields": {
            "KZ_ZTYT": "餐饮服务经营者",
            "KZ_JYCS": "示例省虚构市样例区示例路1号",
            "KZ_JYXM": "热食类食品制售",
            "KZ_FZR": "甲一示例",
        },
    }
    body.update(changes)
    return {name: value for name, value in body.items() if value is not ...}


def table(rows: int) -> str:
    """A CSV of so many food permits."""
    head = "ZZLXDM,ZZBH,ZZYXQQSRQ,ZZYXQJZRQ,CZZT,CZZTDM,CZZTDMLXDM,KZ_ZTYT,KZ_JYCS,KZ_JYXM,KZ_FZR"
    made = [food_permit() for _ in range(rows)]
    lines = [
        ",".join(
            [
                body["type"],
                body["number"],
                body["valid_from"],
                body["valid_until"],
                *body["holder"].values(),
                *body["fields"].values(),
            ]
        )
        for body in made
    ]
    return "\n".join([head, *lines]) + "\n"


@dataclass
class Counter:
    """The running service with a client key for each role."""

    app: App
    http: TestClient
    keys: dict[str, str] = field(default_factory=dict)

    def auth(self, who: str) -> dict[str, str]:
        """The header of one client: department, other_department, window, operator."""
        return {"Authorization": f"Bearer {self.keys[who]}"}

    def issue(self, **changes: Any) -> dict[str, Any]:
        """Issue a food permit and give the answer."""
        answer = self.http.post("/v1/licences", json=food_permit(**changes), headers=self.auth("department"))
        assert answer.status_code == 201, answer.text
        self.settle()
        return answer.json()

    def await_ready(self) -> None:
        """Wait until the process says that requests may be sent."""
        pause = threading.Event()
        for _ in range(600):
            if self.app.readiness().ready:
                return
            pause.wait(0.05)
        raise AssertionError(f"not ready: {self.app.readiness().parts}")

    def settle(self) -> None:
        """Wait until the status cache has everything that is on record."""
        assert self.app.memory is not None
        assert self.app.memory.wait_applied(self.app.log.head(), timedelta(seconds=30))

    def verify(self, text: str, **more: Any) -> dict[str, Any]:
        """Check a scan at the window, once the cache is level with the record, and give the verdict."""
        if self.app.relay is not None:
            self.settle()
        return self.verify_now(text, **more)

    def verify_now(self, text: str, **more: Any) -> dict[str, Any]:
        """Check a scan at the window with whatever the process knows."""
        answer = self.http.post("/v1/verify", json={"qr": text, **more}, headers=self.auth("window"))
        assert answer.status_code == 200, answer.text
        return answer.json()


def settings_of(home: Path, **changes: Any) -> Settings:
    """Settings of a test: everything under one folder, no limits."""
    values: dict[str, Any] = {
        "home": home,
        "base_url": BASE_URL,
        "scans_per_minute": 0,
        "writes_per_minute": 0,
        "public_per_minute": 0,
        "body_deadline": timedelta(seconds=5),
    }
    return Settings.read(**(values | changes))


def founded(settings: Settings) -> App:
    """An application whose trust is founded; its threads do not run yet."""
    app = build(settings, memory=MemoryStatus(base_url=settings.base_url))
    assert app.key_files is not None
    made = found_trust(read_plan(authorities()), keys=app.key_files, lists=app.trust_lists, at=app.clock())
    assert made.problems == ()
    app.refresh()
    return app


def with_clients(app: App) -> dict[str, str]:
    """One client key for each role."""
    return {
        "department": app.clients.create("样例区行政审批局", Role.DEPARTMENT, DISTRICT)[1],
        "other_department": app.clients.create("样例区民政局", Role.DEPARTMENT, CIVIL)[1],
        "window": app.clients.create("综合窗口 1", Role.WINDOW)[1],
        "operator": app.clients.create("运行", Role.OPERATOR)[1],
    }


def counter_at(app: App) -> Counter:
    """HTTP around an application. Enter `counter.http` to start the threads."""
    return Counter(app=app, http=TestClient(create_app(app)), keys=with_clients(app))


def lines_of(text: str) -> list[dict[str, Any]]:
    """The JSON lines in a captured text; every line must be one."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]
