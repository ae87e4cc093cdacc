"""The condominium's identities on its own ledger: made once, renewed in time, and its own."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509

from gateway.clock import SimulatedClock
from gateway.membership import Membership, join
from gateway.settings import Settings, SettingsError, load
from network.identity import IdentityError
from tests.gateway.house import ENVIRONMENT, START

_DAY = 86_400_000


@pytest.fixture
def settings(founded: Path, tmp_path: Path) -> Settings:
    """Those of a gateway that ran before."""
    directory = tmp_path / "state"
    shutil.copytree(founded, directory)
    return load(None, ENVIRONMENT | {"CONDOCHARGE_DIRECTORY": str(directory)})


def _serials(settings: Settings) -> dict[str, int]:
    return {
        path.stem: x509.load_pem_x509_certificate(path.read_bytes()).serial_number
        for path in (settings.directory / "identities").glob("*.pem")
    }


async def _join(settings: Settings, now: int) -> Membership:
    membership = await join(settings, SimulatedClock(now))
    await membership.close()
    return membership


async def test_identities_stay_while_they_are_valid(settings: Settings) -> None:
    """A restart a year later uses the same ones; private keys are readable by their owner alone."""
    before = _serials(settings)
    assert set(before) == {"ledger", "gateway", "admin"}
    await _join(settings, START + 365 * _DAY)
    assert _serials(settings) == before
    for path in settings.directory.glob("*/*.key"):
        assert path.stat().st_mode & 0o777 == 0o600, path


async def test_identities_are_renewed_before_they_expire(settings: Settings) -> None:
    """Under the same root, so that what others know of the condominium stays as it is."""
    before = _serials(settings)
    first = await _join(settings, START)
    later = await _join(settings, START + 800 * _DAY)
    assert not set(_serials(settings).values()) & set(before.values())
    assert first.root == later.root
    now = datetime.datetime.fromtimestamp(START / 1000, datetime.UTC) + datetime.timedelta(days=800)
    for path in (settings.directory / "identities").glob("*.pem"):
        assert x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc > now


def _kills(directory: Path, now: int) -> int:
    words = [sys.executable, "-m", "tests.gateway.killed", str(directory), str(now)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout)


@pytest.mark.slow
def test_a_first_start_that_is_killed_is_made_good(tmp_path: Path) -> None:
    """Before whichever change of the root's and the identities' files: the next start finds or makes all."""
    (tmp_path / "state").mkdir()
    assert _kills(tmp_path / "state", START) >= 12


@pytest.mark.slow
def test_a_renewal_that_is_killed_is_made_good(settings: Settings) -> None:
    """Between the key and its certificate too: a pair that does not fit is issued anew."""
    assert _kills(settings.directory, START + 800 * _DAY) >= 6


async def test_another_condominiums_keys_are_not_used(settings: Settings) -> None:
    """A code that was mistyped does not make a second condominium in the first one's place."""
    condominium = settings.condominium.model_copy(update={"code": "hillside"})
    with pytest.raises(SettingsError, match=r"condominium\.code: is riverside"):
        await join(settings.model_copy(update={"condominium": condominium}), SimulatedClock(START))


async def test_a_lost_root_key_is_a_sentence(settings: Settings) -> None:
    """It is not made anew: nobody would know the condominium again."""
    (settings.directory / "authority" / "root.key").unlink()
    with pytest.raises(IdentityError, match=r"root\.key cannot be read"):
        await join(settings, SimulatedClock(START))


async def test_a_lost_root_is_a_sentence(settings: Settings) -> None:
    """Beside its key it is not made anew either."""
    (settings.directory / "authority" / "root.pem").unlink()
    with pytest.raises(IdentityError, match=r"root\.pem cannot be read"):
        await join(settings, SimulatedClock(START))
