"""Settings: parsed once, frozen, and a bad one stops the process at once.

Each service subclasses :class:`Settings` in its own ``config.py`` and loads it in
``__main__`` with :func:`load`. A variable carrying the service's prefix that no field
knows is an error too, and so is one that is all but the name of a setting: a typing mistake
must not become a silent default.
"""

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings.sources import DotEnvSettingsSource


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A field given as ``a,b,c`` in the environment."""
SecretList = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
"""Likewise, never shown in a log or an error."""


def _is_web_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("give a URL such as http://127.0.0.1:8080")
    return url


def _is_redis_url(url: SecretStr) -> SecretStr:
    if urlsplit(url.get_secret_value()).scheme not in ("redis", "rediss", "unix"):
        raise ValueError("give a URL such as redis://127.0.0.1:6379/0")
    return url


WebUrl = Annotated[str, AfterValidator(_is_web_url)]
"""A field that is the address of a server."""

_ALIKE = 0.85
"""From which likeness on an unknown name is a setting misspelt: one letter of five or more."""


class BadSettings(Exception):
    """One line per bad setting: its name, its value and the remedy."""


class Settings(BaseSettings):
    """What all three services have in common.

    Field aliases are the environment's names; ``.env`` in the working directory is read
    below the environment.
    """

    model_config = SettingsConfigDict(
        frozen=True, env_file=".env", extra="ignore", env_ignore_empty=True, populate_by_name=True
    )

    prefix: ClassVar[str] = ""
    """Variables starting with it belong to this service alone."""
    foreign: ClassVar[tuple[str, ...]] = ()
    """Variables with this prefix that others read (the launcher, the command line)."""
    renamed: ClassVar[Mapping[str, str]] = {}
    """Beginnings of former names, and what stands in their place now."""
    common_prefixes: ClassVar[tuple[str, ...]] = ()
    """Prefixes of settings that other programs' variables carry too."""

    host: str = Field("127.0.0.1", alias="HOST")
    """Address to listen on; anything but loopback needs `API_KEYS` or a proxy in front."""
    port: int = Field(8000, ge=1, le=65_535, alias="PORT")
    """Port to listen on; each service has its own variable."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", alias="LOG_LEVEL")
    """Least severe log record written."""
    api_keys: SecretList = Field((), alias="API_KEYS")
    """Comma-separated keys that clients must present; empty: no authentication."""
    cors_origins: CommaList = Field((), alias="CORS_ORIGINS")
    """Comma-separated origins whose pages may call the service; empty: same origin only."""
    rate_limit_per_minute: int = Field(0, ge=0, alias="RATE_LIMIT_PER_MINUTE")
    """Requests and connections one client may open in a minute; 0: no limit."""
    redis_url: Annotated[SecretStr, AfterValidator(_is_redis_url)] | None = Field(
        None, alias="REDIS_URL"
    )
    """Redis that replicas share, e.g. `redis://localhost:6379/0`; unset: this process alone."""
    drain_timeout_s: float = Field(30.0, gt=0, le=3600, alias="DRAIN_TIMEOUT_S")
    """Longest time that work in progress may take after SIGTERM, in seconds."""
    ping_interval_s: float = Field(15.0, gt=0, alias="PING_INTERVAL_S")
    """Silence on a socket after which a `ping` is sent, in seconds."""
    peer_timeout_s: float = Field(40.0, gt=0, alias="PEER_TIMEOUT_S")
    """Silence after which a peer counts as gone and its place is free, in seconds."""

    @classmethod
    def is_suspect(cls, name: str) -> bool:
        """Whether a variable of the environment that looks like a setting is meant to be one."""
        return name.upper().startswith(cls.common_prefixes)


S = TypeVar("S", bound=Settings)


def load(kind: type[S], environ: Mapping[str, str] | None = None) -> S:
    """Read the settings of one service.

    Args:
        kind: the service's settings class.
        environ: variables to check for unknown names; the process's own by default.

    Raises:
        BadSettings: naming every bad or unknown variable, its value and what to do.
    """
    source = os.environ if environ is None else environ
    in_file = set(_dotenv_names(kind))
    problems = list(_unknown(kind, {*source, *in_file}))
    problems += _misspelt(kind, {*filter(kind.is_suspect, source), *in_file})
    try:
        settings = kind()
    except ValidationError as error:
        problems += [_line(kind, dict(item)) for item in error.errors()]
    if problems:
        raise BadSettings("\n".join(problems))
    return settings


def _dotenv_names(kind: type[Settings]) -> Iterable[str]:
    path = kind.model_config.get("env_file")
    if not isinstance(path, str) or not Path(path).is_file():
        return ()
    names = DotEnvSettingsSource(kind, env_file=path, case_sensitive=True).env_vars
    return [name for name in names if names[name] is not None]


def _aliases(kind: type[Settings]) -> dict[str, str]:
    return {field.alias or name: name for name, field in kind.model_fields.items()}


def _unknown(kind: type[Settings], names: Iterable[str]) -> Iterable[str]:
    known = {*_aliases(kind), *kind.foreign}
    for name in sorted(names):
        if kind.prefix and name.upper().startswith(kind.prefix) and name.upper() not in known:
            yield f"{name}: no such setting; {_hint(kind, name.upper(), known)}"


def _hint(kind: type[Settings], name: str, known: Iterable[str]) -> str:
    for old, new in kind.renamed.items():
        if name.startswith(old) and (now := new + name.removeprefix(old)) in known:
            return f"it is {now} now"
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else "see docs/configuration.md"


def _misspelt(kind: type[Settings], names: Iterable[str]) -> Iterable[str]:
    """Names that are almost one of the settings without the service's own prefix."""
    known = {name for name in _aliases(kind) if not (kind.prefix and name.startswith(kind.prefix))}
    for name in sorted(names):
        if name.upper() in known:
            continue
        for near in difflib.get_close_matches(name.upper(), known, 1, _ALIKE):
            yield f"{name}: no such setting; did you mean {near}?"


def _line(kind: type[Settings], item: Mapping[str, object]) -> str:
    location = item["loc"]
    name = str(location[0]) if isinstance(location, tuple) and location else "settings"
    field = kind.model_fields.get(_aliases(kind).get(name, name))
    secret = field is not None and "Secret" in str(field.annotation)
    shown = "********" if secret else repr(item.get("input"))
    why = str(item["msg"]).removeprefix("Value error, ")
    return f"{name}={shown}: {why}; correct it or unset it (docs/configuration.md)"
