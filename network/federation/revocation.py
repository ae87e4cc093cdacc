"""Withdrawing a certificate before its end, for a key that was lost or stolen.

The condominium's own administrator is enough: the list is in its own part of the channel's configuration, and
every peer refuses the certificate from the block on in which it stands.
"""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common import configtx_pb2
from fabric_protos.msp import msp_config_pb2

from network.federation import configuration
from network.federation.binaries import Binaries
from network.federation.description import FederationError
from network.federation.folder import Folder
from network.federation.network import administration
from network.federation.readiness import wait_until
from network.identity import read_key, read_pem

_SECONDS = 60.0
_VALIDITY = datetime.timedelta(days=3650)
_SECTIONS = ("Application", "Orderer")


async def revoke(folder: Folder, certificate: Path, binaries: Binaries) -> None:
    """Have the whole network refuse `certificate` (PEM) of this condominium; once is enough.

    Raises FederationError where it is another condominium's, or the orderers refuse.
    """
    withdrawn = x509.load_pem_x509_certificate(read_pem(certificate))
    root = x509.load_pem_x509_certificate(read_pem(folder.path / "ca/root.pem"))
    if withdrawn.issuer != root.subject:
        raise FederationError(
            f"{certificate} was not issued by {folder.code}; its own condominium revokes it"
        )
    channel = folder.federation.channel
    async with administration([folder]) as (gateway,):
        now = await configuration.current(gateway)
        wanted = _with_revoked(now, folder, root, withdrawn.serial_number)
        update = configuration.difference(channel, now, wanted, binaries)
        if update is None:
            return
        signature = configuration.sign(gateway.signer, update)
        await configuration.submit(folder, gateway.signer, channel, update, [signature])

        async def changed() -> bool:
            return int((await configuration.current(gateway)).sequence) > int(now.sequence)

        await wait_until("the channel's configuration has not changed", changed, _SECONDS)


def _with_revoked(
    now: configtx_pb2.Config, folder: Folder, root: x509.Certificate, serial: int
) -> configtx_pb2.Config:
    """The configuration with `serial` on the condominium's list; the same where it is there already."""
    wanted = configtx_pb2.Config()
    wanted.CopyFrom(now)
    revocations: bytes | None = None
    for section in _SECTIONS:
        value = wanted.channel_group.groups[section].groups[folder.member.msp_id].values["MSP"]
        msp = msp_config_pb2.MSPConfig.FromString(value.value)
        settings = msp_config_pb2.FabricMSPConfig.FromString(msp.config)
        listed = _listed(settings)
        if serial in listed:
            continue
        revocations = revocations or _list(folder, root, listed | {serial})
        del settings.revocation_list[:]
        settings.revocation_list.append(revocations)
        msp.config = settings.SerializeToString()
        value.value = msp.SerializeToString()
    return wanted


def _listed(settings: msp_config_pb2.FabricMSPConfig) -> set[int]:
    lists = (x509.load_pem_x509_crl(content) for content in settings.revocation_list)
    return {entry.serial_number for each in lists for entry in each}


def _list(folder: Folder, root: x509.Certificate, serials: set[int]) -> bytes:
    """A list of all revoked certificates, signed by the condominium's root; PEM."""
    now = datetime.datetime.now(datetime.UTC)
    identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.subject)
        .last_update(now)
        .next_update(now + _VALIDITY)
        .add_extension(issuer, critical=False)
    )
    for serial in sorted(serials):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        builder = builder.add_revoked_certificate(entry)
    key = read_key(folder.path / "ca/root.key")
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
