"""A chaincode for tests: keys and values, with every ledger feature reachable from outside.

Arguments are UTF-8; results are JSON. It stands in for real rules where a test is about the ledger.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence

from chaincode.errors import InvalidArgument, NotFound, StateConflict
from chaincode.stub import Stub, composite_key


async def dispatch(stub: Stub, function: str, arguments: Sequence[bytes]) -> bytes:
    """Run `function` with `arguments`."""
    if function not in _FUNCTIONS:
        raise InvalidArgument("function", f"{function} is not one of {', '.join(sorted(_FUNCTIONS))}")
    answer = await _FUNCTIONS[function](stub, *(argument.decode() for argument in arguments))
    return json.dumps(answer, sort_keys=True).encode()


async def _put(stub: Stub, *pairs: str) -> object:
    """Write each key with the value that follows it."""
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        await stub.put(_key(key), value.encode())
    return len(pairs) // 2


async def _get(stub: Stub, key: str) -> object:
    return _text(await stub.get(_key(key)))


async def _get_many(stub: Stub, *keys: str) -> object:
    return [_text(value) for value in await stub.get_many([_key(key) for key in keys])]


async def _delete(stub: Stub, key: str) -> object:
    await stub.delete(_key(key))
    return None


async def _add(stub: Stub, key: str, amount: str) -> object:
    """Read, add, write: conflicts with another addition to the same key."""
    total = int(_text(await stub.get(_key(key))) or "0") + int(amount)
    await stub.put(_key(key), str(total).encode())
    return total


async def _add_and_announce(stub: Stub, key: str, amount: str) -> object:
    """As `add`, with an event that says the sum."""
    total = await _add(stub, key, amount)
    stub.set_event("added", f"{key}={total}".encode())
    return total


async def _read_own_write(stub: Stub, key: str, value: str) -> object:
    await stub.put(_key(key), value.encode())
    return _text(await stub.get(_key(key)))


async def _count_and_put(stub: Stub, kind: str, key: str) -> object:
    """Count a range, then write how many there were: a phantom conflicts."""
    count = len([entry async for entry in stub.range(composite_key(kind))])
    await stub.put(_key(key), str(count).encode())
    return count


async def _list(stub: Stub, kind: str) -> object:
    return [[entry.key, _text(entry.value)] async for entry in stub.range(composite_key(kind))]


async def _first(stub: Stub, kind: str, *target: str) -> object:
    """The first of a range, leaving the rest unread; written down at `target`, where one is given."""
    async for entry in stub.range(composite_key(kind)):
        for key in target:
            await stub.put(_key(key), entry.value)
        return _text(entry.value)
    return None


async def _page(stub: Stub, kind: str, size: str, bookmark: str) -> object:
    page = await stub.page(composite_key(kind), int(size), bookmark)
    return [[_text(entry.value) for entry in page.entries], page.bookmark]


async def _page_then_put(stub: Stub, kind: str) -> object:
    await stub.page(composite_key(kind), 1)
    await stub.put(_key(kind), b"x")
    return None


async def _put_then_page(stub: Stub, kind: str) -> object:
    await stub.put(_key(kind), b"x")
    await stub.page(composite_key(kind), 1)
    return None


async def _history(stub: Stub, key: str) -> object:
    return [
        [change.transaction_id, change.timestamp, _text(change.value)]
        async for change in stub.history(_key(key))
    ]


async def _announce(stub: Stub, name: str, payload: str, *again: str) -> object:
    stub.set_event(name, payload.encode())
    for other in again:
        stub.set_event(other, b"")
    await stub.put(_key(f"event {name}"), payload.encode())
    return None


async def _call(stub: Stub, namespace: str, function: str, *arguments: str) -> object:
    """Call another namespace and pass its answer on."""
    answer = await stub.invoke(namespace, function, [argument.encode() for argument in arguments])
    return json.loads(answer)


async def _call_and_put(stub: Stub, namespace: str, key: str, value: str) -> object:
    """Write the same key here and in another namespace, in one transaction."""
    await stub.put(_key(key), value.encode())
    return await _call(stub, namespace, "put", key, value)


async def _relay(stub: Stub, namespace: str, function: str, *arguments: str) -> object:
    """Read, write and announce a mark here, and call `function` there."""
    await stub.get("mark")
    await stub.put("mark", b"relayed")
    stub.set_event("relayed", namespace.encode())
    return await _call(stub, namespace, function, *arguments)


async def _try_call(stub: Stub, namespace: str, key: str) -> object:
    """Call what writes and then rejects, go on, and write here."""
    try:
        await stub.invoke(namespace, "put_and_reject", [key.encode()])
    except StateConflict as error:
        await stub.put(_key(key), b"here")
        return str(error)
    return None


async def _put_and_reject(stub: Stub, key: str) -> object:
    await stub.put(_key(key), b"there")
    stub.set_event("never", b"")
    raise StateConflict("key", "it is never allowed")


async def _require(stub: Stub, key: str) -> object:
    if await stub.get(_key(key)) is None:
        raise NotFound("key", f"{key} does not exist")
    return True


async def _linger(stub: Stub, key: str, seconds: str) -> object:
    """Take a while over writing, so that something can happen in the middle."""
    before = await stub.get(_key(key))
    await asyncio.sleep(float(seconds))
    await stub.put(_key(key), b"done" if before is None else b"again")
    return True


async def _break(stub: Stub, secret: str) -> object:
    await stub.put(_key(secret), b"never")
    raise RuntimeError(f"broken by {secret}")


async def _context(stub: Stub) -> object:
    return {
        "channel": stub.channel,
        "transaction_id": stub.transaction_id,
        "timestamp": stub.timestamp,
        "msp_id": stub.creator.msp_id,
        "certificate": stub.creator.certificate.decode(),
        "called": stub.called,
    }


def _key(text: str) -> str:
    """`kind/name` is a composite key, anything else is the key itself."""
    kind, slash, name = text.partition("/")
    return composite_key(kind, name) if slash else text


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


_FUNCTIONS: dict[str, Callable[..., Awaitable[object]]] = {
    "put": _put,
    "get": _get,
    "get_many": _get_many,
    "delete": _delete,
    "add": _add,
    "add_and_announce": _add_and_announce,
    "read_own_write": _read_own_write,
    "count_and_put": _count_and_put,
    "list": _list,
    "first": _first,
    "page": _page,
    "page_then_put": _page_then_put,
    "put_then_page": _put_then_page,
    "history": _history,
    "announce": _announce,
    "call": _call,
    "call_and_put": _call_and_put,
    "relay": _relay,
    "try_call": _try_call,
    "put_and_reject": _put_and_reject,
    "require": _require,
    "linger": _linger,
    "break": _break,
    "context": _context,
}
