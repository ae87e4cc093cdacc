"""REST for what operators configure: groups, units, tariffs, the condominium."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import Field, StringConstraints

from chaincode.condominium import MAX_GRACE, MIN_GRACE, Condominium
from chaincode.signing.intent import MAX_UNIT
from chaincode.tariff import MAX_PRICE, MINUTES_OF_WEEK, Tariff
from chaincode.unit import Unit
from gateway.access.authentication import note
from gateway.clock import Clock
from gateway.configuration import condominium
from gateway.configuration.group import Group
from gateway.configuration.service import Configuration, Enrolled, Enrolment
from gateway.configuration.tariff import Prices, Tariffs
from gateway.configuration.unit import UNSET, Relay, UnitSettings
from gateway.membership import Membership
from gateway.rest import body
from gateway.rest.caller import Caller, allow
from gateway.rest.problem import ProblemError
from gateway.settings import UnitSettings as Defaults
from gateway.switch.address import MAX_LENGTH

UnitNumber = Annotated[int, Path(ge=0, le=MAX_UNIT)]
Code = Annotated[
    str,
    StringConstraints(pattern="^[a-z0-9][a-z0-9-]{0,31}$"),
    Field(description="Lower-case letters, digits and hyphens; at most 32."),
]
Load = Annotated[int, Field(ge=1, le=10_000_000, description="W, all phases together, at nominal voltage.")]
Phases = Annotated[int, Field(ge=1, le=3)]
Current = Annotated[int, Field(ge=0, le=65_500, description="mA in each phase, in steps of 100.")]
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
Address = Annotated[
    str,
    StringConstraints(pattern=rf"^{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}$"),
    Field(description="Dotted IPv4."),
]
Host = Annotated[str, StringConstraints(max_length=39, pattern=r"^[A-Za-z0-9.:-]*$")]
Switch = Annotated[
    str,
    StringConstraints(max_length=MAX_LENGTH),
    Field(description="With relay network: shelly:// or tasmota:// and an address, :port, /channel."),
]
Hexadecimal = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}){1,200}$")]
Price = Annotated[int, Field(ge=0, le=MAX_PRICE)]

_READERS = (Caller.ADMIN, Caller.OPERATOR, Caller.AUDITOR)
_OPERATORS = (Caller.ADMIN, Caller.OPERATOR)


class GroupBody(body.Request):
    """Units behind one supply limit."""

    code: Code
    name: body.Line
    maximum_load: Load
    phases: Annotated[Literal[1, 3], Field()] = 3


class GroupChange(body.Request):
    """Members to change; those that are absent stay."""

    name: body.Line | None = None
    maximum_load: Load | None = None
    phases: Literal[1, 3] | None = None


class GroupList(body.Answer):
    """Every group, by code."""

    groups: list[GroupBody]


class SettingsBody(body.Request):
    """A unit's settings."""

    name: body.Line
    location: body.Note = ""
    group: Code
    relay: Annotated[Relay, Field(strict=False)] = Relay.SWITCH
    switch: Switch = ""
    transmission: Annotated[int, Field(ge=5, le=3_600, description="Seconds between batches.")] | None = None
    sampling: Annotated[int, Field(ge=1, le=60, description="Seconds between samples.")] | None = None
    maximum: Current | None = Field(None, description="mA; the nominal current where it is absent.")
    fallback: Current = 0
    dhcp: bool = True
    address: Address = UNSET
    mask: Address = UNSET
    router: Address = UNSET
    resolver: Address = UNSET
    server: Host = ""
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    time_server: Host = ""


class SettingsChange(body.Request):
    """Members to change; those that are absent stay."""

    name: body.Line | None = None
    location: body.Note | None = None
    group: Code | None = None
    relay: Annotated[Relay | None, Field(strict=False)] = None
    switch: Switch | None = None
    transmission: Annotated[int, Field(ge=5, le=3_600)] | None = None
    sampling: Annotated[int, Field(ge=1, le=60)] | None = None
    maximum: Current | None = None
    fallback: Current | None = None
    dhcp: bool | None = None
    address: Address | None = None
    mask: Address | None = None
    router: Address | None = None
    resolver: Address | None = None
    server: Host | None = None
    port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    time_server: Host | None = None


class SettingsAnswer(body.Answer):
    """A unit's settings, complete."""

    unit: int
    name: str
    location: str
    group: str
    relay: Relay
    switch: str
    transmission: int
    sampling: int
    maximum: int
    fallback: int
    dhcp: bool
    address: str
    mask: str
    router: str
    resolver: str
    server: str
    port: int
    time_server: str


class SettingsList(body.Answer):
    """Every unit's settings, by number."""

    units: list[SettingsAnswer]


