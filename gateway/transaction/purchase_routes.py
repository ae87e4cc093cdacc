"""REST for selling tokens: operators confirm payments."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from gateway.access.authentication import note
from gateway.rest import body
from gateway.rest.bookmark import Bookmark, Page, following, pair
from gateway.rest.caller import Caller, allow
from gateway.transaction.purchase import PAGE, Purchases, PurchaseState
from gateway.transaction.wallet_routes import Amount, PurchaseAnswer, Reference, Wallet, purchase_answer

_READERS = (Caller.ADMIN, Caller.OPERATOR, Caller.AUDITOR)
_OPERATORS = (Caller.ADMIN, Caller.OPERATOR)


class SaleBody(body.Request):
    """Tokens for a payment that no wallet has announced, such as cash."""

    reference: Reference
    wallet: Wallet
    amount: Amount


def router(purchases: Purchases) -> APIRouter:
    """The routes of the sale of tokens."""
    routes = APIRouter(tags=["purchases"])

    @routes.get("/v1/purchases", dependencies=[allow(*_READERS)], summary="Purchases of tokens")
    async def list_purchases(
        state: Annotated[PurchaseState | None, Query()] = None, bookmark: Bookmark = ""
    ) -> Page[PurchaseAnswer]:
        before = pair(bookmark) if bookmark else None
        found = await purchases.page(state=state, before=before)
        last = (found[-1].created_at, found[-1].reference) if found else (0, "")
        return Page(
            rows=[purchase_answer(each) for each in found], bookmark=following(len(found), PAGE, *last)
        )

    @routes.post(
        "/v1/purchases", status_code=201, dependencies=[allow(*_OPERATORS)], summary="Sell tokens directly"
    )
    async def sell_tokens(sale: SaleBody, request: Request) -> PurchaseAnswer:
        """The reference is the payment's: the same one twice is one sale."""
        note(request, **sale.model_dump())
        return purchase_answer(await purchases.sell(sale.reference, sale.wallet, sale.amount))

    @routes.post(
        "/v1/purchases/{reference}/payment", dependencies=[allow(*_OPERATORS)], summary="Confirm a payment"
    )
    async def confirm_payment(reference: Annotated[Reference, Path()], request: Request) -> PurchaseAnswer:
        """Issues the tokens; confirmed twice, they are issued once."""
        note(request, reference=reference)
        return purchase_answer(await purchases.confirm(reference))

    return routes
