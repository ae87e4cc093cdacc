"""The bus gives each listener what it listens to, and waits for nobody."""

from __future__ import annotations

from gateway.notification.bus import LAGGED, Bus, Notice


async def test_a_listener_hears_its_topics_in_order() -> None:
    """Others' topics stay with the others."""
    bus = Bus()
    with bus.subscribe("alarms", "session/1") as listener:
        for topic in ("session/1", "session/2", "alarms", "session/1"):
            bus.publish(Notice(topic, "changed"))
        bus.close()
        assert [notice.topic async for notice in listener] == ["session/1", "alarms", "session/1"]


async def test_a_slow_listener_is_dropped_with_notice() -> None:
    """It hears that it was too slow, and nothing more; the quick one misses nothing."""
    bus = Bus(queue=2)
    with bus.subscribe("alarms") as slow, bus.subscribe("alarms") as quick:
        heard = []
        for number in range(4):
            bus.publish(Notice("alarms", "raised", {"number": number}))
            heard.append((await anext(quick)).data["number"])
        assert [notice.name async for notice in slow] == [LAGGED]
        assert heard == [0, 1, 2, 3]
        assert bus.heard("alarms")


async def test_nobody_is_left_behind_when_listeners_go() -> None:
    """A topic without listeners is not heard."""
    bus = Bus()
    assert not bus.heard("alarms")
    with bus.subscribe("alarms"):
        assert bus.heard("alarms")
    assert not bus.heard("alarms")


async def test_a_closed_bus_ends_every_listener() -> None:
    """Also one that comes after it was closed, so that a server can stop."""
    bus = Bus()
    with bus.subscribe("alarms") as early:
        bus.close()
        assert [notice async for notice in early] == []
    with bus.subscribe("alarms") as late:
        assert [notice async for notice in late] == []
