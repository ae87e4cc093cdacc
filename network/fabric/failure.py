"""What a failed call to a peer means: who said no, and whether it may be asked again."""

from __future__ import annotations

from typing import Any

import grpc
from fabric_protos.gateway import gateway_pb2
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

from chaincode.errors import ContractError, decode_error

_DETAILS_KEY = "grpc-status-details-bin"
_DISAGREEMENT = "failed to collect enough transaction endorsements"
_PASSING = (
    # One peer has not yet committed the block that another one already answers from.
    _DISAGREEMENT,
    # A peer has not yet heard of the others after its start.
    "no combination of peers can be derived",
    "due to unavailability of peers",
    # The chaincode server is starting again, or its stream broke in the middle.
    "failed to execute transaction",
    # The orderer that was asked is a newcomer's, which the channel lists before it has joined.
    "info=channel does not exist",
)
"""Words of Fabric's peers and gateways for what passes within seconds."""
_HAD_BEFORE = "failed to submit request: request already"
_PATIENCE = 10.0
_TEMPORARY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)


def _status_message() -> Any:
    """`google.rpc.Status`, described here since the fields used of it are three."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="network/fabric/status.proto",
        package="network.fabric",
        syntax="proto3",
        dependency=[any_pb2.DESCRIPTOR.name],
    )
    message = file.message_type.add(name="Status")
    message.field.add(name="code", number=1, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    message.field.add(name="message", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    message.field.add(
        name="details",
        number=3,
        type=field.TYPE_MESSAGE,
        label=field.LABEL_REPEATED,
        type_name=".google.protobuf.Any",
    )
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("network.fabric.Status"))


_Status = _status_message()


def details(error: grpc.aio.AioRpcError) -> list[gateway_pb2.ErrorDetail]:
    """What each endorser said, where the gateway passes it on."""
    metadata: Any = error.trailing_metadata()  # aio.Metadata, which the stubs call a plain tuple
    value = None if metadata is None else metadata.get(_DETAILS_KEY)
    found = []
    for packed in _Status.FromString(value).details if value else ():
        detail = gateway_pb2.ErrorDetail()
        if packed.Unpack(detail):
            found.append(detail)
    return found


def rejection(error: grpc.aio.AioRpcError) -> ContractError | None:
    """The rules' own rejection, where that is why the call failed.

    The peer that was asked first speaks for the rules. Where it agreed and another one then rejected, they
    disagree, and that is no rejection.
    """
    if _DISAGREEMENT in (error.details() or ""):
        return None
    for text in (*(detail.message for detail in details(error)), error.details() or ""):
        decoded = decode_error(text)
        if decoded is not None:
            return decoded
    return None


def sentence(error: grpc.aio.AioRpcError) -> str:
    """One line that says what the gateway and each endorser answered."""
    parts = [f"{error.code().name}: {error.details()}"]
    parts += [f"{detail.msp_id} at {detail.address}: {detail.message}" for detail in details(error)]
    return "; ".join(parts)


def accepted(error: grpc.aio.AioRpcError) -> bool:
    """Whether orderers refused a transaction because they have had it before."""
    return any(_HAD_BEFORE in detail.message for detail in details(error))


def unanswered(error: BaseException | None) -> bool:
    """Whether a call failed since nobody answered it in its time, and not by a refusal."""
    return isinstance(error, grpc.aio.AioRpcError) and error.code() in {
        grpc.StatusCode.DEADLINE_EXCEEDED,
        *_TEMPORARY,
    }


def patience(error: grpc.aio.AioRpcError) -> float:
    """For how many seconds the same request is worth repeating; 0 where the answer will not change."""
    if error.code() in _TEMPORARY:
        return float("inf")
    text = sentence(error)
    return _PATIENCE if any(passing in text for passing in _PASSING) else 0.0