class EnrolmentBody(body.Request):
    """A new unit, or new hardware at a retired unit's number."""

    unit: Annotated[int, Field(ge=0, le=MAX_UNIT)]
    key_class: Literal["ed25519", "mac", "ocmf"] = Field(alias="class")
    key: Hexadecimal | None = Field(
        None, description="The public key; for class mac the shared key, made here where it is absent."
    )
    nominal_current: Annotated[int, Field(ge=100, le=65_500, description="mA in each phase.")]
    nominal_voltage: Annotated[int, Field(ge=1_000, le=5_000, description="0.1 V, phase to neutral.")]
    phases: Phases
    settings: SettingsBody


class KeyBody(body.Request):
    """Another key for a unit."""

    key: Hexadecimal | None = None


class UnitRecord(body.Answer):
    """A unit as the ledger knows it."""

    unit: int
    key_class: str = Field(serialization_alias="class")
    key: str | None
    nominal_current: int
    nominal_voltage: int
    phases: int
    state: str
    enrolled_at: int
    mac_key: str | None = Field(None, description="A key that was just made, told this once.")


class TagSalt(body.Answer):
    """What readers hash tags' ids with."""

    salt: str = Field(description="32 bytes in hexadecimal.")


class BandBody(body.Request):
    """Prices that hold together."""

    name: Annotated[body.Line, Field(max_length=40)]
    energy_price: Price = Field(description="Millionths of a token per kWh.")
    idle_price: Price = Field(0, description="Millionths of a token per minute connected after charging.")


class ChangeBody(body.Request):
    """A minute of the local week at which a band begins."""

    minute: Annotated[int, Field(ge=0, lt=MINUTES_OF_WEEK, description="0 is Monday 00:00.")]
    band: Annotated[int, Field(ge=0, le=15, description="Index into bands.")]


class TariffPrices(body.Request):
    """What a tariff says of prices."""

    start_fee: Price = Field(0, description="Minor units of the token.")
    bands: Annotated[list[BandBody], Field(min_length=1, max_length=16)]
    week: Annotated[tuple[ChangeBody, ...], Field(max_length=168, strict=False)] = ()


class TariffRequest(TariffPrices):
    """A tariff to be published: for ever as it is."""

    number: Annotated[int, Field(ge=1, le=99_999_999)] | None = Field(
        None, description="The next one where it is absent; given, the same request twice is one tariff."
    )
    valid_from: Annotated[int, Field(ge=0, le=2**40)] | None = Field(None, description="Unix seconds.")


class TariffAnswer(body.Answer):
    """The tariff as it stands on the ledger."""

    number: int
    valid_from: int
    start_fee: int
    bands: list[dict[str, Any]]
    week: list[dict[str, Any]]
    offsets: list[dict[str, Any]]


class CondominiumChange(body.Request):
    """Members to change; those that are absent stay."""

    name: body.Line | None = None
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3,8}$")] | None = None
    decimals: Annotated[int, Field(ge=0, le=6)] | None = None
    grace: Annotated[int, Field(ge=MIN_GRACE, le=MAX_GRACE)] | None = None


class CondominiumAnswer(body.Answer):
    """The condominium's record on the ledger."""

    code: str
    name: str
    currency: str
    decimals: int
    grace: int
    signing_key: str
    registered_at: int


def router(
    configuration: Configuration, tariffs: Tariffs, membership: Membership, defaults: Defaults, clock: Clock
) -> APIRouter:
    """The routes of configuration."""
    routes = APIRouter(tags=["configuration"])
    _groups(routes, configuration)
    _settings(routes, configuration)
    _units(routes, configuration, defaults)
    _prices(routes, tariffs, membership, clock)
    return routes


def _groups(routes: APIRouter, configuration: Configuration) -> None:
    @routes.get("/v1/groups", dependencies=[allow(*_READERS)], summary="Groups of units")
    async def list_groups() -> GroupList:
        return GroupList(groups=[_group(each) for each in await configuration.groups()])

    @routes.post("/v1/groups", status_code=201, dependencies=[allow(*_OPERATORS)], summary="Make a group")
    async def create_group(group: GroupBody, request: Request) -> GroupBody:
        note(request, **group.model_dump())
        return _group(await configuration.add_group(Group(**group.model_dump())))

    @routes.patch("/v1/groups/{code}", dependencies=[allow(*_OPERATORS)], summary="Change a group")
    async def change_group(code: Annotated[Code, Path()], change: GroupChange, request: Request) -> GroupBody:
        """A lower limit holds for new grants at once; what units were granted before runs out first."""
        return _group(await configuration.change_group(code, _given(change, request)))

    @routes.delete(
        "/v1/groups/{code}",
        status_code=204,
        dependencies=[allow(*_OPERATORS)],
        summary="Remove an empty group",
    )
    async def remove_group(code: Annotated[Code, Path()]) -> None:
        await configuration.remove_group(code)


