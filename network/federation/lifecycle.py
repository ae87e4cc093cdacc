"""A chaincode's way onto the channel: installed, approved by every member, committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fabric_protos.peer import collection_pb2, policy_pb2
from fabric_protos.peer.lifecycle import lifecycle_pb2

from chaincode.errors import ContractError
from network.fabric.gateway import Gateway
from network.federation.administration import ask_peer
from network.federation.description import FederationError
from network.federation.package import Package
from network.ledger import EvaluateError

_LIFECYCLE = "_lifecycle"
_ABSENT = "is not defined"


@dataclass(frozen=True, slots=True)
class Definition:
    """What the members agree on for a namespace: which version of the rules, the how-many-th definition."""

    namespace: str
    version: str
    sequence: int

    def parameters(self) -> dict[str, object]:
        """The fields that approval, readiness and commit share; the policy is the channel's of that name."""
        policy = policy_pb2.ApplicationPolicy(
            channel_config_policy_reference=f"/Channel/Application/{self.namespace}"
        )
        return {
            "name": self.namespace,
            "version": self.version,
            "sequence": self.sequence,
            "endorsement_plugin": "escc",
            "validation_plugin": "vscc",
            "validation_parameter": policy.SerializeToString(),
            "collections": collection_pb2.CollectionConfigPackage(),
            "init_required": False,
        }


async def install(gateway: Gateway, package: Package) -> None:
    """Install `package` on the own peer; nothing happens where it is there already."""
    connection, signer = gateway.connections[0], gateway.signer
    query = lifecycle_pb2.QueryInstalledChaincodesArgs().SerializeToString()
    answer = await ask_peer(connection, signer, _LIFECYCLE, [b"QueryInstalledChaincodes", query])
    result = lifecycle_pb2.QueryInstalledChaincodesResult.FromString(answer)
    if any(entry.package_id == package.id for entry in result.installed_chaincodes):
        return
    request = lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=package.content)
    answer = await ask_peer(
        connection, signer, _LIFECYCLE, [b"InstallChaincode", request.SerializeToString()]
    )
    given = lifecycle_pb2.InstallChaincodeResult.FromString(answer).package_id
    if given != package.id:
        raise FederationError(f"the peer calls {package.label} {given}, but its id is {package.id}")


async def approvals(gateway: Gateway, definition: Definition, *, in_force: bool = False) -> dict[str, bool]:
    """Who has approved `definition` and who has not, by MSP id.

    Fabric keeps two books: of the next definition, and of the one that is `in_force`.
    """
    if in_force:
        query = lifecycle_pb2.QueryChaincodeDefinitionArgs(name=definition.namespace)
        answer = await _query(gateway, b"QueryChaincodeDefinition", query.SerializeToString())
        return dict(lifecycle_pb2.QueryChaincodeDefinitionResult.FromString(answer).approvals)
    request = lifecycle_pb2.CheckCommitReadinessArgs(**definition.parameters())
    answer = await _query(gateway, b"CheckCommitReadiness", request.SerializeToString())
    return dict(lifecycle_pb2.CheckCommitReadinessResult.FromString(answer).approvals)


async def approve(
    gateway: Gateway, definition: Definition, package: Package, *, in_force: bool = False
) -> None:
    """Approve `definition` for the own organisation, to be served by `package`; once is enough.

    A definition that is `in_force` already is approved by who joins later.
    """
    own = gateway.signer.msp_id
    if (await approvals(gateway, definition, in_force=in_force)).get(own):
        return
    source = lifecycle_pb2.ChaincodeSource
    request = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(
        **definition.parameters(), source=source(local_package=source.Local(package_id=package.id))
    )
    arguments = [b"ApproveChaincodeDefinitionForMyOrg", request.SerializeToString()]
    await gateway.submit(_LIFECYCLE, arguments, [own])


async def commit(gateway: Gateway, definition: Definition, organisations: Sequence[str]) -> None:
    """Commit `definition`, which all have approved; `organisations` (MSP ids) endorse that."""
    request = lifecycle_pb2.CommitChaincodeDefinitionArgs(**definition.parameters())
    arguments = [b"CommitChaincodeDefinition", request.SerializeToString()]
    await gateway.submit(_LIFECYCLE, arguments, organisations)


async def committed(gateway: Gateway, namespace: str) -> Definition | None:
    """The definition that is in force for `namespace`, None where there is none."""
    request = lifecycle_pb2.QueryChaincodeDefinitionArgs(name=namespace)
    try:
        answer = await _query(gateway, b"QueryChaincodeDefinition", request.SerializeToString())
    except EvaluateError as error:
        if _ABSENT in str(error):
            return None
        raise
    found = lifecycle_pb2.QueryChaincodeDefinitionResult.FromString(answer)
    return Definition(namespace, found.version, found.sequence)


async def _query(gateway: Gateway, function: bytes, request: bytes) -> bytes:
    """Ask the own peer, whose word an administrator has no need to doubt."""
    try:
        return await gateway.evaluate(_LIFECYCLE, [function, request], [gateway.signer.msp_id])
    except ContractError as error:
        raise FederationError(f"{function.decode()}: {error}") from error
