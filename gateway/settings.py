"""What a gateway is told at its start: a TOML file, and environment variables over it.

Every member of a section can be set as `CONDOCHARGE_<SECTION>_<MEMBER>`, `directory` as
`CONDOCHARGE_DIRECTORY`. What can be changed while the gateway runs (units, groups, tariffs, accounts) is not
here: it is on the ledger or in the database. An error names the member and the place it came from.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from chaincode.fields import CODE
from chaincode.signing.intent import MAX_AMOUNT
from gateway.store import engine

PREFIX = "CONDOCHARGE_"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}

Port = Annotated[int, Field(ge=0, le=65535)]
"""0 lets the system choose one."""


def _check_origin(url: str) -> str:
    """The address of a site, without a slash at its end; empty where none is given. Raises ValueError."""
    if not url:
        return url
    parts = urlsplit(url)
    beyond = parts.path not in ("", "/") or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not parts.hostname or beyond:
        raise ValueError("is an address such as https://charging.example, without a path")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError(
            "begins with https:// unless it is this computer's own: passwords or keys depend on it"
        )
    return url.rstrip("/")


_Origin = Annotated[str, AfterValidator(_check_origin)]


class SettingsError(Exception):
    """A setting that cannot be used; the sentence names it and says what it must be."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CondominiumSettings(_Section):
    """Whose gateway this is. All but `code` are put on the ledger once, at the first start."""

    code: str
    """Names the namespace on the ledger; never changes."""
    name: Annotated[str, Field(max_length=100)] = ""
    """For people; the code where it is empty."""
    currency: Annotated[str, Field(pattern="^[A-Z]{3,8}$")] = "EVT"
    """The token's symbol."""
    decimals: Annotated[int, Field(ge=0, le=6)] = 2
    """How many decimals of the token are counted."""
    grace: Annotated[int, Field(ge=3_600, le=7 * 86_400)] = 86_400
    """Seconds after a session's deadline from which its wallet may reclaim the escrow."""
    time_zone: Annotated[str, Field(max_length=64)] = "UTC"
    """The IANA time zone in which tariffs' bands are meant."""

    @field_validator("code")
    @classmethod
    def _check_code(cls, code: str) -> str:
        if CODE.fullmatch(code) is None:
            raise ValueError("has 3 to 16 lower-case letters and digits and begins with a letter")
        return code

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("is an IANA time zone such as Europe/Lisbon") from None
        return name


class HttpSettings(_Section):
    """Where REST is served."""

    host: str = "127.0.0.1"
    port: Port = 8080
    public_url: _Origin = ""
    """The address that browsers and wallets use, where a proxy ends HTTPS; else made from host and port."""
    certificate: Path | None = None
    key: Path | None = None
    """PEM files, for HTTPS without a proxy."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses whose X-Forwarded-For is believed."""

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("has certificate and key together, or neither")
        return self


class GrpcSettings(_Section):
    """Where gRPC is served."""

    host: str = "127.0.0.1"
    port: Port = 8081
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("has certificate and key together, or neither")
        return self


class PagesSettings(_Section):
    """The browser's pages: the console at `http.port`, the wallet at a port, so an origin, of its own."""

    folder: Path | None = None
    """The folder that holds `wallet/`, `console/`, `shared/` and `vendor/`; no pages where there is none."""
    wallet_port: Port = 8082
    wallet_url: _Origin = ""
    """The address that residents' browsers use, where a proxy ends HTTPS; it is printed at the sockets."""


class DatabaseSettings(_Section):
    """Where the gateway keeps what is not on the ledger."""

    url: str = ""
    """`sqlite:///FILE` or `postgresql://USER@HOST/NAME`; a file in `directory` where it is empty."""

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if url:
            engine.parse(url)
        return url


