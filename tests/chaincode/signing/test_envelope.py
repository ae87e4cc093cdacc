"""The envelope of a receipt's file: what is in it is read, and every other file is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chaincode.errors import InvalidArgument
from chaincode.fields import encode
from chaincode.signing import receipt as embedded
from chaincode.signing.block import InclusionProof
from chaincode.signing.envelope import MAX_BYTES
from chaincode.signing.fabric import receipt as fabric
from chaincode.signing.fabric.attestation import AttestedBlock

PROOF = InclusionProof(b"header", b"signature", b"certificate", b"transaction", 3, (b"path",))
EMBEDDED = embedded.Receipt("condocharge", "ab" * 32, (PROOF,))
FABRIC = fabric.FabricReceipt("condocharge", "ab" * 32, ((2, 1),), (AttestedBlock(b"p", b"r", b"e"),))
Decode = Callable[[bytes], object]
BOTH = pytest.mark.parametrize(
    ("decode", "receipt"),
    [(embedded.decode_receipt, EMBEDDED), (fabric.decode_receipt, FABRIC)],
    ids=["embedded", "fabric"],
)
Receipts = embedded.Receipt | fabric.FabricReceipt


@BOTH
def test_a_receipt_is_read_as_it_was_written(decode: Decode, receipt: Receipts) -> None:
    """Both forms come back as their parts, and neither reader takes the other's."""
    assert decode(receipt.encode()) == receipt
    other = FABRIC if receipt is EMBEDDED else EMBEDDED
    with pytest.raises(InvalidArgument, match=r"^ledger breaks the rule: "):
        decode(other.encode())


@BOTH
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"version": 2}, "version breaks the rule: is an integer from 1 to 1"),
        ({"kind": "bill"}, "kind breaks the rule: is one of condocharge-receipt"),
        ({"network": ""}, "network breaks the rule: is a string of 1 to 64 characters"),
        ({"session": "ab"}, "session breaks the rule: "),
        ({"note": "paid"}, "note breaks the rule: "),
        ({"proofs": 1, "transactions": 1}, "breaks the rule: is a list of at most 4096 members"),
        ({"proofs": [7], "blocks": [7]}, "receipt breaks the rule: is a file of proofs: "),
    ],
)
def test_every_member_is_held_to_its_rule(
    decode: Decode, receipt: Receipts, change: dict[str, Any], sentence: str
) -> None:
    """The refusal names the member and what it should have been."""
    own = json.loads(receipt.encode())
    members = own | {name: value for name, value in change.items() if name in own or name == "note"}
    with pytest.raises(InvalidArgument) as caught:
        decode(encode(members))
    assert sentence in str(caught.value)


@BOTH
@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (b"nonsense", "receipt breaks the rule: is a file of proofs: "),
        (b"\xff", "receipt breaks the rule: is a file of proofs: "),
        (b"[" * 100_000, "receipt breaks the rule: is a file of proofs: "),
        (b"[]", "receipt breaks the rule: is one JSON object"),
        (b'"receipt"', "receipt breaks the rule: is one JSON object"),
        (b" " * (MAX_BYTES + 1), f"receipt breaks the rule: has at most {MAX_BYTES} bytes"),
    ],
    ids=["words", "octets", "depth", "list", "string", "size"],
)
def test_what_is_no_receipt_is_refused(decode: Decode, receipt: Receipts, file: bytes, sentence: str) -> None:
    """No other kind of error comes out, whatever the bytes are."""
    del receipt
    with pytest.raises(InvalidArgument) as caught:
        decode(file)
    assert sentence in str(caught.value)


@BOTH
def test_another_spelling_of_the_same_members_is_refused(decode: Decode, receipt: Receipts) -> None:
    """White space, another order and a doubled member leave no room for what nobody signed."""
    file = receipt.encode()
    members = json.loads(file)
    backwards = {name: members[name] for name in sorted(members, reverse=True)}
    doubled = file.replace(b'"kind"', b'"kind":"condocharge-receipt","kind"')
    for other in (file + b"\n", json.dumps(backwards, separators=(",", ":")).encode(), doubled):
        with pytest.raises(InvalidArgument, match="is written exactly as receipts are"):
            decode(other)
