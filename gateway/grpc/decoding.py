"""Bytes that are no message of the call's type are the caller's fault, and are answered so.

gRPC's Python server answers INTERNAL or UNKNOWN where a message cannot be decoded, and writes a traceback
into the log: anybody could fill it. Here it is INVALID_ARGUMENT, and nothing in the log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError

from chaincode.errors import InvalidArgument
from gateway.grpc.status import abort

_PACKAGE = "/condocharge.v1."
if TYPE_CHECKING:
    # Generic in the stubs alone.
    _Handler = grpc.RpcMethodHandler[Any, Any]
    _Interceptor = grpc.aio.ServerInterceptor[Any, Any]
else:
    _Handler, _Interceptor = grpc.RpcMethodHandler, grpc.aio.ServerInterceptor


class _Undecodable:
    """Stands for a message that could not be decoded."""


_UNDECODABLE = _Undecodable()
_ERROR = InvalidArgument("message", "is of the type that the call takes")


class Decoding(_Interceptor):
    """Puts a tolerant decoder before each call of this package."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler:
        """The call's handler, with its decoder wrapped."""
        handler = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(_PACKAGE):
            return handler
        return _wrapped(handler)


def _wrapped(handler: _Handler) -> _Handler:
    decode, encode = handler.request_deserializer, handler.response_serializer
    if decode is None:
        return handler

    def tolerant(octets: bytes) -> Any:
        try:
            return decode(octets)
        except DecodeError:
            return _UNDECODABLE

    if handler.request_streaming and handler.response_streaming:
        return grpc.stream_stream_rpc_method_handler(_streams(handler.stream_stream), tolerant, encode)
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(_stream(handler.unary_stream), tolerant, encode)
    return grpc.unary_unary_rpc_method_handler(_single(handler.unary_unary), tolerant, encode)


def _single(behaviour: Any) -> Any:
    async def call(request: Any, context: Any) -> Any:
        if request is _UNDECODABLE:
            await abort(context, _ERROR)
        return await behaviour(request, context)

    return call


def _stream(behaviour: Any) -> Any:
    async def call(request: Any, context: Any) -> AsyncIterator[Any]:
        if request is _UNDECODABLE:
            await abort(context, _ERROR)
        async for answer in behaviour(request, context):
            yield answer

    return call


def _streams(behaviour: Any) -> Any:
    async def decoded(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for request in requests:
            if request is _UNDECODABLE:
                raise _ERROR
            yield request

    async def call(requests: AsyncIterator[Any], context: Any) -> None:
        await behaviour(decoded(requests), context)

    return call
