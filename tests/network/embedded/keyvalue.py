"""A chaincode small enough to show one thing at a time, for tests of the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence

from chaincode.errors import InvalidArgument, NotFound, StateConflict
from chaincode.stub import Stub, composite_key


def key(name: str) -> str:
    """Where `name` is kept."""
    return composite_key("kv", *name.split("/"))


async def dispatch(stub: Stub, function: str, arguments: Sequence[bytes]) -> bytes:
    """Run one of the functions below on text arguments."""
    names = [argument.decode() for argument in arguments]
    entry = globals().get(f"_{function}")
    if entry is None:
        raise InvalidArgument("function", "is one of this chaincode's")
    answer: bytes = await entry(stub, *names)
    return answer


async def _put(stub: Stub, name: str, value: str) -> bytes:
    """Write without reading."""
    await stub.put(key(name), value.encode())
    return b"put"


async def _get(stub: Stub, name: str) -> bytes:
    value = await stub.get(key(name))
    if value is None:
        raise NotFound("name", "is the name of a value")
    return value


async def _get_many(stub: Stub, *names: str) -> bytes:
    values = await stub.get_many([key(name) for name in names])
    return json.dumps([None if value is None else value.decode() for value in values]).encode()


async def _delete(stub: Stub, name: str) -> bytes:
    await stub.delete(key(name))
    return b"deleted"


async def _add(stub: Stub, name: str, amount: str) -> bytes:
    """Read, add, write; the event says the new value."""
    before = int(await stub.get(key(name)) or b"0")
    if before + int(amount) < 0:
        raise StateConflict("amount", "leaves no less than nothing")
    after = str(before + int(amount)).encode()
    await stub.put(key(name), after)
    stub.set_event("added", name.encode() + b"=" + after)
    return after


async def _own_write(stub: Stub, name: str, value: str) -> bytes:
    """Write, then say what is read."""
    await stub.put(key(name), value.encode())
    return await stub.get(key(name)) or b"nothing"


async def _count(stub: Stub, prefix: str, target: str) -> bytes:
    """Write down how many entries begin with `prefix`."""
    names = [entry.key async for entry in stub.range(key(prefix))]
    await stub.put(key(target), str(len(names)).encode())
    return str(len(names)).encode()


async def _first(stub: Stub, prefix: str, target: str) -> bytes:
    """Write down the first entry that begins with `prefix`, reading no further."""
    async for entry in stub.range(key(prefix)):
        await stub.put(key(target), entry.value)
        return entry.value
    return b""


async def _list(stub: Stub, prefix: str) -> bytes:
    return b",".join([entry.value async for entry in stub.range(key(prefix))])


async def _page(stub: Stub, prefix: str, size: str, bookmark: str) -> bytes:
    page = await stub.page(key(prefix), int(size), bookmark)
    return json.dumps([[e.value.decode() for e in page.entries], page.bookmark]).encode()


async def _page_then_put(stub: Stub, name: str) -> bytes:
    await stub.page(key(name), 1)
    return await _put(stub, name, "x")


async def _put_then_page(stub: Stub, name: str) -> bytes:
    await _put(stub, name, "x")
    await stub.page(key(name), 1)
    return b""


async def _history(stub: Stub, name: str) -> bytes:
    changes = [
        [change.transaction_id, change.timestamp, None if change.value is None else change.value.decode()]
        async for change in stub.history(key(name))
    ]
    return json.dumps(changes).encode()


async def _write_and_refuse(stub: Stub, name: str) -> bytes:
    await stub.put(key(name), b"never")
    stub.set_event("never", b"")
    raise StateConflict("name", "is refused")


async def _write_and_fail(stub: Stub, name: str) -> bytes:
    await stub.put(key(name), b"never")
    raise ZeroDivisionError("a mistake in the chaincode")


async def _two_events(stub: Stub) -> bytes:
    stub.set_event("one", b"1")
    stub.set_event("two", b"2")
    return b""


async def _relay(stub: Stub, namespace: str, function: str, *arguments: str) -> bytes:
    """Read and write a mark here, and call `function` there."""
    await stub.get(key("mark"))
    await stub.put(key("mark"), b"relayed")
    stub.set_event("relayed", namespace.encode())
    return await stub.invoke(namespace, function, [argument.encode() for argument in arguments])


async def _relay_in_spite(stub: Stub, namespace: str, function: str, *arguments: str) -> bytes:
    """Call `function` there, and go on though it is refused."""
    try:
        return await _relay(stub, namespace, function, *arguments)
    except StateConflict as error:
        return error.rule.encode()


async def _say(stub: Stub) -> bytes:
    """What the stub tells about the transaction."""
    return json.dumps(
        [stub.channel, stub.called, stub.creator.msp_id, stub.timestamp, stub.transaction_id]
    ).encode()
