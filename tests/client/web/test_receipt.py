"""The wallet's own verification of receipts, run by Node.js on receipts that a real ledger proves."""

from __future__ import annotations

import asyncio
import base64
import datetime
import hashlib
import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chaincode.contract import dispatch
from chaincode.signing import domain, merkle
from chaincode.signing.batch import Flag
from chaincode.signing.block import decode_header
from chaincode.signing.intent import intent_id
from chaincode.signing.receipt import Receipt, collect
from chaincode.signing.transaction import decode_transaction
from network.authority import Authority
from network.embedded.ledger import EmbeddedLedger
from network.organisation import Organisation
from tests.chaincode.memory import MemoryLedger
from tests.chaincode.world import HOUR, PartyCondominium, PartyUnit, PartyWallet
from tools.web import node

pytestmark = pytest.mark.slow
WEB = Path(__file__).resolve().parents[3] / "client" / "web"
START = datetime.datetime(2026, 3, 1, 6, 30, tzinfo=datetime.UTC)
BANDS = [
    {"name": "night", "energy_price": 93_700, "idle_price": 0},
    {"name": "day", "energy_price": 183_400, "idle_price": 50_000},
]
WEEK = [{"minute": d * 1440 + m, "band": b} for d in range(7) for m, b in ((0, 0), (420, 1), (1350, 0))]


class House:
    """A condominium on an embedded ledger, whose clock the tests set."""

    def __init__(self, key_class: str) -> None:
        self.now = int(START.timestamp())
        self.authority = Authority.create("aurora", START)
        self.party = PartyCondominium("aurora", MemoryLedger("testing"))
        self.wallet = PartyWallet()
        self.unit = PartyUnit(7, "aurora", "testing", key_class, attesting=self.party.signing)

    async def charge(self, folder: Path) -> Receipt:
        """One session from purchase to settlement, across the end of the night, with idle minutes."""
        admin, gateway, signer = (self.authority.issue(r, r, START) for r in ("admin", "gateway", "ledger"))
        async with await EmbeddedLedger.open(
            folder / "ledger.db",
            channel="testing",
            identity=gateway,
            signer=signer,
            organisations=[Organisation("auroraMSP", self.authority.root)],
            dispatch=dispatch,
            now=lambda: self.now * 1000,
        ) as ledger:
            self.ledger = ledger
            await self.found(ledger.as_identity(admin))
            return await self._session()

    async def _submit(self, function: str, *arguments: bytes | dict[str, Any], ledger: Any = None) -> str:
        raw = [a if isinstance(a, bytes) else json.dumps(a).encode() for a in arguments]
        done = await (ledger or self.ledger).submit("condocharge-aurora", function, raw)
        return str(done.transaction_id)

    async def found(self, admin: EmbeddedLedger) -> None:
        """Register, publish, enrol, sell."""
        signing_key = bytes(self.party.signing.verify_key).hex()
        house = {"code": "aurora", "name": "Aurora", "currency": "EUR", "decimals": 2, "grace": 3600}
        await self._submit("condominium.register", house | {"signing_key": signing_key}, ledger=admin)
        offsets = [{"start": 0, "seconds": 0}]
        tariff = {"number": 1, "valid_from": self.now, "start_fee": 25, "bands": BANDS, "week": WEEK}
        await self._submit("tariff.publish", tariff | {"offsets": offsets})
        unit = {"unit": 7, "class": self.unit.key_class, "nominal_current": 32_000, "nominal_voltage": 2_300}
        if self.unit.key_class == "ed25519":
            unit["key"] = bytes(self.unit.key.verify_key).hex()
        await self._submit("unit.enrol", unit | {"phases": 1})
        await self._submit("token.issue", {"reference": "p", "wallet": self.wallet.id, "amount": 2_000})

    async def _session(self) -> Receipt:
        self.party.ledger.now = self.now * 1000
        tariff = await self.ledger.evaluate("condocharge-aurora", "tariff.get", [b"1"])
        intent = replace(
            self.party.intent(self.wallet, self.unit, amount=1_500),
            network="testing",
            tariff_hash=hashlib.sha256(tariff).hexdigest(),
        )
        body, signature = self.wallet.sign(intent)
        session, begin = intent_id(body), self.now
        idle = Flag.COMPLETE | Flag.CONNECTED
        steps = [
            ("session.start", [self.unit.evidence(session, begin, 1_000, flags=Flag.BEGIN)]),
            ("session.checkpoint", [self.unit.evidence(session, begin + 1_800, 3_000_123)]),
            (
                "session.settle",
                [
                    self.unit.evidence(session, begin + HOUR, 6_000_456, flags=idle),
                    self.unit.evidence(session, begin + HOUR + 600, 6_000_456, flags=idle | Flag.END),
                ],
            ),
        ]
        own = [await self._submit("session.open", body, signature)]
        for function, evidence in steps:
            self.now += 1_800
            reason = [b"StoppedByEV"] if function == "session.settle" else []
            own.append(await self._submit(function, session.encode(), *reason, *evidence))
        proofs = [await self.ledger.prove(identity) for identity in own]
        return await collect("testing", session, proofs, self.ledger.prove_at)


