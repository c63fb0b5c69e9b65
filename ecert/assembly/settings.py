"""Every setting of ecert, read from the environment once and never changed.

- A name that starts with `ECERT_` and is not listed here stops the start: a typing error must not go
  unnoticed.
- A wrong value stops the start with one sentence that names the variable and what was expected, never the
  value (it may be a password).
- An empty variable counts as not set.

Does not check that files, servers or keys exist: `ecert doctor` and `build` do.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from ecert.errors import IdentifierFault, SettingsFault
from ecert.licence import Uscc

__all__ = ["PREFIX", "Settings", "default_key_dir"]

PREFIX = "ECERT_"
_HOME = Path("var")
_OF_THE_TESTS = frozenset({"ECERT_VECTORS"})  # names that only the test run reads
_REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster")
_SQL_SCHEMES = ("sqlite", "postgresql+psycopg")

ServerRole = Literal["issuer", "verifier", "all"]


class Settings(BaseSettings):
    """What one process of ecert is told by its environment; field `x` is the variable `ECERT_X`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    home: Annotated[Path, Field(description="folder of the database, the embedded server and its socket")] = (
        _HOME
    )
    key_dir: Annotated[
        Path | None,
        Field(description="folder of private keys; ./keys/private where ./keys is, else HOME/keys"),
    ] = None
    base_url: Annotated[
        str, Field(description="public address of this service: it stands in every QR code and status list")
    ] = "http://127.0.0.1:8000"
    role: Annotated[ServerRole, Field(description="issuer, verifier, or all in one process")] = "all"
    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="port to listen on; 0 takes a free one")] = 8000
    workers: Annotated[int, Field(ge=1, le=256, description="number of server processes")] = 1
    redis_url: Annotated[
        SecretStr | None, Field(description="Redis or Valkey; without it a server is found or started here")
    ] = None
    database_url: Annotated[
        SecretStr | None,
        Field(description="sqlite:///FILE or postgresql+psycopg://…; HOME/ecert.db without it"),
    ] = None
    data_keys: Annotated[
        SecretStr | None,
        Field(description="keys of personal data at rest, comma-separated; KEY_DIR/data.keys without it"),
    ] = None
    trust_root: Annotated[
        Path | None, Field(description="public root key as a JWK file; KEY_DIR/root.jwk without it")
    ] = None
    root_id: Annotated[
        str | None,
        Field(description="统一社会信用代码 of the root authority; read from KEY_DIR/root.id without it"),
    ] = None
    max_status_age: Annotated[
        timedelta,
        Field(gt=timedelta(0), description="oldest status knowledge that a verdict may rest on, seconds"),
    ] = timedelta(seconds=5)
    clock_skew: Annotated[
        timedelta,
        Field(ge=timedelta(0), le=timedelta(minutes=10), description="tolerance for other clocks, seconds"),
    ] = timedelta(seconds=60)
    confirm_issued: Annotated[
        bool,
        Field(description="compare an accepted licence's first scan with the registry in SQL"),
    ] = True
    status_ttl: Annotated[
        timedelta,
        Field(ge=timedelta(seconds=1), description="how long a published status list may be cached, seconds"),
    ] = timedelta(minutes=5)
    scans_per_minute: Annotated[
        int,
        Field(
            ge=0,
            description="checks that one client may ask for in a minute, batch items counted; 0: no limit",
        ),
    ] = 60_000
    writes_per_minute: Annotated[
        int, Field(ge=0, description="other requests of one client in a minute; 0: no limit")
    ] = 6_000
    public_per_minute: Annotated[
        int, Field(ge=0, description="requests without a key from one address in a minute; 0: no limit")
    ] = 600
    body_deadline: Annotated[
        timedelta, Field(gt=timedelta(0), description="time a request's body may take to arrive, seconds")
    ] = timedelta(seconds=10)
    max_connections: Annotated[
        int, Field(ge=1, description="connections of one process before it answers 503")
    ] = 2_000
    proxies: Annotated[
        str,
        Field(description="addresses of reverse proxies whose X-Forwarded-For is believed; none without it"),
    ] = ""
    metrics_open: Annotated[bool, Field(description="answer /metrics without an operator's key")] = False
    access_log: Annotated[bool, Field(description="one JSON line on stderr for each request")] = True
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="least level logged")
    ] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's form
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no hidden second source
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no hidden second source
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings)

    @classmethod
    def read(cls, **given: Any) -> Self:
        """Read the settings; what is `given` (by a command line) wins over the environment.

        Raises:
            SettingsFault: One sentence about the first wrong or unknown name.
        """
        known = {PREFIX + name.upper() for name in cls.model_fields} | _OF_THE_TESTS
        for name in sorted(n for n in os.environ if n.upper().startswith(PREFIX) and n not in known):
            raise SettingsFault(
                f"{_printable(name)} is no setting of ecert; `ecert doctor --settings` lists them all"
            )
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as fault:
            first = fault.errors(include_input=False, include_url=False, include_context=False)[0]
            name = PREFIX + str(first["loc"][0]).upper().removeprefix(PREFIX) if first["loc"] else "a setting"
            raise SettingsFault(f"{name} is wrong: {_expected(first['type'], first['msg'])}") from None

    @field_validator("base_url")
    @classmethod
    def _is_plain_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("expected http://HOST or https://HOST, with a path at most")
        if not value.isascii() or any(c.isspace() for c in value) or parts.fragment:
            raise ValueError("expected an ASCII address without spaces or fragment")
        return value.rstrip("/")

    @field_validator("redis_url")
    @classmethod
    def _is_redis_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and value.get_secret_value().split("://")[0] not in _REDIS_SCHEMES:
            raise ValueError(
                f"expected an address that starts with one of {', '.join(_REDIS_SCHEMES)} and ://"
            )
        return value

    @field_validator("database_url")
    @classmethod
    def _is_sql_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and value.get_secret_value().split("://")[0] not in _SQL_SCHEMES:
            raise ValueError("expected an address that starts with sqlite:/// or postgresql+psycopg://")
        return value

    @field_validator("root_id")
    @classmethod
    def _is_uscc(cls, value: str | None) -> str | None:
        try:
            return None if value is None else str(Uscc.parse(value))
        except IdentifierFault:
            raise ValueError(
                "expected a 统一社会信用代码 of 18 characters with a right check character"
            ) from None

    @field_validator("max_status_age", "clock_skew", "status_ttl", "body_deadline", mode="before")
    @classmethod
    def _is_seconds(cls, value: object) -> object:
        if isinstance(value, str):
            try:
                return timedelta(seconds=float(value))
            except (ValueError, OverflowError):
                raise ValueError("expected a number of seconds") from None
        return value

    @property
    def keys(self) -> Path:
        """The folder of private keys in use."""
        return self.key_dir if self.key_dir is not None else default_key_dir(self.home)

    @property
    def root_file(self) -> Path:
        """The file of the pinned public root key."""
        return self.trust_root if self.trust_root is not None else self.keys / "root.jwk"

    @property
    def database(self) -> str:
        """The SQL address in use; it may hold a password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home.absolute() / 'ecert.db'}"

    def as_environment(self) -> dict[str, str]:
        """The variables that give another process these settings; what stands at its default is left out."""
        found: dict[str, str] = {}
        for name in self.model_fields_set:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            elif isinstance(value, timedelta):
                value = value.total_seconds()
            if value is not None:
                found[PREFIX + name.upper()] = str(value)
        return found

    @property
    def issues(self) -> bool:
        """Whether this process may hold private keys and write."""
        return self.role in ("issuer", "all")

    @property
    def verifies(self) -> bool:
        """Whether this process answers scans."""
        return self.role in ("verifier", "all")


def default_key_dir(home: Path) -> Path:
    """Where keys are by default: beside a checkout's `keys/README.md`, or under a chosen home."""
    return Path("keys/private") if home == _HOME and Path("keys").is_dir() else home / "keys"


def _expected(kind: str, said: str) -> str:
    """The library's words for a wrong value in ours; they never hold the value."""
    if kind.startswith("int_"):
        return "expected a whole number"
    if kind.startswith("bool_"):
        return "expected true or false"
    said = said.removeprefix("Value error, ").replace("Input should be ", "expected ", 1)
    return said[0].lower() + said[1:]


def _printable(name: str) -> str:
    return "".join(c if c.isalnum() or c == "_" else "?" for c in name[:60])
