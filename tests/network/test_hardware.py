"""An identity whose key is in a PKCS #11 token (SoftHSM), alone and on a real Fabric network."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from chaincode.condominium import namespace_of
from chaincode.signing.certificate import parse
from gateway.clock import SystemClock
from gateway.membership import join
from gateway.settings import load
from network.authority import Authority
from network.fabric import FabricLedger
from network.federation.administration import own_peer
from network.federation.description import CHANNEL
from network.federation.issuer import issuer_of
from network.hardware import HardwareIdentity
from network.identity import Identity, IdentityError
from tests.federation import Network
from tests.network.test_identity import HALF_ORDER

pytestmark = [pytest.mark.pkcs11, pytest.mark.slow]

TOKEN, PIN = "condominium", "1234"
LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so")


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with tokens of its own; a process reads where they are once, when it loads the library."""
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(settings))
        # What is made later is seen by some tokens' libraries alone.
        for label in (TOKEN, "locked", "cedar"):
            make_token(label)
        yield folder


def make_token(label: str) -> None:
    """An empty one."""
    manage("--init-token", "--free", "--label", label, "--so-pin", "5678", "--pin", PIN)


def manage(*options: str) -> None:
    """SoftHSM's own tool."""
    subprocess.run(["softhsm2-util", *options], check=True, capture_output=True)


def moved_into_the_token(
    identity: Identity, place: Path, label: str, number: str, token: str = TOKEN
) -> Path:
    """Import the identity's key and forget its file; returns the certificate's."""
    certificate, key = place / f"{label}.pem", place / f"{label}.key"
    identity.save(certificate, key)
    options = ("--import", str(key), "--token", token, "--label", label, "--id", number, "--pin", PIN)
    manage(*options)
    key.unlink()
    return certificate


def opened(
    certificate: Path, label: str, pin: str = PIN, msp_id: str = "auroraMSP", token: str = TOKEN
) -> HardwareIdentity:
    """The identity as it is used."""
    library = next(Path(path) for path in LIBRARIES if Path(path).exists())
    return HardwareIdentity.open(msp_id, certificate, library=library, token=token, key=label, pin=pin)


def test_the_token_signs_what_the_certificate_verifies(place: Path) -> None:
    """With a low S, message after message; not before the right PIN was given. It has a token of its own: a
    process that has logged in to one is asked for no PIN again."""
    issued = Authority.create("aurora").issue("gateway", "gateway")
    file = moved_into_the_token(issued, place, "alone", "01", token="locked")
    with pytest.raises(IdentityError, match="'alone' in the token 'locked' cannot be used: PinIncorrect"):
        opened(file, "alone", pin="9999", token="locked")
    identity = opened(file, "alone", token="locked")
    certificate = parse(identity.certificate)
    for number in range(20):
        message = b"message %d" % number
        signature = identity.sign(message)
        assert decode_dss_signature(signature)[1] <= HALF_ORDER
        assert certificate.verifies(message, signature)


def test_what_does_not_fit_is_said(place: Path) -> None:
    """A key that is not there, and a key that is another certificate's; two identities share a token."""
    made = Authority.create("boreal")
    mine = moved_into_the_token(made.issue("one", "gateway"), place, "mine", "02")
    other = moved_into_the_token(made.issue("two", "gateway"), place, "other", "03")
    both = [opened(mine, "mine"), opened(other, "other")]
    assert all(parse(each.certificate).verifies(b"x", each.sign(b"x")) for each in both)
    with pytest.raises(IdentityError, match="'none' in the token"):
        opened(mine, "none")
    with pytest.raises(IdentityError, match="does not belong to the certificate"):
        opened(other, "mine")


@pytest.mark.fabric
async def test_a_gateway_with_a_token_transacts(federation: Network, place: Path, name: str) -> None:
    """Fabric's peers and orderers take its signatures for any other's."""
    folder = federation.folders["boreal"]
    with issuer_of(folder) as issuer:
        issued = issuer.identity("hardware", "gateway")
    certificate = moved_into_the_token(issued, place, "gateway", "04")
    signer = opened(certificate, "gateway", msp_id=folder.member.msp_id)
    ledger = FabricLedger(signer, CHANNEL, [own_peer(folder)])
    await ledger.submit(namespace_of("boreal"), "put", [name.encode(), b"1"])
    assert json.loads(await ledger.evaluate(namespace_of("boreal"), "get", [name.encode()])) == "1"
    await ledger.close()


@pytest.mark.fabric
async def test_a_gateways_settings_name_its_token(
    federation: Network, place: Path, name: str, tmp_path: Path
) -> None:
    """Both of its identities are in it: their files are gone, and the peers take what it signs."""
    folder = tmp_path / "cedar"
    shutil.copytree(federation.folders["cedar"].path, folder)
    for label, number, where in (("gateway", "05", "users/gateway"), ("admin", "06", "admin")):
        key = folder / where / "key.pem"
        manage("--import", str(key), "--token", "cedar", "--label", label, "--id", number, "--pin", PIN)
        key.unlink()
    environment = {
        "CONDOCHARGE_DIRECTORY": str(tmp_path / "state"),
        "CONDOCHARGE_CONDOMINIUM_CODE": "cedar",
        "CONDOCHARGE_LEDGER_KIND": "fabric",
        "CONDOCHARGE_LEDGER_FOLDER": str(folder),
        "CONDOCHARGE_LEDGER_TOKEN": "cedar",
        "CONDOCHARGE_LEDGER_TOKEN_LIBRARY": str(next(each for each in LIBRARIES if Path(each).exists())),
    }
    with pytest.raises(IdentityError, match="'gateway' in the token 'cedar' cannot be used"):
        await join(load(None, environment | {"CONDOCHARGE_LEDGER_TOKEN_PIN": "9999"}), SystemClock())
    membership = await join(load(None, environment | {"CONDOCHARGE_LEDGER_TOKEN_PIN": PIN}), SystemClock())
    for ledger, value in ((membership.ledger, b"1"), (membership.administrator, b"2")):
        await ledger.submit(membership.namespace, "put", [name.encode(), value])
        assert (
            json.loads(await ledger.evaluate(membership.namespace, "get", [name.encode()])) == value.decode()
        )
    await membership.close()
