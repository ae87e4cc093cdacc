"""REST for notifications: what a wallet wants to be told, by which browsers, and what it was told."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field, StringConstraints

from chaincode.errors import InvalidArgument
from gateway.notification.endpoint import LONGEST, check
from gateway.notification.kind import NoticeKind
from gateway.notification.push import Address, PushSender, check_keys
from gateway.notification.subscription import PAGE, Subscriptions, Told
from gateway.notification.teller import Teller
from gateway.rest import body
from gateway.rest.bookmark import Bookmark, Page, following, number
from gateway.rest.caller import Caller, CurrentPrincipal, allow
from gateway.transaction.wallet_routes import Wallet, require_own

_WalletPath = Annotated[Wallet, Path(description="The wallet's id: its first public key, hexadecimal.")]
_Identity = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$"), Path()]


class ChoiceBody(body.Request):
    """What to be told."""

    kinds: list[str] = Field(
        max_length=len(NoticeKind), description="charged, queued, abnormal, low-balance."
    )


class ChoiceAnswer(body.Answer):
    """What a wallet is told."""

    kinds: list[str]
    key: str = Field(description="The gateway's VAPID key (RFC 8292), base64url: what to subscribe for.")
    browsers: list[str] = Field(description="SHA-256 of each push endpoint, hexadecimal.")


class PushBody(body.Request):
    """A browser's push subscription (W3C Push API): endpoint, and its keys in base64url."""

    endpoint: str = Field(max_length=LONGEST)
    key: str = Field(max_length=100, description="p256dh.")
    secret: str = Field(max_length=30, description="auth.")


class PushAnswer(body.Answer):
    """A browser that is pushed to."""

    id: str = Field(description="SHA-256 of its endpoint, hexadecimal.")


class NoticeAnswer(body.Answer):
    """Something that the wallet was told."""

    kind: str
    name: str = Field(
        description="What has happened: queued, begun, full, ended, low-balance, or an alarm's."
    )
    session: str
    unit: int
    time: int = Field(description="Unix seconds.")
    values: dict[str, int]


def router(*, subscriptions: Subscriptions, push: PushSender, teller: Teller) -> APIRouter:
    """The routes of notifications."""
    routes = APIRouter(tags=["notifications"])
    _choices(routes, subscriptions, push, teller)
    _browsers(routes, subscriptions, push)

    @routes.get(
        "/v1/wallets/{wallet}/notices", dependencies=[allow(Caller.WALLET)], summary="What a wallet was told"
    )
    async def list_notices(
        wallet: _WalletPath, principal: CurrentPrincipal, bookmark: Bookmark = ""
    ) -> Page[NoticeAnswer]:
        require_own(principal, wallet)
        found = await subscriptions.page(wallet, number(bookmark))
        last = found[-1].id if found else 0
        return Page(rows=[_notice(each) for each in found], bookmark=following(len(found), PAGE, last))

    return routes


def _choices(routes: APIRouter, subscriptions: Subscriptions, push: PushSender, teller: Teller) -> None:
    async def answer(wallet: str) -> ChoiceAnswer:
        browsers = await subscriptions.browsers(wallet)
        return ChoiceAnswer(
            kinds=sorted(subscriptions.chosen(wallet)), key=push.public_key, browsers=sorted(browsers)
        )

    @routes.get(
        "/v1/wallets/{wallet}/notifications",
        dependencies=[allow(Caller.WALLET)],
        summary="What a wallet wants to be told",
    )
    async def read_notifications(wallet: _WalletPath, principal: CurrentPrincipal) -> ChoiceAnswer:
        require_own(principal, wallet)
        return await answer(wallet)

    @routes.put(
        "/v1/wallets/{wallet}/notifications",
        dependencies=[allow(Caller.WALLET)],
        summary="Choose what to be told",
    )
    async def choose_notifications(
        wallet: _WalletPath, choice: ChoiceBody, principal: CurrentPrincipal
    ) -> ChoiceAnswer:
        require_own(principal, wallet)
        await subscriptions.choose(wallet, [_kind(each) for each in choice.kinds])
        teller.wake()
        return await answer(wallet)


def _browsers(routes: APIRouter, subscriptions: Subscriptions, push: PushSender) -> None:
    @routes.post(
        "/v1/wallets/{wallet}/push-subscriptions",
        status_code=201,
        dependencies=[allow(Caller.WALLET)],
        summary="Push to a browser",
    )
    async def add_push_subscription(
        wallet: _WalletPath, subscription: PushBody, principal: CurrentPrincipal
    ) -> PushAnswer:
        """Its service is public and speaks HTTPS; a browser is pushed to for one wallet at a time."""
        require_own(principal, wallet)
        check(subscription.endpoint, push.own)
        check_keys(subscription.key, subscription.secret)
        address = Address(subscription.endpoint, subscription.key, subscription.secret)
        return PushAnswer(id=await subscriptions.add(wallet, address))

    @routes.delete(
        "/v1/wallets/{wallet}/push-subscriptions/{subscription}",
        status_code=204,
        dependencies=[allow(Caller.WALLET)],
        summary="Push to a browser no more",
    )
    async def remove_push_subscription(
        wallet: _WalletPath, subscription: _Identity, principal: CurrentPrincipal
    ) -> None:
        require_own(principal, wallet)
        await subscriptions.remove(subscription, wallet)


def _kind(text: str) -> NoticeKind:
    try:
        return NoticeKind(text)
    except ValueError:
        raise InvalidArgument("kinds", f"has only {', '.join(NoticeKind)}") from None


def _notice(told: Told) -> NoticeAnswer:
    return NoticeAnswer(
        kind=told.kind,
        name=told.name,
        session=told.session,
        unit=told.unit,
        time=told.at // 1000,
        values=dict(told.values),
    )