class LedgerSettings(_Section):
    """Where the rules are agreed on."""

    kind: Literal["embedded", "fabric"] = "embedded"
    channel: Annotated[str, Field(pattern="^[a-z][a-z0-9.-]{0,63}$")] = "condocharge"
    """The embedded ledger's name, for which intents and readings are signed; Fabric's channel has its own."""
    folder: Path | None = None
    """For Fabric: the condominium's folder, as `condocharge network` made it."""
    token: str | None = None
    """For Fabric: the label of the PKCS #11 token that holds the keys `gateway` and `admin`."""
    token_library: Path | None = None
    """The PKCS #11 library of the token's maker."""
    token_pin: Annotated[str, Field(repr=False)] = ""

    @model_validator(mode="after")
    def _check_folder(self) -> Self:
        if (self.kind == "fabric") != (self.folder is not None):
            raise ValueError("has a folder if and only if kind is fabric")
        return self

    @model_validator(mode="after")
    def _check_token(self) -> Self:
        if (self.token is None) != (self.token_library is None):
            raise ValueError("has token and token_library together")
        if self.token is not None and self.kind != "fabric":
            raise ValueError("has a token only where kind is fabric: the embedded ledger's keys are in files")
        return self


class UnitSettings(_Section):
    """What units are told that have no setting of their own."""

    server: Annotated[str, Field(max_length=39, pattern="^[!-~]*$")] = ""
    """The host name or address at which units reach this gateway; http.host where it is empty."""
    port: Port = 0
    """0 for http.port."""
    time_server: Annotated[str, Field(min_length=1, max_length=39, pattern="^[!-~]*$")] = "pool.ntp.org"
    transmission: Annotated[int, Field(ge=5, le=3_600)] = 60
    """Seconds between batches; divides 60, or is whole minutes that divide an hour."""
    sampling: Annotated[int, Field(ge=1, le=60)] = 10
    """Seconds between samples; divides `transmission`."""
    firmware_key: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""
    """The public half of the key that signs the units' firmware; no images where it is empty."""
    switch_networks: tuple[str, ...] = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    """Private networks on which network switches may be: the gateway sends requests nowhere else."""

    @field_validator("switch_networks")
    @classmethod
    def _check_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            try:
                private = IPv4Network(network).is_private
            except ValueError:
                raise ValueError(f"has IPv4 networks such as 192.168.7.0/24, unlike {network}") from None
            if not private:
                raise ValueError(f"has private networks alone, unlike {network}")
        return networks

    @model_validator(mode="after")
    def _check_periods(self) -> Self:
        minutes = self.transmission % 60 == 0 and 3_600 % self.transmission == 0
        if 60 % self.transmission and not minutes:
            raise ValueError(
                "has a transmission that divides 60, or is whole minutes that divide an hour, "
                "so that batches end where tariff bands do"
            )
        if self.transmission % self.sampling:
            raise ValueError("has a sampling that divides transmission")
        return self


class ChargingSettings(_Section):
    """What keeps sessions without a vehicle from holding sockets."""

    least_escrow: Annotated[int, Field(ge=0, le=MAX_AMOUNT)] = 0
    """Minor units that a session has to lock."""
    idle_per_wallet: Annotated[int, Field(ge=1, le=1_000)] = 2
    """Sessions of one wallet at a time that wait, or at which no vehicle has charged."""
    waiting_per_unit: Annotated[int, Field(ge=1, le=1_000)] = 8
    """Sessions that wait at one unit at a time."""
    no_vehicle_minutes: Annotated[int, Field(ge=3, le=240)] = 15
    """After which a session ends whose unit gives power and finds no vehicle."""


class AccessSettings(_Section):
    """How long a login lasts."""

    session_hours: Annotated[int, Field(ge=1, le=30 * 24)] = 12
    """From login."""
    idle_minutes: Annotated[int, Field(ge=5, le=30 * 24 * 60)] = 60
    """From the last request."""
    invitation_hours: Annotated[int, Field(ge=1, le=30 * 24)] = 72


class NotificationSettings(_Section):
    """Messages to browsers that are closed."""

    contact: Annotated[str, Field(pattern=r"^(mailto:[^@\s]+@[^@\s]+|https://\S+)$")] = (
        "mailto:operator@condocharge.invalid"
    )
    """Where the operators of browsers' push services reach whoever runs this gateway."""
    push_origins: tuple[str, ...] = ()
    """Push services of the condominium's own network, such as http://push.lan:8090; all others are public."""


