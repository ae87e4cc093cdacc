"""A unit's configuration is for that unit, in that start, by this condominium."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaincode.errors import InvalidArgument
from chaincode.signing import domain
from chaincode.signing.configuration import BODY_BYTES, decode_configuration
from chaincode.unit import ED25519
from gateway.metering.refusal import RefusalKind, Refused
from gateway.metering.service import Metering
from tests.gateway.metering.meter import NETWORK, SIGNING_PUBLIC, START, Meter, Place


async def test_it_is_authentic(metering: Metering, meter: Meter) -> None:
    """Signed by the condominium's signing key, or under the unit's MAC key; it names boot and time."""
    message = await metering.configurations.compose(7, boot=3)
    body, tag = message[:BODY_BYTES], message[BODY_BYTES:]
    if meter.unit_class == ED25519:
        assert domain.verifies(SIGNING_PUBLIC, domain.CONFIGURATION, body, tag)
    else:
        assert domain.authenticates(meter.mac_key, domain.CONFIGURATION, body, tag)
    configuration = decode_configuration(body)
    assert (configuration.unit, configuration.network, configuration.boot) == (7, NETWORK, 3)
    assert (configuration.issued, configuration.transmission, configuration.maximum) == (START, 60, 160)
    assert (configuration.server, configuration.port) == ("gateway.example", 8_080)


async def test_a_unit_without_settings(metering: Metering) -> None:
    """There is nothing to send."""
    with pytest.raises(Refused) as caught:
        await metering.configurations.compose(99, boot=1)
    assert caught.value.kind is RefusalKind.UNKNOWN_UNIT


async def test_a_retired_unit(metering: Metering, meter: Meter) -> None:
    """It gets none."""
    meter.active = False
    with pytest.raises(Refused) as caught:
        await metering.configurations.compose(7, boot=1)
    assert caught.value.kind is RefusalKind.RETIRED_UNIT


async def test_settings_that_do_not_fit(metering: Metering, place: Place) -> None:
    """The field is named."""
    place.configuration = replace(place.configuration, server="s" * 40)
    with pytest.raises(InvalidArgument, match=r"configuration\.server"):
        await metering.configurations.compose(7, boot=1)
