"""The gateway's place on its ledger: which ledger it is, and as whom the gateway acts there.

A condominium by itself is its own certificate authority: at the first start the gateway makes the root and
the identities of the ledger, the gateway and the administrator, and renews the latter three before they
expire. On Hyperledger Fabric the members' authorities issue them, and the profile names them.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from chaincode.condominium import namespace_of
from chaincode.contract import dispatch
from gateway.clock import Clock, SimulatedClock
from gateway.settings import LedgerSettings, Settings, SettingsError
from gateway.transaction.verification import Outcome, Verify
from network.authority import Authority
from network.embedded.errors import LedgerAltered
from network.embedded.ledger import EmbeddedLedger
from network.identity import Identity, NotAPair, read_pem
from network.ledger import Ledger
from network.organisation import Organisation

if TYPE_CHECKING:
    from network.fabric.proposal import Signer
    from network.federation.folder import Folder

_LOG = logging.getLogger(__name__)
_BACKDATED = datetime.timedelta(days=1)
_RENEWED = datetime.timedelta(days=60)
"""Before an identity's end at which a start replaces it."""


@dataclass(frozen=True, slots=True)
class Membership:
    """An open ledger with the identities that this gateway has on it."""

    ledger: Ledger
    """As the gateway: daily transactions."""
    administrator: Ledger
    """As the condominium's administrator: registers and amends the condominium."""
    namespace: str
    """Where this condominium's records are."""
    root: bytes
    """The certificate, PEM, by which everybody else knows this condominium."""
    close: Callable[[], Awaitable[None]]
    members: tuple[str, ...]
    """The codes of the condominiums that keep the ledger, in the order in which they joined."""
    verify: Verify | None
    """Checks all that the ledger holds; None where its peers do that."""
    shared: bool
    """Whether peers keep it that judge a transaction's time by their own clocks."""


async def join(settings: Settings, clock: Clock) -> Membership:
    """Open the ledger that the settings name.

    Raises `network.ledger.LedgerError`, `network.identity.IdentityError` or `SettingsError`, each with a
    sentence that says what to do."""
    if settings.ledger.kind == "embedded":
        return await _embedded(settings, clock)
    return _fabric(settings, clock)


async def _embedded(settings: Settings, clock: Clock) -> Membership:
    code = settings.condominium.code
    now = datetime.datetime.fromtimestamp(clock.now() / 1000, datetime.UTC)
    authority = _authority(settings.directory / "authority", code, now)
    identities = {
        role: _identity(authority, settings.directory / "identities", role, now)
        for role in ("ledger", "gateway", "admin")
    }
    ledger = await EmbeddedLedger.open(
        settings.directory / "ledger.sqlite",
        channel=settings.ledger.channel,
        identity=identities["gateway"],
        signer=identities["ledger"],
        organisations=[Organisation(authority.msp_id, authority.root)],
        dispatch=dispatch,
        now=clock.now,
    )
    return Membership(
        ledger=ledger,
        administrator=ledger.as_identity(identities["admin"]),
        namespace=namespace_of(code),
        root=authority.root,
        close=ledger.close,
        members=(code,),
        verify=_verifying(ledger),
        shared=False,
    )


def _verifying(ledger: EmbeddedLedger) -> Verify:
    async def verify(progress: Callable[[int, int], None]) -> Outcome:
        try:
            found = await ledger.verify(progress)
        except LedgerAltered as error:
            return Outcome(error.block, "", 0, whole=True, altered=f"block {error.block}: {error.what}")
        return Outcome(found.height, found.last_hash.hex(), found.transactions, whole=True)

    return verify


def _fabric(settings: Settings, clock: Clock) -> Membership:
    try:
        # An embedded gateway runs without Fabric's packages.
        from network.fabric import FabricLedger  # noqa: PLC0415
        from network.federation.administration import own_peer  # noqa: PLC0415
        from network.federation.description import FederationError  # noqa: PLC0415
        from network.federation.folder import Folder  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"ledger.kind: fabric needs the Python package {error.name}; install condocharge[fabric]"
        ) from error
    path = settings.ledger.folder
    assert path is not None
    try:
        folder = Folder.open(path)
        channel, peer = folder.federation.channel, own_peer(folder)
        identities = [_signer(settings.ledger, folder, name) for name in ("gateway", "admin")]
        root = read_pem(path / "ca" / "root.pem")
    except FederationError as error:
        raise SettingsError(f"ledger.folder: {error}") from error
    if folder.code != settings.condominium.code:
        raise SettingsError(f"condominium.code: is {folder.code}, whose folder {path} is")
    ledgers = [FabricLedger(identity, channel, [peer], clock=clock.now) for identity in identities]
    if isinstance(clock, SimulatedClock):
        clock.watch(lambda: ledgers[0].pending, ledgers[0].change)

    async def close() -> None:
        for ledger in ledgers:
            await ledger.close()

    members = tuple(member.code for member in folder.federation.members)
    return Membership(
        ledger=ledgers[0],
        administrator=ledgers[1],
        namespace=namespace_of(folder.code),
        root=root,
        close=close,
        members=members,
        verify=None,
        shared=True,
    )


def _signer(settings: LedgerSettings, folder: Folder, name: str) -> Signer:
    """An identity of the condominium's folder; its key is in the token where the settings name one."""
    if settings.token is None or settings.token_library is None:
        return folder.identity(name)
    try:
        from network.hardware import HardwareIdentity  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"ledger.token: needs the Python package {error.name}; install condocharge[pkcs11]"
        ) from error
    return HardwareIdentity.open(
        folder.member.msp_id,
        folder.certificate(name),
        library=settings.token_library,
        token=settings.token,
        key=name,
        pin=settings.token_pin,
    )


def _authority(directory: Path, code: str, now: datetime.datetime) -> Authority:
    if not directory.exists():
        authority = Authority.create(code, now - _BACKDATED)
        authority.save(directory)
        return authority
    authority = Authority.load(directory)
    if authority.code != code:
        raise SettingsError(
            f"condominium.code: is {authority.code}, whose keys are in {directory}; "
            "name another directory for another condominium"
        )
    return authority


def _identity(authority: Authority, directory: Path, role: str, now: datetime.datetime) -> Identity:
    certificate, key = directory / f"{role}.pem", directory / f"{role}.key"
    if certificate.exists():
        try:
            identity = Identity.load(certificate, key)
        except NotAPair:
            _LOG.warning("%s: its renewal was interrupted, it is issued anew", certificate)
        else:
            until = x509.load_pem_x509_certificate(identity.certificate).not_valid_after_utc
            if now < until - _RENEWED:
                return identity
    directory.mkdir(parents=True, exist_ok=True)
    identity = authority.issue(f"{authority.code} {role}", role, now - _BACKDATED)
    identity.save(certificate, key)
    return identity