class Settings(_Section):
    """All settings."""

    directory: Path
    """Where keys, the embedded ledger and the SQLite database are kept."""
    condominium: CondominiumSettings
    http: HttpSettings = HttpSettings()
    grpc: GrpcSettings = GrpcSettings()
    database: DatabaseSettings = DatabaseSettings()
    ledger: LedgerSettings = LedgerSettings()
    units: UnitSettings = UnitSettings()
    charging: ChargingSettings = ChargingSettings()
    access: AccessSettings = AccessSettings()
    notification: NotificationSettings = NotificationSettings()
    pages: PagesSettings = PagesSettings()

    @property
    def wallet_url(self) -> str | None:
        """The address of the wallet; None where no pages are served."""
        if self.pages.folder is None:
            return None
        return self.pages.wallet_url or self._address(self.pages.wallet_port)

    @property
    def database_url(self) -> str:
        """The database's URL, whether it was given or not."""
        return self.database.url or f"sqlite:///{self.directory / 'gateway.sqlite'}"

    @property
    def origin(self) -> str:
        """The origin that browsers see (RFC 6454)."""
        if self.http.public_url:
            return self.http.public_url
        return self._address(self.http.port)

    def _address(self, port: int) -> str:
        scheme = "http" if self.http.certificate is None else "https"
        host = f"[{self.http.host}]" if ":" in self.http.host else self.http.host
        return f"{scheme}://{host}:{port}"


def load(file: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read `file` (none: the environment alone). Relative paths are meant from the file's directory, else
    from the working directory. Raises `SettingsError`."""
    values: dict[str, Any] = _read(file) if file is not None else {}
    origins = _overlay(values, environment)
    base = file.parent if file is not None else Path()
    values.setdefault("directory", ".")
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_sentence(error, file, origins)) from None
    return _anchored(settings, base.absolute())


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not TOML: {error}") from None


def _overlay(values: dict[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Put the environment's values over the file's; returns which variable set which member."""
    origins: dict[str, str] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX):
            continue
        section, _, member = variable.removeprefix(PREFIX).lower().partition("_")
        field = Settings.model_fields.get(section)
        if field is None:
            continue
        if section == "directory":
            if not member:
                values[section] = text
                origins[section] = variable
            continue
        kind = field.annotation
        assert isinstance(kind, type) and issubclass(kind, BaseModel)
        if member not in kind.model_fields:
            known = ", ".join(sorted(kind.model_fields))
            raise SettingsError(f"{variable}: there is no setting {section}.{member}; {section} has {known}")
        inner = values.setdefault(section, {})
        if isinstance(inner, dict):
            several = str(kind.model_fields[member].annotation).startswith("tuple")
            inner[member] = [part for part in re.split(r"[,\s]+", text) if part] if several else text
            origins[f"{section}.{member}"] = variable
    return origins


def _sentence(error: ValidationError, file: Path | None, origins: Mapping[str, str]) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][:2])
    source = origins.get(name) or (str(file) if file is not None else "the environment")
    if first["type"] == "missing":
        variable = PREFIX + name.replace(".", "_").upper()
        if name == "condominium":
            name, variable = "condominium.code", f"{PREFIX}CONDOMINIUM_CODE"
        return f"{name}: is required; set it in the settings file or as {variable}"
    if first["type"] == "extra_forbidden":
        return f"{source}: there is no setting {name}"
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{source}: {name}: {message[0].lower()}{message[1:]}"


def _anchored(settings: Settings, base: Path) -> Settings:
    def anchor(path: Path | None) -> Path | None:
        return None if path is None else base / path

    def pair(section: HttpSettings | GrpcSettings) -> dict[str, Path | None]:
        return {"certificate": anchor(section.certificate), "key": anchor(section.key)}

    return settings.model_copy(
        update={
            "directory": base / settings.directory,
            "http": settings.http.model_copy(update=pair(settings.http)),
            "grpc": settings.grpc.model_copy(update=pair(settings.grpc)),
            "ledger": settings.ledger.model_copy(
                update={
                    "folder": anchor(settings.ledger.folder),
                    "token_library": anchor(settings.ledger.token_library),
                }
            ),
            "pages": settings.pages.model_copy(update={"folder": anchor(settings.pages.folder)}),
        }
    )
