"""A unit takes a new firmware: what it refuses, what it falls back from, and power cuts at every write."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from nacl.bindings import crypto_sign_seed_keypair

from chaincode.signing import domain
from chaincode.signing.firmware import ENVELOPE_BYTES, describe, sign_firmware, version_number
from chaincode.signing.offer import Offer
from chaincode.signing.status import decode_status
from tests.firmware.gateway import NOON, SIGNING_SECRET, Gateway, http, identity
from tests.firmware.host.core import Core, HostUnit, PowerLost

pytestmark = pytest.mark.firmware

STORE_BYTES, UPDATE_BYTES, SLOT_BYTES, NO_SLOT = 1024, 192, 4096, 255
NONE, FETCHING, PENDING, TRYING = range(4)
KEY, SECRET = crypto_sign_seed_keypair(hashlib.sha256(b"firmware key").digest())
OTHER_SECRET = crypto_sign_seed_keypair(hashlib.sha256(b"another firmware key").digest())[1]
V1, V2, V3 = (version_number(f"{major}.0.0") for major in (1, 2, 3))


def signed(version: int, *, board: str = "host", secret: bytes = SECRET, size: int = 1_300) -> bytes:
    """An image's file: envelope and bytes that depend on the version."""
    image = hashlib.shake_128(version.to_bytes(4, "little")).digest(size)
    return sign_firmware(describe(board, version, image), secret) + image


@dataclass
class Machine:
    """A unit with a boot loader, two slots and a gateway."""

    unit: HostUnit
    gateway: Gateway
    memory: bytearray
    slots: bytearray
    passed: int = 0
    runs: int = NO_SLOT

    def content(self, slot: int) -> bytes:
        return bytes(self.slots[slot * SLOT_BYTES :][:SLOT_BYTES])

    def put(self, slot: int, content: bytes) -> None:
        begin = slot * SLOT_BYTES
        self.slots[begin : begin + len(content)] = content

    def version(self) -> int:
        return int.from_bytes(self.content(self.runs)[24:28], "little")

    def boot(self) -> None:
        """Power comes: the boot loader chooses, and what it chose runs. Raises PowerLost."""
        chosen = self.unit.c.harness_boot_slot()
        if chosen < 0:
            raise PowerLost
        self.runs = chosen
        assert chosen != NO_SLOT, "no slot can run"
        self.unit.c.harness_slots(self.unit.core.ffi.from_buffer("uint8_t[]", self.slots), SLOT_BYTES)
        self.unit.c.harness_version(self.version())
        assert self.unit.start()
        self.gateway.public_key = bytes(self.unit.core.ffi.buffer(self.unit.c.harness_public_key(), 32))

    def run(self, seconds: int, *, amperes: float = 0.0, online: bool = True) -> None:
        """Let time pass; where the unit asks to be started anew it is."""
        for _ in range(seconds):
            self.passed += 1
            self.unit.seconds(1, amperes, self.gateway if online else None)
            if self.unit.c.harness_restarts():
                self.boot()

    def until(self, condition: Callable[[], bool], most: int = 1_500) -> None:
        for _ in range(most):
            if condition():
                return
            self.run(1)
        raise AssertionError("it never came to be")

    @property
    def phase(self) -> int:
        return int(self.unit.c.harness_update_phase())

    @property
    def floor(self) -> int:
        return int(self.unit.c.harness_update_floor())


def make(core: Core, unit_class: str = "ed25519") -> Machine:
    memory = bytearray(b"\xff" * (STORE_BYTES + UPDATE_BYTES))
    image = identity(unit_class)
    memory[: len(image)] = image
    key = b"CF\x01\x00" + KEY
    memory[STORE_BYTES : STORE_BYTES + 40] = key + struct.pack("<I", zlib.crc32(key))
    slots = bytearray(b"\xff" * (2 * SLOT_BYTES))
    made: Machine
    gateway = Gateway(unit_class, clock=lambda: NOON + made.passed)
    unit = HostUnit(core, memory)
    unit.c.harness_memory(unit._held, STORE_BYTES)
    unit.c.harness_slots(core.ffi.from_buffer("uint8_t[]", slots), SLOT_BYTES)
    made = Machine(unit, gateway, memory, slots)
    made.put(0, signed(V1))
    return made


@pytest.fixture(params=["mac", "ed25519"])
def machine(core: Core, request: pytest.FixtureRequest) -> Machine:
    """A unit that runs 1.0.0 out of slot 0 and has reached its gateway."""
    made = make(core, str(request.param))
    made.boot()
    made.until(lambda: made.floor == V1)
    made.until(lambda: bool(made.gateway.statuses))
    return made


