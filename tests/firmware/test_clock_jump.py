"""Somebody sets the computer's clock: neither a unit nor its launcher takes that for time that passed."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nacl.bindings import crypto_sign_seed_keypair

from chaincode.signing.firmware import describe, sign_firmware, version_number
from firmware.provisioning.firmware import read_image, update_area
from firmware.provisioning.image import padded
from tests.firmware.gateway import identity
from tests.firmware.station import Station

pytestmark = [pytest.mark.firmware, pytest.mark.slow]
Image = Callable[[str, str], Path]
KEY, SECRET = crypto_sign_seed_keypair(hashlib.sha256(b"firmware key").digest())
V1, V2 = (version_number(f"{major}.0.0") for major in (1, 2))
PENDING, RECORD_MARK = 2, b"\xa5"
STALL = 300
"""Seconds without conversions after which the unit ends itself: none pass here."""
_MOST_SECONDS = 120.0
_JUMPS = """
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t jumped(void)
{
    static time_t now = 1767225600;
    return now += 86400;
}

time_t time(time_t *to)
{
    time_t now = jumped();
    if (to != NULL) {
        *to = now;
    }
    return now;
}

int gettimeofday(struct timeval *to, void *zone)
{
    (void)zone;
    to->tv_sec = jumped();
    to->tv_usec = 0;
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *to)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) {
        return (int)syscall(SYS_clock_gettime, clock, to);
    }
    to->tv_sec = jumped();
    to->tv_nsec = 0;
    return 0;
}
"""
"""A library under which the clock is another day's whenever a program looks at it."""
_TRIED = """
#include <fcntl.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    sleep(2);
    if (count < 3 || open(arguments[2], O_CREAT | O_WRONLY, 0600) < 0) {
        return 1;
    }
    for (;;) {
        pause();
    }
}
"""
"""An image on trial that lives, and after two seconds writes the file named to it as the bench."""


def compiled(folder: Path, name: str, source: str, *flags: str) -> Path:
    """What the computer's compiler makes of a program."""
    written, made = folder / f"{name}.c", folder / name
    written.write_text(source)
    subprocess.run(["cc", "-std=gnu11", *flags, "-o", str(made), str(written)], check=True)
    return made


@pytest.fixture
def jumps(tmp_path: Path) -> Path:
    return compiled(tmp_path, "jumps.so", _JUMPS, "-shared", "-fPIC")


class Jumping(Station):
    """A unit on a computer whose clock is set all the time."""

    jumps: Path

    def _command(self) -> list[str]:
        return [
            "env", f"LD_PRELOAD={self.jumps}", str(self.image), str(self.storage), str(self.bench.path),
            str(STALL),
        ]  # fmt: skip


@pytest.fixture
def station(image: Image, jumps: Path, tmp_path: Path) -> Iterator[Jumping]:
    made = Jumping("posix", image("posix", "condocharge-unit"), tmp_path, identity("ed25519", hold=0))
    made.jumps = jumps
    yield made
    made.close()


def test_unit_goes_on(station: Jumping) -> None:
    """The clock jumps by days between two conversions, and the unit goes on taking them: it would otherwise
    open its relay in mid-charge."""
    station.power()
    for _ in range(5):
        station.bench.second()
        time.sleep(0.1)
    assert station.bench.passed == 5


def _pending(storage: Path) -> None:
    """Memory as an update leaves it that is fetched, checked and to be tried: 2.0.0 in the second slot."""
    record = struct.pack("<IBBBBIIIHHI", 1, PENDING, 0, 0, 0, V1, 0, V2, 0, 0, 0)
    record += struct.pack("<I", zlib.crc32(record + RECORD_MARK))
    area = update_area(KEY)
    area = area[:40] + record + area[40 + len(record) :]
    storage.write_bytes(padded(identity("ed25519"), 4_096) + area)


def _slot(path: Path, board: str, version: int, program: bytes) -> None:
    path.write_bytes(sign_firmware(describe(board, version, program), SECRET) + program)


def test_trial_lives(image: Image, jumps: Path, tmp_path: Path) -> None:
    """An image on trial is not taken for one that hangs because the clock is set while it runs."""
    launcher = image("posix", "condocharge-launcher")
    board = read_image(image("posix", "condocharge-unit").read_bytes()).board
    storage, slots, sign_of_life = tmp_path / "storage", tmp_path / "slots", tmp_path / "lives"
    slots.mkdir()
    _pending(storage)
    _slot(slots / "slot-0", board, V1, Path("/bin/false").read_bytes())
    _slot(slots / "slot-1", board, V2, compiled(tmp_path, "tried", _TRIED).read_bytes())
    command = ["env", f"LD_PRELOAD={jumps}", str(launcher), str(storage), str(slots), str(sign_of_life)]
    with subprocess.Popen(command) as process:
        try:
            end = time.monotonic() + _MOST_SECONDS
            while not sign_of_life.exists() and process.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
            assert sign_of_life.exists(), "the launcher ended the trial"
        finally:
            process.terminate()
