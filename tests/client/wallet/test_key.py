"""A wallet's key signs what the ledger and the gateway verify."""

from __future__ import annotations

import pytest

from chaincode.signing import domain
from chaincode.signing.intent import StopIntent, new_nonce, parse_intent
from client.wallet.key import WalletKey


def stop(wallet: str) -> StopIntent:
    """An intent to end a session."""
    return StopIntent(
        network="aurora", wallet=wallet, nonce=new_nonce(), expires=1_800_000_000, session="ab" * 32
    )


def test_a_signed_intent_is_one_the_ledger_accepts() -> None:
    """The signature is over the exact body, and the body reads back as the intent."""
    key = WalletKey.generate()
    intent = stop(key.wallet.hex())
    signed = key.sign(intent)
    assert domain.verifies(key.public, domain.INTENT, signed.body, signed.signature)
    assert not domain.verifies(key.public, domain.QUERY, signed.body, signed.signature)
    assert parse_intent(signed.body) == intent


def test_a_key_does_not_sign_for_another_wallet() -> None:
    """A mixed-up wallet is caught before anything leaves the machine."""
    with pytest.raises(ValueError, match="its own wallet"):
        WalletKey.generate().sign(stop("00" * 32))


def test_queries_are_signed_with_the_same_key() -> None:
    """A query verifies for the request it was made for, with a fresh nonce each time."""
    key = WalletKey.generate()
    one, other = (
        key.sign_query(method="GET", target="/v1/wallets/x", network="aurora", body=b"", at=5)
        for _ in range(2)
    )
    assert one.signed_by(key.public, method="GET", target="/v1/wallets/x", network="aurora", body=b"")
    assert one.nonce != other.nonce


def test_a_rotated_key_signs_for_the_first_ones_wallet() -> None:
    """The wallet's id stays when the key that signs for it changes."""
    first, second = WalletKey.generate(), WalletKey.generate()
    rotated = WalletKey(second.seed, first.wallet)
    signed = rotated.sign(stop(first.wallet.hex()))
    assert domain.verifies(second.public, domain.INTENT, signed.body, signed.signature)


def test_a_key_does_not_print_itself() -> None:
    """A log or a traceback that shows the object does not show the seed."""
    key = WalletKey.generate()
    assert key.seed.hex() not in repr(key)
    assert repr(key.seed) not in repr(key)
