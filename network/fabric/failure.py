"""What a failed call to a peer means: who said no, and whether it may be asked again."""

from __future__ import annotations

from typing import Any

import grpc
from fabric_protos.gateway import gateway_pb2
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

from chaincode.errors import ContractError, decode_error

_DETAILS_KEY = "grpc-status-details-bin"
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
    """The rules' own rejection, where that is why the call failed."""
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


def temporary(error: grpc.aio.AioRpcError) -> bool:
    """Whether the same request may succeed when sent again."""
    return error.code() in _TEMPORARY
