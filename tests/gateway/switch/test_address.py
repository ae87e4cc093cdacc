"""Which addresses of switches are taken, and which the gateway must never be led to."""

from __future__ import annotations

import pytest

from gateway.settings import UnitSettings
from gateway.switch.address import SwitchAddress, SwitchKind

NETWORKS = UnitSettings().switch_networks


@pytest.mark.parametrize(
    ("text", "kind", "base", "channel"),
    [
        ("shelly://192.168.1.30", SwitchKind.SHELLY, "http://192.168.1.30:80", 0),
        ("tasmota://10.1.2.3:8080/2", SwitchKind.TASMOTA, "http://10.1.2.3:8080", 2),
        ("shelly://172.31.0.9/1", SwitchKind.SHELLY, "http://172.31.0.9:80", 1),
    ],
)
def test_kind_address_port_and_channel(text: str, kind: SwitchKind, base: str, channel: int) -> None:
    """Port 80 and the first relay where they are absent."""
    address = SwitchAddress.parse(text)
    address.check(NETWORKS)
    assert (address.kind, address.base, address.channel) == (kind, base, channel)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "192.168.1.30",
        "http://192.168.1.30",
        "shelly://plug.local",
        "shelly://192.168.1.30.evil.example",
        "shelly://user@192.168.1.30",
        "shelly://192.168.1.30/rpc",
        "shelly://192.168.1.30?x=1",
        "shelly://192.168.1.300",
        "shelly://192.168.01.30",
        "shelly://3232235806",
        "shelly://[fd00::1]",
        "shelly://192.168.1.30:0",
        "shelly://192.168.1.30:65536",
        "tasmota://192.168.1.30/8",
        "shelly://192.168.1.30\n",
        "tasmota://192.168.1.30/1" + "0" * 64,
    ],
)
def test_nothing_else_is_an_address(text: str) -> None:
    """Names, other schemes, credentials, paths and queries are refused."""
    with pytest.raises(ValueError, match=r"begins with|has an? "):
        SwitchAddress.parse(text)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "169.254.169.254", "0.0.0.0", "8.8.8.8", "192.0.2.1", "224.0.0.1", "172.32.0.1"]
)
def test_only_private_networks_are_reached(host: str) -> None:
    """Neither this computer, nor a cloud's metadata, nor the internet."""
    with pytest.raises(ValueError, match="switch_networks"):
        SwitchAddress.parse(f"shelly://{host}").check(NETWORKS)


@pytest.mark.parametrize("networks", [("8.0.0.0/8",), ("0.0.0.0/0",), ("192.168.1.5/24",), ("lan",)])
def test_settings_take_private_networks_alone(networks: tuple[str, ...]) -> None:
    """A network that reaches beyond private addresses is refused."""
    with pytest.raises(ValueError, match=r"private networks|IPv4 networks"):
        UnitSettings(switch_networks=networks)
