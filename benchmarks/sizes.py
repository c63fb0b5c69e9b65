"""How much one run does: `full` for the record, `quick` for a look, `tiny` for the tests."""

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "SIZES", "TINY", "Size"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Counts and times (seconds) of a run. Targets do not depend on them."""

    name: str
    rounds: int
    call_seconds: float  # of each case in a round, in this process
    http_seconds: float  # of each case in a round, over HTTP
    latency_seconds: float  # at each rate
    tokens: int  # distinct licences in the core parts; many more than the engine remembers
    new: int  # licences over HTTP that a worker never saw, half for single scans and half for batches
    known: int  # licences over HTTP that it saw before; more than it keeps opened
    revoked: int  # licences that are revoked before the load
    bulk: int  # rows of the bulk issue
    batch: int  # items of a batch
    connections: int
    revocations: int
    remembered_scans: int  # scans of the memory part, at most as many as fit into `memory_seconds`
    memory_seconds: float
    pictures: int
    mirror_millions: tuple[int, ...]
    install: bool  # whether Node packages may be installed over the network


FULL = Size(
    name="full",
    rounds=5,
    call_seconds=0.5,
    http_seconds=1.5,
    latency_seconds=8.0,
    tokens=5000,
    new=50_000,
    known=4000,
    revoked=500,
    bulk=10_000,
    batch=1000,
    connections=16,
    revocations=200,
    remembered_scans=1_000_000,
    memory_seconds=150,
    pictures=200,
    mirror_millions=(1, 10, 100),
    install=True,
)
QUICK = Size(
    name="quick",
    rounds=2,
    call_seconds=0.08,
    http_seconds=0.4,
    latency_seconds=1.0,
    tokens=4000,
    new=8_000,
    known=2500,
    revoked=50,
    bulk=1_000,
    batch=500,
    connections=16,
    revocations=20,
    remembered_scans=20_000,
    memory_seconds=3,
    pictures=20,
    mirror_millions=(1, 10),
    install=True,
)
TINY = Size(
    name="tiny",
    rounds=1,
    call_seconds=0.001,
    http_seconds=0.05,
    latency_seconds=0.1,
    tokens=4,
    new=24,
    known=8,
    revoked=2,
    bulk=12,
    batch=4,
    connections=2,
    revocations=2,
    remembered_scans=20,
    memory_seconds=1,
    pictures=1,
    mirror_millions=(1,),
    install=False,
)
SIZES = {size.name: size for size in (FULL, QUICK, TINY)}