@pytest.fixture(scope="module", params=["ed25519", "mac"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[House, Receipt]:
    """A house and the receipt of its session, for each class of unit."""
    house = House(request.param)
    return house, asyncio.run(house.charge(tmp_path_factory.mktemp("ledger")))


def verify(folder: Path, root: bytes, files: Sequence[bytes]) -> list[dict[str, Any]]:
    """What the wallet's verifier says of each file."""
    (folder / "root.pem").write_bytes(root)
    names = []
    for index, file in enumerate(files):
        names.append(str(folder / f"{index}.json"))
        Path(names[-1]).write_bytes(file)
    (folder / "list").write_text(json.dumps(names))
    script = Path(__file__).with_name("verify.mjs")
    module = WEB / "wallet" / "receipt" / "verify.js"
    command = [str(node()), str(script), str(module), str(folder / "root.pem"), str(folder / "list")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_a_true_receipt_verifies(made: tuple[House, Receipt], tmp_path: Path) -> None:
    """Bands, start fee and idle minutes come to the same sum on the phone as on the ledger."""
    house, receipt = made
    [verdict] = verify(tmp_path, house.authority.root, [receipt.encode()])
    # 2.999123 kWh at night, 3.000333 kWh and 10 idle minutes by day, 0.25 to start.
    assert verdict["state"] == "settled"
    assert verdict["settlement"]["cost"] == 25 + (2_999_123 * 937 + 3_000_333 * 1_834) // 10**8 + 50
    assert verdict["settlement"]["energy"] == 5_999_456


def test_every_forgery_fails(made: tuple[House, Receipt], tmp_path: Path) -> None:
    """A byte of any proof, a missing transaction, another root, another session: none passes."""
    house, receipt = made
    forged = []
    for index, proof in enumerate(receipt.proofs):
        for member in ("header", "signature", "transaction"):
            body = getattr(proof, member)
            for position in {0, len(body) // 3, len(body) // 2, len(body) - 1}:
                altered = bytearray(body)
                altered[position] ^= 1
                members: dict[str, Any] = {member: bytes(altered)}
                changed = replace(proof, **members)
                proofs = (*receipt.proofs[:index], changed, *receipt.proofs[index + 1 :])
                forged.append(replace(receipt, proofs=proofs).encode())
        # The wallet's bill does not need the purchase and the enrolment; the auditor's verifier does.
        if decode_transaction(proof.transaction).proposal.function not in ("token.issue", "unit.enrol"):
            without = receipt.proofs[:index] + receipt.proofs[index + 1 :]
            forged.append(replace(receipt, proofs=without).encode())
    forged.append(replace(receipt, session="00" * 32).encode())
    forged.append(replace(receipt, network="elsewhere").encode())
    forged.append(b"{}")
    forged.append(receipt.encode()[:-40])
    verdicts = verify(tmp_path, house.authority.root, forged)
    assert [i for i, verdict in enumerate(verdicts) if "failed" not in verdict] == []
    links = {verdict["failed"] for verdict in verdicts}
    assert links <= {
        "form",
        "certificate",
        "block",
        "network",
        "missing",
        "tariff",
        "intent",
        "reading",
        "bill",
    }
    [foreign] = verify(tmp_path, Authority.create("aurora", START).root, [receipt.encode()])
    assert foreign == {"failed": "certificate"}


def test_a_bill_that_does_not_follow_from_the_readings_fails(
    made: tuple[House, Receipt], tmp_path: Path
) -> None:
    """A condominium that signs a false settlement itself is found out by the arithmetic."""
    house, receipt = made
    signer = house.authority.issue("ledger", "ledger", START)
    proof = receipt.proofs[-1]
    assert b'"cost":' in proof.transaction
    altered = proof.transaction.replace(b'"cost":', b'"c0st":')
    assert base64.b64encode(altered) != base64.b64encode(proof.transaction)
    header = replace(decode_header(proof.header), data_hash=merkle.leaf_hash(altered), size=1).encode()
    signed = replace(
        proof,
        header=header,
        signature=signer.sign(domain.BLOCK + header),
        certificate=signer.certificate,
        transaction=altered,
        index=0,
        path=(),
    )
    file = replace(receipt, proofs=(*receipt.proofs[:-1], signed)).encode()
    [verdict] = verify(tmp_path, house.authority.root, [file])
    assert verdict == {"failed": "bill"}