def offered(machine: Machine, firmware: bytes) -> None:
    """Offer `firmware` and let the unit ask twice."""
    machine.gateway.firmware = firmware
    asked = len(machine.gateway.statuses)
    machine.until(lambda: len(machine.gateway.statuses) > asked + 1, 2_500)


def test_update(machine: Machine) -> None:
    """From the offer to the new image that confirmed itself; the gateway is told before and after."""
    assert machine.gateway.statuses[-1].firmware == V1
    assert machine.gateway.statuses[-1].updates
    machine.gateway.firmware = signed(V2)
    machine.until(lambda: machine.runs == 1)
    assert machine.floor == V1, "what has not reached its gateway yet counts for nothing"
    machine.until(lambda: machine.floor == V2)
    assert (machine.phase, machine.unit.c.harness_update_active()) == (NONE, 1)
    machine.until(lambda: machine.gateway.statuses[-1].firmware == V2)
    assert machine.gateway.statuses[-1].falls == 0
    begins = [begin for begin, _ in machine.gateway.fetched]
    assert begins == [0, 512, 1024]
    machine.boot()
    assert machine.runs == 1
    machine.gateway.firmware = signed(V3)
    machine.until(lambda: machine.floor == V3)
    assert machine.runs == 0


@pytest.mark.parametrize(
    "firmware",
    [
        pytest.param(signed(V2, secret=OTHER_SECRET), id="another key"),
        pytest.param(signed(V2, board="hosts"), id="another board"),
        pytest.param(signed(V1), id="the version that runs"),
        pytest.param(signed(V1 - 1), id="an older version"),
        pytest.param(signed(V2, size=SLOT_BYTES), id="too long for a slot"),
        pytest.param(b"\0" * 200, id="no envelope"),
        pytest.param(signed(V2)[:24] + b"\xff" + signed(V2)[25:], id="an altered header"),
    ],
)
def test_offers_that_are_not_taken(machine: Machine, firmware: bytes) -> None:
    """An authentic gateway that offers what it must not is told again what runs, and nothing is fetched."""
    before = bytes(machine.slots)
    offered(machine, firmware)
    assert not machine.gateway.fetched
    assert bytes(machine.slots) == before
    assert machine.phase == NONE


@pytest.mark.parametrize("at", [ENVELOPE_BYTES, ENVELOPE_BYTES + 700, -1])
def test_altered_image(machine: Machine, at: int) -> None:
    """One byte that is not what was signed, and the image is never tried; afterwards the sound one is."""
    good = signed(V2)
    bad = bytearray(good)
    bad[at] ^= 1
    offered(machine, bytes(bad))
    assert machine.gateway.fetched
    assert (machine.runs, machine.phase) == (0, NONE)
    machine.gateway.firmware = good
    machine.until(lambda: machine.floor == V2)


def test_truncated_image(machine: Machine) -> None:
    """A gateway that has less than it announced is asked again in a while, and the old image runs."""
    machine.gateway.firmware = signed(V2)
    answer, short = machine.gateway.answer, 0

    def cut_off(question: bytes) -> bytes:
        nonlocal short
        whole = answer(question)
        if b"&from=" in question:
            short += 1
            return http(whole.partition(b"\r\n\r\n")[2][:-1])
        return whole

    machine.gateway.answer = cut_off  # type: ignore[method-assign]
    machine.until(lambda: short > 2)
    assert (machine.runs, machine.phase) == (0, FETCHING)
    machine.gateway.answer = answer  # type: ignore[method-assign]
    machine.until(lambda: machine.floor == V2)


@pytest.mark.parametrize("forgery", ["nobody's", "another boot's", "an earlier question's", "another unit's"])
def test_forged_offers(machine: Machine, forgery: str) -> None:
    """Somebody on the wire who answers in the gateway's place moves nothing, though the image is sound."""
    envelope = signed(V2)[:ENVELOPE_BYTES]
    answer = machine.gateway.answer
    forged = 0

    def intercept(question: bytes) -> bytes:
        nonlocal forged
        if b"/firmware?boot=" not in question:
            return answer(question)
        forged += 1
        content = question.partition(b"\r\n\r\n")[2]
        status = decode_status(content[: -machine.gateway.tag_bytes])
        values = {"unit": status.unit, "boot": status.boot, "number": status.number}
        values |= {
            "another boot's": {"boot": status.boot - 1},
            "an earlier question's": {"number": status.number - 1},
            "another unit's": {"unit": 8},
        }.get(forgery, {})
        made = type(status)(**{**{f: getattr(status, f) for f in status.__slots__}, **values})
        body = Offer(made, envelope).encode()
        if forgery == "nobody's":
            return http(body + bytes(machine.gateway.tag_bytes))
        return http(machine.gateway.authenticate(domain.OFFER, body))

    machine.gateway.answer = intercept  # type: ignore[method-assign]
    machine.gateway.firmware = signed(V2)
    machine.run(1_300)
    assert forged > 1
    assert not machine.gateway.fetched
    assert machine.phase == NONE


