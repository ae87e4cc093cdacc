"""The recovery words are BIP-39's, as the phone writes and reads them."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import pytest

from client.wallet import recovery
from client.wallet.recovery import seed_of, words_of

VECTORS = [
    ("00" * 32, "abandon " * 23 + "art"),
    ("ff" * 32, "zoo " * 23 + "vote"),
    ("7f" * 32, "legal winner thank year wave sausage worth useful " * 2
     + "legal winner thank year wave sausage worth title"),
    ("80" * 32, "letter advice cage absurd amount doctor acoustic avoid " * 2
     + "letter advice cage absurd amount doctor acoustic bless"),
]  # fmt: skip
"""Of BIP-39's own test vectors, those of 256 bits that are easily seen to be right."""


def test_the_list_is_the_standards() -> None:
    """One wrong word would send somebody's tokens to nobody."""
    content = Path(recovery.__file__).with_name("words.txt").read_bytes()
    assert (
        hashlib.sha256(content).hexdigest()
        == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    )


@pytest.mark.parametrize(("seed", "words"), VECTORS)
def test_the_standards_vectors(seed: str, words: str) -> None:
    """There and back."""
    assert words_of(bytes.fromhex(seed)) == words.split()
    assert seed_of(words) == bytes.fromhex(seed)


def test_any_seed_comes_back() -> None:
    """However the words are typed."""
    seed = secrets.token_bytes(32)
    words = words_of(seed)
    assert seed_of("\n".join(words).upper() + " ") == seed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("abandon " * 23, "24 words, not 23"),
        ("abandon " * 23 + "arts", "word 24 is none of the list's: arts"),
        ("abandon " * 24, "last word does not fit"),
        ("zoo " + "abandon " * 22 + "art", "last word does not fit"),
        ("", "not 0"),
    ],
)
def test_a_slip_is_named(words: str, said: str) -> None:
    """The check is one byte: of 256 slips one passes."""
    with pytest.raises(ValueError, match=said):
        seed_of(words)


def test_a_seed_has_its_length() -> None:
    """Shorter ones are other standards' sheets."""
    with pytest.raises(ValueError, match="32 bytes"):
        words_of(bytes(16))
