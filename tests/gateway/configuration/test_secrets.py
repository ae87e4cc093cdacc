"""Secrets are unreadable without the key file, and cannot be exchanged for one another."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select, update

from gateway.configuration.records import SECRET
from gateway.configuration.secrets import Keys, SecretError, SecretStore
from gateway.store.database import Database

KEY = bytes(range(16))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the key file will be."""
    return tmp_path / "secrets.key"


async def test_a_secret_comes_back_after_a_restart(any_database: Database, file: Path) -> None:
    """The key file, made at the first start for its owner alone, opens it again."""
    first = await Keys.open(await SecretStore.open(any_database, file))
    await any_database.write(lambda c: first.put_mac_key(c, 7, KEY))
    assert file.stat().st_mode & 0o777 == 0o600
    again = await Keys.open(await SecretStore.open(any_database, file))
    assert await again.mac_key(7) == KEY
    assert await again.mac_key(8) is None
    assert again.signing_key() == first.signing_key()
    assert again.tag_salt() == first.tag_salt()
    assert again.public_key() == again.signing_key()[32:]


async def test_a_key_is_replaced_and_removed(any_database: Database, file: Path) -> None:
    """The later one counts; a removed one is gone."""
    keys = await Keys.open(await SecretStore.open(any_database, file))
    await any_database.write(lambda c: keys.put_mac_key(c, 7, KEY))
    await any_database.write(lambda c: keys.put_mac_key(c, 7, KEY[::-1]))
    assert await keys.mac_key(7) == KEY[::-1]
    await any_database.write(lambda c: keys.remove_mac_key(c, 7))
    assert await keys.mac_key(7) is None
    with pytest.raises(ValueError, match="16 bytes"):
        await any_database.write(lambda c: keys.put_mac_key(c, 7, b"short"))


async def test_a_stolen_database_tells_no_secret(sqlite_url: str, file: Path) -> None:
    """Neither a MAC key nor the signing key's seed nor the tags' salt is anywhere in the file."""
    database = await Database.open(sqlite_url)
    keys = await Keys.open(await SecretStore.open(database, file))
    await database.write(lambda c: keys.put_mac_key(c, 7, KEY))
    await database.close()
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM secret").fetchone() == (3,)
    content = path.read_bytes()
    assert KEY not in content and keys.signing_key()[:32] not in content
    assert keys.tag_salt() not in content


async def test_another_key_file_is_noticed(any_database: Database, file: Path) -> None:
    """A sentence says which secret does not open and what to restore."""
    await Keys.open(await SecretStore.open(any_database, file))
    file.write_bytes(bytes(32))
    with pytest.raises(SecretError, match="does not open the secret signing-seed; restore"):
        await Keys.open(await SecretStore.open(any_database, file))


async def test_a_lost_key_file_is_not_made_anew(any_database: Database, file: Path) -> None:
    """A new key would hide that the old secrets are lost."""
    await Keys.open(await SecretStore.open(any_database, file))
    file.unlink()
    with pytest.raises(SecretError, match="is missing, and with it the key"):
        await SecretStore.open(any_database, file)
    assert not file.exists()


async def test_a_secret_put_in_anothers_place_is_noticed(any_database: Database, file: Path) -> None:
    """Whoever writes the database cannot make one unit's key another's."""
    keys = await Keys.open(await SecretStore.open(any_database, file))
    await any_database.write(lambda c: keys.put_mac_key(c, 7, KEY))
    await any_database.write(lambda c: keys.put_mac_key(c, 8, KEY[::-1]))
    names = {number: f"unit-mac-key-{number}" for number in (7, 8)}
    sealed = await any_database.read(
        lambda c: c.scalars(select(SECRET.c.sealed).where(SECRET.c.name == names[8])).one()
    )
    swap = update(SECRET).where(SECRET.c.name == names[7]).values(sealed=sealed)
    await any_database.write(lambda c: c.execute(swap))
    with pytest.raises(SecretError, match="was replaced"):
        await keys.mac_key(7)


@pytest.mark.parametrize(
    ("mode", "content", "sentence"),
    [
        (0o640, bytes(32), "can be read by other users; run chmod 600"),
        (0o604, bytes(32), "can be read by other users"),
        (0o600, bytes(31), "does not hold 32 bytes"),
        (0o600, b"", "does not hold 32 bytes"),
    ],
)
async def test_a_bad_key_file_is_a_sentence(
    database: Database, file: Path, mode: int, content: bytes, sentence: str
) -> None:
    """Open to others, or not a key."""
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(SecretError, match=sentence):
        await SecretStore.open(database, file)


async def test_a_place_that_cannot_be_written_is_a_sentence(database: Database, tmp_path: Path) -> None:
    """No directory, no key."""
    with pytest.raises(SecretError, match="cannot be written: No such file"):
        await SecretStore.open(database, tmp_path / "nowhere" / "secrets.key")


async def test_a_key_file_is_there_whole_or_not_at_all(
    any_database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that fails while it writes the key leaves no half of one: the next start makes another."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched, pytest.raises(SecretError, match="No space left"):
        patched.setattr(os, "fsync", full)
        await SecretStore.open(any_database, file)
    assert not list(file.parent.glob("secrets.key*"))
    await SecretStore.open(any_database, file)