def test_signing_key_signs_no_firmware(machine: Machine) -> None:
    """The key that a gateway holds for commands is not the key that signs images."""
    offered(machine, signed(V2, secret=SIGNING_SECRET))
    assert not machine.gateway.fetched


def test_swapped_between_check_and_boot(machine: Machine) -> None:
    """What lies in the slot is checked again before it runs: an exchanged image never does."""
    machine.gateway.firmware = signed(V2)
    restart = machine.boot
    swapped = 0

    def swap() -> None:
        nonlocal swapped
        swapped += 1
        machine.slots[SLOT_BYTES + ENVELOPE_BYTES + 9] ^= 1
        machine.gateway.firmware = b""
        restart()

    machine.boot = swap  # type: ignore[method-assign]
    machine.until(lambda: swapped == 1)
    machine.boot = restart  # type: ignore[method-assign]
    machine.until(lambda: machine.gateway.statuses[-1].falls == 1)
    assert machine.runs == 0
    assert machine.gateway.statuses[-1].failed == V2


def test_older_image_put_into_the_active_slot(machine: Machine) -> None:
    """Whoever can write a slot can stop a unit, and cannot make it run an older signed image."""
    machine.gateway.firmware = signed(V2)
    machine.until(lambda: machine.floor == V2)
    machine.put(1, signed(V1))
    assert machine.unit.c.harness_boot_slot() == NO_SLOT


def test_falls_back(machine: Machine) -> None:
    """An image that never reaches its gateway gets three starts; then the old one runs and says so."""
    machine.gateway.firmware = signed(V2)
    machine.until(lambda: machine.runs == 1)
    starts = 0
    while machine.runs == 1:
        machine.run(3, online=False)
        assert machine.floor == V1
        machine.boot()
        starts += 1
        assert starts < 10
    assert starts == 3
    machine.gateway.firmware = b""
    machine.until(lambda: machine.gateway.statuses[-1].falls == 1)
    assert machine.gateway.statuses[-1].failed == V2
    assert machine.gateway.statuses[-1].firmware == V1
    machine.gateway.firmware = signed(V2)
    machine.until(lambda: machine.floor == V2)


def test_trial_ends(machine: Machine) -> None:
    """An image that runs and reaches nobody starts itself anew after ten minutes, and so comes to its end."""
    machine.gateway.firmware = signed(V2)
    machine.until(lambda: machine.runs == 1)
    machine.run(3 * 610, online=False)
    assert machine.runs == 0


def test_never_while_it_charges(machine: Machine) -> None:
    """From a session's beginning to its last batch's acknowledgement nothing is asked or fetched."""
    machine.gateway.on(grant=3_600)
    machine.until(machine.unit.closed)
    asked = len(machine.gateway.statuses)
    machine.gateway.firmware = signed(V2)
    machine.run(1_300, amperes=10.0)
    assert len(machine.gateway.statuses) == asked
    assert not machine.gateway.fetched
    machine.gateway.end()
    machine.gateway.acknowledges = False
    machine.run(1_300)
    assert not machine.unit.closed()
    assert not machine.gateway.fetched
    machine.gateway.acknowledges = True
    machine.until(lambda: machine.floor == V2)


def test_checked_image_waits_for_the_session(machine: Machine) -> None:
    """A vehicle that comes while the image is fetched charges first; the register goes on from it."""
    machine.gateway.firmware = signed(V2)
    answer = machine.gateway.answer

    def tap(question: bytes) -> bytes:
        if b"&from=1024" in question:
            machine.unit.c.harness_tag(b"\x04\xa1\xb2\xc3", 4)
            machine.gateway.on(grant=3_600)
        return answer(question)

    machine.gateway.answer = tap  # type: ignore[method-assign]
    machine.until(machine.unit.closed)
    machine.run(300, amperes=10.0)
    assert machine.unit.closed()
    assert (machine.runs, machine.phase) == (0, PENDING)
    machine.gateway.end()
    machine.until(lambda: not machine.unit.closed())
    energy = machine.unit.energy
    machine.gateway.order = None
    machine.until(lambda: machine.floor == V2)
    assert machine.unit.energy >= energy


