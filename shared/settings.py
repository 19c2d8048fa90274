"""Environment and file to frozen dataclasses, checked all at once.

Every service has a `Settings` dataclass with defaults; a field says what it is for in `field(metadata={"help": …})`.
`AFTERACTION_MEMORY_THREADS` sets the field `threads` of section `memory`, as does `threads` in the table `[memory]` of
afteraction.toml; the environment wins. A wrong value stops the start with a sentence for each.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

PREFIX = "AFTERACTION"
FILE_VARIABLE = "AFTERACTION_CONFIG_FILE"
DEFAULT_FILE = Path("afteraction.toml")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)\Z")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}

S = TypeVar("S")


class SettingsError(Exception):
    """Every setting that is wrong, a line each: which, why, and an example of a right one."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Common:
    """What every process must know: where the others are, where the data is, who may call."""

    database_url: str = field(default="", metadata={
        "help": "PostgreSQL to use; empty: an embedded one in the data directory",
        "example": "postgresql://user:password@db.internal/afteraction", "secret": "yes"})
    data_directory: Path = field(default=Path(".afteraction"), metadata={
        "help": "where the embedded PostgreSQL and the index snapshots live", "example": "./.afteraction"})
    ingestion_address: str = field(default="127.0.0.1:7401", metadata={"help": "gRPC address of ingestion"})
    detection_address: str = field(default="127.0.0.1:7402", metadata={"help": "gRPC address of detection"})
    drafting_address: str = field(default="127.0.0.1:7403", metadata={"help": "gRPC address of drafting"})
    memory_address: str = field(default="127.0.0.1:7404", metadata={"help": "gRPC address of memory"})
    dashboard_address: str = field(default="127.0.0.1:7400", metadata={"help": "HTTP address of the dashboard"})
    otlp_grpc_address: str = field(default="127.0.0.1:4317", metadata={"help": "where senders reach OTLP over gRPC"})
    otlp_http_address: str = field(default="127.0.0.1:4318", metadata={
        "help": "where senders reach OTLP over HTTP, remote write and the webhooks"})
    token: str = field(default="", metadata={
        "help": "bearer token that every caller must show; required beyond loopback", "secret": "yes"})
    tls_certificate: str = field(default="", metadata={"help": "PEM file; required beyond loopback"})
    tls_key: str = field(default="", metadata={"help": "PEM file; required beyond loopback"})
    tls_ca: str = field(default="", metadata={"help": "PEM file with which clients check the servers' certificate"})
    log_level: str = field(default="INFO", metadata={"help": "DEBUG, INFO, WARNING or ERROR"})
    otlp_export_endpoint: str = field(default="", metadata={
        "help": "where to send our own traces and metrics, OTLP over gRPC; empty: nowhere",
        "example": "http://127.0.0.1:4319"})

    def problems(self) -> Iterable[tuple[str, str]]:
        """Fields whose values do not go together, and why."""
        if bool(self.tls_certificate) != bool(self.tls_key):
            missing = "tls_key" if self.tls_certificate else "tls_certificate"
            yield missing, "a certificate and its key come together; set both or neither"
        if self.log_level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            yield "log_level", f"{self.log_level!r} is none of DEBUG, INFO, WARNING, ERROR"
        for name in ("ingestion", "detection", "drafting", "memory", "dashboard", "otlp_grpc", "otlp_http"):
            address = getattr(self, f"{name}_address")
            host, _, port = address.rpartition(":")
            if not host or not port.isdigit() or int(port) > 65535:
                yield f"{name}_address", f"{address!r} is not host:port, such as 127.0.0.1:7401"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from: `default`, the file, or the variable."""

    variable: str
    value: object
    default: object
    source: str
    help: str
    is_secret: bool


def load(cls: type[S], *, section: str, environ: Mapping[str, str], file: Mapping[str, Any] | None = None) -> S:
    """An instance of the dataclass `cls` for `section` ("" for the common settings).

    file: what `read_file` returned. Raises SettingsError with every problem at once: values that do not parse, names
    that do not exist in this section, and what `cls.problems()` finds.
    """
    values, problems = _parse(cls, section, environ, file or {})
    if problems:
        raise SettingsError(problems)
    instance = cls(**{name: value for name, (value, _) in values.items()})
    check = getattr(instance, "problems", None)
    wrong = [f"{_variable(section, name)}: {what}" for name, what in check()] if check else []
    if wrong:
        raise SettingsError(wrong)
    return instance


def origins(cls: type[S], *, section: str, environ: Mapping[str, str],
            file: Mapping[str, Any] | None = None) -> list[Origin]:
    """Each setting of the section with its value and where that came from. Raises SettingsError like `load`."""
    values, problems = _parse(cls, section, environ, file or {})
    if problems:
        raise SettingsError(problems)
    return [Origin(_variable(section, each.name), *_value_and_default(each, values), values[each.name][1]
                   if each.name in values else "default", str(each.metadata.get("help", "")),
                   bool(each.metadata.get("secret")))
            for each in _fields(cls)]


def read_file(environ: Mapping[str, str]) -> dict[str, Any]:
    """What stands in the settings file: the one that AFTERACTION_CONFIG_FILE names, else ./afteraction.toml if there is
    one. Raises SettingsError when it cannot be read or is not TOML."""
    named = environ.get(FILE_VARIABLE)
    path = Path(named) if named else DEFAULT_FILE
    if not named and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{FILE_VARIABLE}: {path} cannot be read: {error}"]) from error


def _parse(cls: type, section: str, environ: Mapping[str, str],
           file: Mapping[str, Any]) -> tuple[dict[str, tuple[object, str]], list[str]]:
    table = file.get(section, {}) if section else {k: v for k, v in file.items() if not isinstance(v, dict)}
    hints = get_type_hints(cls)
    values: dict[str, tuple[object, str]] = {}
    known = {each.name for each in _fields(cls)}
    where = f"[{section}]" if section else "top level"
    problems = [f"{name}: no such setting at {where} of the settings file; there are: {', '.join(sorted(known))}"
                for name in table if name not in known]
    for each in _fields(cls):
        variable = _variable(section, each.name)
        for raw, source in ((environ.get(variable), variable), (table.get(each.name), "file")):
            if raw is None:
                continue
            try:
                values[each.name] = (parse(raw, hints[each.name]), source)
            except ValueError as error:
                example = each.metadata.get("example")
                problems.append(f"{variable}: {error}" + (f"; for example {example}" if example else ""))
            break
    return values, problems


def parse(raw: object, kind: Any) -> object:
    """`raw`, a string of the environment or a value of the file, as `kind`. Raises ValueError with what is wrong."""
    if get_origin(kind) in (Union, UnionType):
        inner = next(each for each in get_args(kind) if each is not type(None))
        return None if raw in ("", None) else parse(raw, inner)
    if get_origin(kind) is tuple:
        items = raw if isinstance(raw, list) else [part.strip() for part in str(raw).split(",") if part.strip()]
        return tuple(parse(item, get_args(kind)[0]) for item in items)
    if get_origin(kind) in (dict, Mapping) or kind in (dict, Mapping):
        return _table(raw, kind)
    if kind is bool:
        truth = _TRUTH.get(str(raw).lower())
        if truth is None:
            raise ValueError(f"{raw!r} is neither true nor false")
        return truth
    if kind is timedelta:
        return parse_duration(str(raw))
    if kind in (int, float):
        try:
            return kind(str(raw))
        except ValueError:
            raise ValueError(f"{raw!r} is not a number") from None
    return Path(str(raw)) if kind is Path else str(raw)


def parse_duration(text: str) -> timedelta:
    """`90s`, `5m`, `7d` as a length of time. Raises ValueError on anything else."""
    match = _DURATION.match(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a duration such as 90s, 5m, 2h or 7d")
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]])


def _table(raw: object, kind: Any) -> dict[str, object]:
    """A table of the file, or `key=value,key=value` of the environment."""
    inner = get_args(kind)[1] if get_args(kind) else str
    if isinstance(raw, dict):
        return {str(key): parse(value, inner) for key, value in raw.items()}
    pairs = [part.partition("=") for part in str(raw).split(",") if part.strip()]
    for key, equals, _ in pairs:
        if not equals:
            raise ValueError(f"{key!r} is not key=value")
    return {key.strip(): parse(value.strip(), inner) for key, _, value in pairs}


def _fields(cls: type) -> tuple[Field[Any], ...]:
    return fields(cls)


def _value_and_default(each: Field[Any], values: Mapping[str, tuple[object, str]]) -> tuple[object, object]:
    default = each.default if each.default is not MISSING else (
        each.default_factory() if each.default_factory is not MISSING else None)
    return (values[each.name][0] if each.name in values else default), default


def _variable(section: str, name: str) -> str:
    return "_".join(part for part in (PREFIX, section.upper(), name.upper()) if part)
