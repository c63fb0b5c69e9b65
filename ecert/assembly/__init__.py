"""Settings and wiring (装配): the only place where services meet stores."""

from ecert.assembly.app import App, Freshness, Readiness
from ecert.assembly.authorities import AuthorityPlan, Founded, found_trust, read_plan
from ecert.assembly.cache_care import CacheDifference, check_cache, rebuild_cache
from ecert.assembly.doctor import PartFound, examine, setting_rows
from ecert.assembly.logs import configure_logs, log, place_of
from ecert.assembly.settings import PREFIX, Settings
from ecert.assembly.trust_keeper import TrustKeeper, read_root
from ecert.assembly.wiring import Ready, build, prepare

__all__ = [
    "PREFIX",
    "App",
    "AuthorityPlan",
    "CacheDifference",
    "Founded",
    "Freshness",
    "PartFound",
    "Readiness",
    "Ready",
    "Settings",
    "TrustKeeper",
    "build",
    "check_cache",
    "configure_logs",
    "examine",
    "found_trust",
    "log",
    "place_of",
    "prepare",
    "read_plan",
    "read_root",
    "rebuild_cache",
    "setting_rows",
]
