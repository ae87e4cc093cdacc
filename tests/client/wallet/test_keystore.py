"""Keys at rest: encrypted, private, written whole, opened by the right passphrase alone."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from nacl import pwhash

from client.wallet.key import WalletKey
from client.wallet.keystore import (
    Cost,
    DamagedWallet,
    Home,
    Keystore,
    WalletExists,
    WalletMissing,
    WrongPassphrase,
)

PASSPHRASE = "correct horse"
HOME = Home(
    gateway="http://127.0.0.1:8000",
    network="aurora",
    condominium="sol",
    currency="EUR",
    decimals=2,
    root_certificate="-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
)
CHEAP = Cost(pwhash.argon2id.OPSLIMIT_MIN, pwhash.argon2id.MEMLIMIT_MIN)


@pytest.fixture
def keystore(tmp_path: Path) -> Keystore:
    """An empty keystore whose passphrases are cheap to try."""
    return Keystore(tmp_path / "wallets", CHEAP)


def test_a_wallet_comes_back_as_it_was(keystore: Keystore) -> None:
    """What was kept under a name is what the passphrase opens."""
    key = WalletKey.generate()
    made = keystore.create("maria", PASSPHRASE, key, HOME)
    assert keystore.unlock("maria", PASSPHRASE) == key
    assert keystore.wallet("maria") == made
    assert (made.wallet, made.key, made.home) == (key.wallet.hex(), key.public.hex(), HOME)


def test_wallets_are_listed_by_name(keystore: Keystore) -> None:
    """Several wallets live beside each other, each with its own key."""
    assert keystore.wallets() == []
    for name in ("rui", "ana"):
        keystore.create(name, PASSPHRASE, WalletKey.generate(), HOME)
    assert [wallet.name for wallet in keystore.wallets()] == ["ana", "rui"]
    assert keystore.unlock("ana", PASSPHRASE) != keystore.unlock("rui", PASSPHRASE)


def test_a_wrong_passphrase_opens_nothing(keystore: Keystore) -> None:
    """One character off is another passphrase, and the error says which wallet."""
    keystore.create("maria", PASSPHRASE, WalletKey.generate(), HOME)
    with pytest.raises(WrongPassphrase, match="maria"):
        keystore.unlock("maria", PASSPHRASE + ".")


def test_the_same_word_from_another_keyboard_opens(keystore: Keystore) -> None:
    """A composed and a decomposed é are one passphrase (Unicode NFKC)."""
    key = WalletKey.generate()
    keystore.create("maria", "caf\u00e9 da manh\u00e3", key, HOME)
    assert keystore.unlock("maria", "cafe\u0301 da manha\u0303") == key


def test_the_seed_is_nowhere_in_the_file(keystore: Keystore, tmp_path: Path) -> None:
    """Neither as hexadecimal nor as bytes does the key stand on disk."""
    key = WalletKey.generate()
    keystore.create("maria", PASSPHRASE, key, HOME)
    content = (tmp_path / "wallets" / "maria.json").read_bytes()
    assert key.seed.hex().encode() not in content
    assert key.seed not in content


def test_files_are_for_their_user_alone(keystore: Keystore, tmp_path: Path) -> None:
    """File 0600, folder 0700, and no draft is left behind."""
    keystore.create("maria", PASSPHRASE, WalletKey.generate(), HOME)
    folder = tmp_path / "wallets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["maria.json"]
    assert stat.S_IMODE((folder / "maria.json").stat().st_mode) == 0o600


def test_a_wallet_is_never_overwritten(keystore: Keystore, tmp_path: Path) -> None:
    """A second wallet of a name is refused, and the first stays as it was."""
    key = WalletKey.generate()
    keystore.create("maria", PASSPHRASE, key, HOME)
    with pytest.raises(WalletExists, match="maria"):
        keystore.create("maria", PASSPHRASE, WalletKey.generate(), HOME)
    assert keystore.unlock("maria", PASSPHRASE) == key
    assert len(list((tmp_path / "wallets").iterdir())) == 1


def test_of_two_who_create_at_once_one_wins(keystore: Keystore) -> None:
    """Creation is atomic: one key is kept, every other attempt is told so."""
    outcomes: list[str] = []

    def create() -> None:
        try:
            keystore.create("maria", PASSPHRASE, WalletKey.generate(), HOME)
            outcomes.append("made")
        except WalletExists:
            outcomes.append("exists")

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["exists"] * 7 + ["made"]
    keystore.unlock("maria", PASSPHRASE)


@pytest.mark.parametrize("name", ["", "Maria", "../maria", "-x", "a" * 41, "ma ria", "maria\n"])
def test_names_are_plain(keystore: Keystore, name: str) -> None:
    """A name that could leave the folder or confuse a shell is refused, and is never looked up."""
    with pytest.raises(ValueError, match="name"):
        keystore.create(name, PASSPHRASE, WalletKey.generate(), HOME)
    with pytest.raises(WalletMissing):
        keystore.wallet(name)


def test_a_short_passphrase_is_refused(keystore: Keystore, tmp_path: Path) -> None:
    """Under eight characters nothing is written."""
    with pytest.raises(ValueError, match="at least 8"):
        keystore.create("maria", "1234567", WalletKey.generate(), HOME)
    assert not (tmp_path / "wallets").exists()


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("gateway", "http://evil.example"),
        ("network", "other"),
        ("condominium", "lua"),
        ("decimals", 3),
        ("root_certificate", "another"),
        ("wallet", "00" * 32),
        ("key", "00" * 32),
        ("version", 2),
        ("extra", 1),
    ],
)
def test_a_changed_file_is_noticed(keystore: Keystore, tmp_path: Path, member: str, value: object) -> None:
    """Nobody who can write the file can point the wallet elsewhere unnoticed."""
    keystore.create("maria", PASSPHRASE, WalletKey.generate(), HOME)
    alter(tmp_path / "wallets" / "maria.json", lambda file: file.update({member: value}))
    with pytest.raises(DamagedWallet, match="maria"):
        keystore.unlock("maria", PASSPHRASE)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("memory", 1 << 40),
        ("memory", 1),
        ("operations", 10**6),
        ("kdf", "md5"),
        ("salt", "00"),
        ("box", "zz"),
    ],
)
def test_an_absurd_cipher_is_damage(keystore: Keystore, tmp_path: Path, member: str, value: object) -> None:
    """A file cannot make the reader spend a terabyte, or use another derivation."""
    keystore.create("maria", PASSPHRASE, WalletKey.generate(), HOME)
    alter(tmp_path / "wallets" / "maria.json", lambda file: file["cipher"].update({member: value}))
    with pytest.raises(DamagedWallet):
        keystore.unlock("maria", PASSPHRASE)


def test_a_truncated_file_is_damage(keystore: Keystore, tmp_path: Path) -> None:
    """Half a file is reported with what to do, by listing too."""
    keystore.create("maria", PASSPHRASE, WalletKey.generate(), HOME)
    path = tmp_path / "wallets" / "maria.json"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DamagedWallet, match="backup"):
        keystore.wallets()


def alter(path: Path, change: Any) -> None:
    """Apply `change` to the JSON object in a file."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