def test_worn_journal(machine: Machine) -> None:
    """A journal that takes nothing any more leaves the old image running, and starts it once."""
    machine.gateway.firmware = signed(V2)
    restart, starts = machine.boot, 0

    def wear() -> None:
        nonlocal starts
        starts += 1
        machine.unit.c.harness_wear(STORE_BYTES + 40, UPDATE_BYTES - 40)
        restart()

    machine.boot = wear  # type: ignore[method-assign]
    machine.until(lambda: starts == 1)
    machine.run(1_300)
    assert (machine.runs, starts) == (0, 1)


def test_resumes(core: Core) -> None:
    """A power cut while a long image is fetched costs at most what the journal did not know of yet."""
    machine = make(core)
    size = 40_000
    machine.slots = bytearray(b"\xff" * (2 * 40_960))
    machine.slots[: len(signed(V1))] = signed(V1)
    held = core.ffi.from_buffer("uint8_t[]", machine.slots)
    machine.unit.c.harness_slots(held, 40_960)
    assert machine.unit.c.harness_boot_slot() == 0
    assert machine.unit.start()
    machine.gateway.public_key = bytes(core.ffi.buffer(machine.unit.c.harness_public_key(), 32))
    machine.gateway.firmware = signed(V2, size=size)
    machine.until(lambda: sum(count for _, count in machine.gateway.fetched) >= 30_000)
    before, reached = len(machine.gateway.fetched), sum(machine.gateway.fetched[-1])
    assert machine.unit.c.harness_boot_slot() == 0
    assert machine.unit.start()
    machine.boot = lambda: None  # type: ignore[method-assign]
    machine.until(lambda: bool(machine.unit.c.harness_restarts()))
    begin, _ = machine.gateway.fetched[before]
    assert 0 < reached - 16_384 - 512 <= begin <= reached
    assert bytes(machine.slots[40_960:][: size + ENVELOPE_BYTES]) == machine.gateway.firmware


def test_without_a_key(core: Core) -> None:
    """A unit that provisioning gave no firmware key reports its version and takes nothing."""
    machine = make(core)
    machine.memory[STORE_BYTES + 5] ^= 1
    assert machine.unit.c.harness_boot_slot() == NO_SLOT
    assert machine.unit.start()
    machine.gateway.public_key = bytes(core.ffi.buffer(machine.unit.c.harness_public_key(), 32))
    machine.gateway.firmware = signed(V2)
    machine.until(lambda: bool(machine.gateway.statuses))
    assert not machine.gateway.statuses[-1].updates
    machine.run(700)
    assert not machine.gateway.fetched


def test_without_a_boot_loader(core: Core) -> None:
    """An image that is not what lies in the slot takes no update and confirms none."""
    machine = make(core)
    assert machine.unit.c.harness_boot_slot() == 0
    machine.unit.c.harness_version(V3)
    assert machine.unit.start()
    machine.gateway.public_key = bytes(core.ffi.buffer(machine.unit.c.harness_public_key(), 32))
    machine.until(lambda: bool(machine.gateway.statuses))
    assert not machine.gateway.statuses[-1].updates
    assert machine.floor == 0


def _settled(core: Core) -> tuple[bytes, bytes]:
    """Memory and slots of a unit that runs 1.0.0 and was configured."""
    machine = make(core)
    machine.put(0, signed(V1, size=90))
    machine.boot()
    machine.until(lambda: machine.floor == V1)
    return bytes(machine.memory), bytes(machine.slots)


def _updated(core: Core, settled: tuple[bytes, bytes], cut: int, tears: bool) -> tuple[Machine, bool]:
    """A whole update, with power cut after `cut` more bytes were written; whether it was cut."""
    machine = make(core)
    machine.memory[:], machine.slots[:] = settled
    whole = {signed(V1, size=90), signed(V2, size=90)}
    machine.gateway.firmware = signed(V2, size=90)
    machine.boot()
    machine.unit.c.harness_cut(cut, tears)
    lost = False
    while machine.floor != V2:
        try:
            machine.until(lambda: machine.floor == V2)
        except PowerLost:
            lost = True
            machine.unit.c.harness_cut(-1, 0)
            machine.boot()
            assert machine.content(machine.runs)[: ENVELOPE_BYTES + 90] in whole
    return machine, lost


@pytest.mark.parametrize("tears", [False, True])
def test_power_cuts(core: Core, tears: bool) -> None:
    """Power lost at each byte that an update writes: a whole image boots, and the update comes to its end."""
    settled = _settled(core)
    cut = 0
    while True:
        machine, lost = _updated(core, settled, cut, tears)
        assert (machine.runs, machine.phase, machine.floor) == (1, NONE, V2)
        assert machine.unit.c.harness_boot_slot() == 1
        if not lost:
            break
        cut += 1
    assert cut > 300