def _settings(routes: APIRouter, configuration: Configuration) -> None:
    @routes.get("/v1/unit-settings", dependencies=[allow(*_READERS)], summary="Settings of all units")
    async def list_unit_settings() -> SettingsList:
        return SettingsList(units=[_answer(each) for each in await configuration.units()])

    @routes.get("/v1/units/{unit}/settings", dependencies=[allow(*_READERS)], summary="A unit's settings")
    async def read_unit_settings(unit: UnitNumber) -> SettingsAnswer:
        return _answer(await configuration.unit(unit))

    @routes.patch(
        "/v1/units/{unit}/settings", dependencies=[allow(*_OPERATORS)], summary="Change a unit's settings"
    )
    async def change_unit_settings(
        unit: UnitNumber, change: SettingsChange, request: Request
    ) -> SettingsAnswer:
        """The gateway acts on them at once; the unit asks for them when its memory has been reset."""
        return _answer(await configuration.change_unit(unit, _given(change, request)))


def _units(routes: APIRouter, configuration: Configuration, defaults: Defaults) -> None:
    @routes.post("/v1/units", status_code=201, dependencies=[allow(Caller.ADMIN)], summary="Enrol a unit")
    async def enrol_unit(enrolment: EnrolmentBody, request: Request) -> UnitRecord:
        """For class mac without a key, the answer tells the key that was made, this once."""
        note(request, unit=enrolment.unit, key_class=enrolment.key_class)
        values = enrolment.settings.model_dump()
        values["transmission"] = values["transmission"] or defaults.transmission
        values["sampling"] = values["sampling"] or min(defaults.sampling, values["transmission"])
        values["maximum"] = values["maximum"] or enrolment.nominal_current // 100 * 100
        enrolled = await configuration.enrol(
            Enrolment(**enrolment.model_dump(exclude={"settings"})),
            UnitSettings(unit=enrolment.unit, **values),
        )
        return _record(enrolled)

    @routes.get("/v1/tag-salt", dependencies=[allow(Caller.ADMIN)], summary="The salt of the tags")
    async def read_tag_salt() -> TagSalt:
        """One for the whole condominium; provisioning writes it into each unit. Who knows it can find out
        which tag a hash on the ledger stands for."""
        return TagSalt(salt=configuration.tag_salt().hex())

    @routes.post("/v1/units/{unit}/key", dependencies=[allow(Caller.ADMIN)], summary="Replace a unit's key")
    async def rotate_unit_key(unit: UnitNumber, key: KeyBody) -> UnitRecord:
        """The old key counts for nothing from then on. Refused while a session is on at the unit."""
        return _record(await configuration.rotate_key(unit, key.key))

    @routes.post("/v1/units/{unit}/retirement", dependencies=[allow(Caller.ADMIN)], summary="Retire a unit")
    async def retire_unit(unit: UnitNumber) -> UnitRecord:
        return _record(Enrolled(await configuration.retire(unit), None))


def _prices(routes: APIRouter, tariffs: Tariffs, membership: Membership, clock: Clock) -> None:
    @routes.post(
        "/v1/tariffs", status_code=201, dependencies=[allow(Caller.ADMIN)], summary="Publish a tariff"
    )
    async def publish_tariff(tariff: TariffRequest, request: Request) -> TariffAnswer:
        """Bands are meant in the condominium's local time; the tariff says which UTC offsets that is."""
        members = tariff.model_dump()
        prices = Prices(start_fee=members["start_fee"], bands=members["bands"], week=members["week"])
        published = await tariffs.publish(prices, tariff.valid_from, tariff.number)
        note(request, number=published.number)
        return _tariff(published)

    @routes.patch("/v1/condominium", dependencies=[allow(Caller.ADMIN)], summary="Change the condominium")
    async def change_condominium(change: CondominiumChange, request: Request) -> CondominiumAnswer:
        """Currency and decimals only while no token has been issued."""
        return _condominium(await condominium.amend(membership, _given(change, request), clock))


def _given(change: body.Request, request: Request) -> dict[str, Any]:
    """The members that a change names; null is none of them. The audit log notes them."""
    values = change.model_dump(exclude_unset=True)
    for name, value in values.items():
        if value is None:
            raise ProblemError(422, "invalid-argument", name, "is not null; leave it out to keep it")
    note(request, **values)
    return values


def _group(group: Group) -> GroupBody:
    return GroupBody.model_validate(asdict(group))


def _answer(settings: UnitSettings) -> SettingsAnswer:
    return SettingsAnswer(**asdict(settings))


def _record(enrolled: Enrolled) -> UnitRecord:
    record: Unit = enrolled.record
    return UnitRecord(
        unit=record.number,
        key_class=record.key_class,
        key=record.key,
        nominal_current=record.nominal_current,
        nominal_voltage=record.nominal_voltage,
        phases=record.phases,
        state=record.state,
        enrolled_at=record.enrolled_at,
        mac_key=enrolled.mac_key,
    )


def _tariff(tariff: Tariff) -> TariffAnswer:
    return TariffAnswer(**tariff.members())


def _condominium(record: Condominium) -> CondominiumAnswer:
    return CondominiumAnswer(**record.members())
