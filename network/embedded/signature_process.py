"""Verifies ECDSA P-256 signatures in a process of its own: `python signature_process.py`.

Python runs one thread at a time, and verifying is a sixth of what a transaction costs; a second core does it
meanwhile. The process knows nothing of the ledger and ends when its standard input does.

A request is u32 length of the rest, u32 count of keys, the keys (65 bytes, uncompressed points), and then
for each signature: u32 index of its key, 32 bytes SHA-256 of what was signed, u32 length, the signature
(DER). The answer is one byte for each signature, 1 where it verifies. All integers are little-endian. One
byte is written before the first request, when the process is ready.
"""

from __future__ import annotations

import signal
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

KEY_BYTES = 65
READY = b"\1"
Check = tuple[bytes, bytes, bytes]
"""A key (uncompressed point), a digest and a signature."""
_ALGORITHM = ec.ECDSA(Prehashed(SHA256()))
_U32 = struct.Struct("<I")
_HEAD = struct.Struct("<I32sI")


def encode_request(checks: Sequence[Check]) -> bytes:
    """The request for these signatures."""
    keys: dict[bytes, int] = {}
    items = [
        _HEAD.pack(keys.setdefault(key, len(keys)), digest, len(signature)) + signature
        for key, digest, signature in checks
    ]
    rest = b"".join((_U32.pack(len(keys)), *keys, *items))
    return _U32.pack(len(rest)) + rest


def decode_request(rest: bytes) -> Iterator[Check]:
    """The signatures of a request, whose length has been taken off."""
    (count,) = _U32.unpack_from(rest)
    start = _U32.size + count * KEY_BYTES
    keys = [rest[place : place + KEY_BYTES] for place in range(_U32.size, start, KEY_BYTES)]
    while start < len(rest):
        index, digest, length = _HEAD.unpack_from(rest, start)
        start += _HEAD.size
        yield keys[index], digest, rest[start : start + length]
        start += length


def verify_all(checks: Iterator[Check], known: dict[bytes, ec.EllipticCurvePublicKey]) -> bytes:
    """One byte for each signature; keys are read once and remembered in `known`."""
    answer = bytearray()
    for point, digest, signature in checks:
        key = known.get(point)
        if key is None:
            key = known[point] = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        try:
            key.verify(signature, digest, _ALGORITHM)
        except InvalidSignature:
            answer.append(0)
        else:
            answer.append(1)
    return bytes(answer)


def main() -> None:
    """Answer requests until there are no more."""
    # An interrupt from the terminal is the ledger's to obey; this process ends with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    known: dict[bytes, ec.EllipticCurvePublicKey] = {}
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(READY)
    answers.flush()
    while head := requests.read(_U32.size):
        rest = requests.read(_U32.unpack(head)[0])
        answers.write(verify_all(decode_request(rest), known))
        answers.flush()


if __name__ == "__main__":
    # Whoever would read the answer may have been killed: there is nothing to answer then.
    with suppress(BrokenPipeError):
        main()
