"""A gateway and ledger in a process of their own whose clock the tests move, and a resident with a wallet.

`python -m tests.firmware.condominium DIRECTORY SETTINGS` serves REST on a port of the system's choice. It
prints one line with the port and the first administrator's invitation, then moves its clock to each number
(ms) that it reads and says so; it ends with its input. Everything but the clock is as `condocharge serve`
has it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from chaincode.signing.intent import Intent, MandateIntent, OpenIntent, StopIntent, new_nonce
from chaincode.signing.query import sign_query
from gateway.app import Gateway
from gateway.clock import SimulatedClock
from gateway.settings import load
from tests.chaincode.world import PartyWallet, secret_of
from tests.gateway.house import CHEAP, ENVIRONMENT, PASSWORD

REPOSITORY = Path(__file__).parents[2]
CODE = ENVIRONMENT["CONDOCHARGE_CONDOMINIUM_CODE"]
START = 1_767_225_600_000
"""1 January 2026, in ms."""
ENERGY_PRICE = 1_000_000_000
"""A thousand a kilowatt-hour, so that a minute costs something."""
_PATIENCE = 60.0


class Condominium:
    """The gateway as its operator and its units see it. Its time passes in `advance` alone."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._orders, self._answers = process.stdin, process.stdout
        ready = json.loads(self._line())
        self.port: int = ready["port"]
        self.milliseconds = START
        self.address = f"http://127.0.0.1:{self.port}"
        self.operator = httpx.Client(base_url=self.address, timeout=_PATIENCE)
        account = self.post("/v1/invitations/accept", {"token": ready["invitation"], "password": PASSWORD})
        login = {"username": account["username"], "password": PASSWORD}
        self.token: str = self.post("/v1/login", login)["token"]
        self.operator.headers["authorization"] = f"Bearer {self.token}"

    @property
    def now(self) -> int:
        """Unix seconds."""
        return self.milliseconds // 1000

    def _line(self) -> str:
        line = self._answers.readline()
        assert line, "the gateway has ended"
        return line

    def advance(self, seconds: float) -> None:
        """Let time pass at the gateway."""
        self.milliseconds += round(seconds * 1000)
        self._orders.write(f"{self.milliseconds}\n")
        self._orders.flush()
        assert int(self._line()) == self.milliseconds

    def processor_seconds(self) -> float:
        """What the gateway has used of the processor since it started."""
        self._orders.write("processor\n")
        self._orders.flush()
        return float(self._line())

    def post(self, path: str, members: dict[str, Any] | None = None) -> Any:
        """What the operator's request is answered."""
        answer = self.operator.post(path, json=members or {})
        assert answer.is_success, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        """Likewise."""
        answer = self.operator.get(path)
        assert answer.is_success, answer.text
        return answer.json()

    def furnish(self, *, load: int = 60_000) -> None:
        """A group and a tariff."""
        self.post("/v1/groups", {"code": "garage", "name": "Garage", "maximum_load": load, "phases": 1})
        bands = [{"name": "all day", "energy_price": ENERGY_PRICE, "idle_price": 0}]
        self.post("/v1/tariffs", {"start_fee": 0, "bands": bands})

    def soon(self, state: Callable[[], bool]) -> None:
        """Wait in real time for what the gateway does at the same instant of its own."""
        end = time.monotonic() + _PATIENCE
        while not state():
            assert time.monotonic() < end, "it does not come about"
            time.sleep(0.01)


class Resident:
    """A wallet that buys and signs."""

    def __init__(self, condominium: Condominium, reference: str, amount: int) -> None:
        """With `amount` minor units bought under `reference`."""
        self.condominium = condominium
        self.wallet = PartyWallet()
        self.channel: str = condominium.get("/v1/condominium")["network"]
        purchase = {"reference": reference, "wallet": self.wallet.id, "amount": amount}
        condominium.post("/v1/purchases", purchase)

    def open(self, unit: int, *, amount: int, duration: int) -> str:
        """A session's id: `amount` minor units locked for `duration` seconds."""
        intent = OpenIntent(
            **self._common(), condominium=CODE, unit=unit, tariff=1, issuer=CODE, amount=amount,
            duration=duration,
        )  # fmt: skip
        session: str = self._submit(intent)["id"]
        return session

    def stop(self, session: str) -> None:
        """End it."""
        self._submit(StopIntent(**self._common(), session=session))

    def permit(self, tag: str, *, cap: int, duration: int) -> str:
        """A mandate's id: what the tag with this hash may spend in one session, at every unit."""
        intent = MandateIntent(
            **self._common(), issuer=CODE, condominium=CODE, units=(), tags=(tag,), session_cap=cap,
            period_cap=10 * cap, period=86_400, until=self.condominium.now + 86_400, duration=duration,
            price_limit=ENERGY_PRICE,
        )  # fmt: skip
        mandate: str = self._submit(intent)["id"]
        return mandate

    def waiting_tags(self, unit: int) -> list[str]:
        """Hashes of the tags that were held to a unit's reader lately and that wait for a mandate."""
        target = f"/v1/wallets/{self.wallet.id}/tags?unit={unit}"
        header = sign_query(
            secret_of(self.wallet.key), wallet=bytes.fromhex(self.wallet.id), method="GET", target=target,
            network=self.channel, body=b"", time=self.condominium.now, nonce=bytes.fromhex(new_nonce()),
        ).encode()  # fmt: skip
        answer = httpx.get(self.condominium.address + target, headers={"authorization": header})
        assert answer.is_success, answer.text
        return [row["tag"] for row in answer.json()["rows"]]

    def _common(self) -> dict[str, Any]:
        return {
            "network": self.channel, "wallet": self.wallet.id, "nonce": new_nonce(),
            "expires": self.condominium.now + 600,
        }  # fmt: skip

    def _submit(self, intent: Intent) -> Any:
        body, signature = (_base64url(part) for part in self.wallet.sign(intent))
        return self.condominium.post("/v1/intents", {"body": body, "signature": signature})


@contextmanager
def serving(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Condominium]:
    """A condominium whose files are in `folder`, with environment variables as further settings."""
    command = [sys.executable, "-m", "tests.firmware.condominium", str(folder), json.dumps(settings or {})]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        condominium = Condominium(process)
        yield condominium
        condominium.operator.close()
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(_PATIENCE)
        finally:
            process.kill()


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


async def _serve(folder: Path, further: Mapping[str, str]) -> None:
    clock = SimulatedClock(START)
    settings = load(None, {**ENVIRONMENT, **further, "CONDOCHARGE_DIRECTORY": str(folder)})
    async with await Gateway.open(settings, clock, CHEAP) as gateway:
        invited = await gateway.start()
        assert invited is not None
        config = uvicorn.Config(
            gateway.app, host="127.0.0.1", port=0, lifespan="off", log_level="error", access_log=False
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event for it
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        _say(json.dumps({"port": port, "invitation": invited.token}))
        loop = asyncio.get_running_loop()
        while order := await loop.run_in_executor(None, sys.stdin.readline):
            if order == "processor\n":
                _say(str(time.process_time()))
                continue
            await clock.advance_to(int(order))
            _say(order.strip())
        server.should_exit = True
        await gateway.stop()
        await serving


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), json.loads(sys.argv[2])))
