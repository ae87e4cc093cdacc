"""A terminal for the command's tests: its own home, cheap passphrases, and a gateway that answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from nacl import pwhash

from client.command import access
from client.command.main import main
from client.wallet import gateway as gateway_module
from client.wallet.keystore import Cost, Keystore
from tests.client.relay import ADDRESS, CONDOMINIUM, Relay

PASSPHRASE = "correct horse"


def certificate() -> str:
    """A self-signed certificate, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


@dataclass
class Terminal:
    """Runs `condocharge` as a person or a script would."""

    relay: Relay
    home: Path

    def run(self, *words: str, typed: str = "") -> Result:
        """The outcome of a command line, with what was typed at its prompts."""
        return CliRunner().invoke(main, words, input=typed, catch_exceptions=False)

    def done(self, *words: str) -> str:
        """The standard output of a command line that must succeed."""
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: str) -> Any:
        """The JSON value that is the whole standard output."""
        return json.loads(self.done(*words, "--json"))

    def refused(self, *words: str, code: int = 1) -> str:
        """The sentence with which a command line fails."""
        result = self.run(*words)
        assert result.exit_code == code, result.output
        assert result.stdout == ""
        return result.stderr


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal without a wallet; the passphrase is in the environment."""
    relay = Relay()
    relay.answers["GET /v1/condominium"] = (200, CONDOMINIUM | {"root_certificate": certificate()})
    cheap = Cost(pwhash.argon2id.OPSLIMIT_MIN, pwhash.argon2id.MEMLIMIT_MIN)
    monkeypatch.setattr(access, "Keystore", partial(Keystore, cost=cheap))
    monkeypatch.setattr(httpx, "Client", lambda **_: relay.client())
    monkeypatch.setattr(gateway_module, "_PAUSE", 0)
    monkeypatch.setenv("CONDOCHARGE_HOME", str(tmp_path))
    monkeypatch.setenv("CONDOCHARGE_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("CONDOCHARGE_GATEWAY", ADDRESS)
    monkeypatch.delenv("CONDOCHARGE_WALLET", raising=False)
    return Terminal(relay, tmp_path)


@pytest.fixture
def maria(terminal: Terminal) -> str:
    """The id of the one wallet, maria's, with a balance of 20.00."""
    wallet: str = terminal.json("wallet", "create", "maria")["wallet"]
    balance = {"wallet": wallet, "issuer": "sol", "balance": 2_000, "escrow": 0}
    terminal.relay.answers[f"GET /v1/wallets/{wallet}"] = (200, balance)
    return wallet
