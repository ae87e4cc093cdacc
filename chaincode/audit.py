"""Audit: what anybody on the channel may read to check a condominium's accounts.

Lists come by page, as on Fabric long ranges do, so these are for evaluated transactions.
"""

from __future__ import annotations

from chaincode.errors import InvalidArgument, NotFound
from chaincode.escrow import Escrow, Income
from chaincode.fields import Fields, encode
from chaincode.session import Session, existing_session, key_of
from chaincode.stub import Stub, composite_key, split_composite_key
from chaincode.token import Balance, Purchase, Redemption

PAGE = 500
SUPPLY: dict[str, tuple[str, type[Balance | Escrow | Income | Purchase | Redemption]]] = {
    "issued": ("purchase", Purchase),
    "balances": ("balance", Balance),
    "escrow": ("escrow", Escrow),
    "income": ("income", Income),
    "redeemed": ("redemption", Redemption),
}
"""The terms of issued = balances + escrow + income + redeemed: kind of key and record of each."""


async def session(stub: Stub, session_id: bytes) -> bytes:
    """`audit.session`: one session's record."""
    identity = Fields({"session": session_id.decode("ascii", "replace")}).hexadecimal("session", 32)
    return existing_session(identity, await stub.get(key_of(identity))).encode()


async def sessions(stub: Stub, request: bytes) -> bytes:
    """`audit.sessions`: sessions by page, as {"sessions", "bookmark"}.

    Request: bookmark (absent for the first page) and unit, or wallet, or neither for the condominium's."""
    fields = Fields.parse(request, "request")
    unit = fields.optional("unit", lambda name: fields.integer(name, 0, 65_535))
    wallet = fields.optional("wallet", lambda name: fields.hexadecimal(name, 32))
    bookmark = fields.bookmark()
    fields.done()
    if unit is not None and wallet is not None:
        raise InvalidArgument("unit", "is absent where wallet is given")
    if unit is None and wallet is None:
        page = await stub.page(composite_key("session"), PAGE, bookmark)
        values: list[bytes | None] = [entry.value for entry in page.entries]
    else:
        prefix = (
            composite_key("session-by-unit", f"{unit:05d}")
            if wallet is None
            else composite_key("session-by-wallet", wallet)
        )
        page = await stub.page(prefix, PAGE, bookmark)
        values = await stub.get_many([key_of(split_composite_key(e.key)[1][-1]) for e in page.entries])
    records = [Session.decode(value).members() for value in values if value is not None]
    return encode({"sessions": records, "bookmark": page.bookmark})


async def history(stub: Stub, *parts: bytes) -> bytes:
    """`audit.history`: every committed value of a key, newest first. Parts: the key's kind and attributes."""
    try:
        key = composite_key(*(part.decode() for part in parts))
    except (UnicodeDecodeError, ValueError, TypeError):
        raise InvalidArgument("key", "is a kind and its attributes, in UTF-8") from None
    modifications = [
        {
            "transaction": each.transaction_id,
            "timestamp": each.timestamp,
            "value": None if each.value is None else each.value.decode(),
        }
        async for each in stub.history(key)
    ]
    if not modifications:
        raise NotFound("key", "was written at some time")
    return encode({"history": modifications})


async def supply(stub: Stub, request: bytes) -> bytes:
    """`audit.supply`: one term of issued = balances + escrow + income + redeemed, by page, as
    {"sum", "rows", "bookmark"}. Request: term, bookmark (absent for the first page)."""
    fields = Fields.parse(request, "request")
    term = fields.choice("term", *SUPPLY)
    bookmark = fields.bookmark()
    fields.done()
    kind, record = SUPPLY[term]
    page = await stub.page(composite_key(kind), PAGE, bookmark)
    amounts = [record.decode(entry.value).amount for entry in page.entries]
    return encode({"sum": sum(amounts), "rows": len(amounts), "bookmark": page.bookmark})
