"""The recovery sheet: a wallet's seed as 24 English words (BIP-39), and back.

The 32 bytes of the seed and the first 8 bits of their SHA-256 are cut into 24 numbers of 11 bits, each a
word's place in the list. The phone's wallet writes and reads the same words.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from client.wallet.key import SEED_BYTES

WORDS = 24
_BITS = 11
_CHECK_BITS = 8


def words_of(seed: bytes) -> list[str]:
    """The 24 words of a seed of 32 bytes. Raises ValueError for another length."""
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a seed has {SEED_BYTES} bytes")
    number = int.from_bytes(seed + hashlib.sha256(seed).digest()[:1], "big")
    places = [number >> _BITS * place & (1 << _BITS) - 1 for place in reversed(range(WORDS))]
    return [_words()[place] for place in places]


def seed_of(text: str) -> bytes:
    """The seed of 24 words with white space between them. Raises ValueError that says what is mistyped."""
    typed = text.lower().split()
    if len(typed) != WORDS:
        raise ValueError(f"a recovery sheet has {WORDS} words, not {len(typed)}")
    number = 0
    for place, word in enumerate(typed, 1):
        if word not in _words():
            raise ValueError(f"word {place} is none of the list's: {word}")
        number = number << _BITS | _words().index(word)
    seed = (number >> _CHECK_BITS).to_bytes(SEED_BYTES, "big")
    if hashlib.sha256(seed).digest()[0] != number & (1 << _CHECK_BITS) - 1:
        raise ValueError("the last word does not fit the others: one is mistyped, or two are exchanged")
    return seed


@cache
def _words() -> tuple[str, ...]:
    return tuple((files("client.wallet") / "words.txt").read_text("ascii").split())
