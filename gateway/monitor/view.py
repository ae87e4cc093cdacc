"""A session as residents and operators see it (docs/rest.md)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from chaincode.session import ATTESTED, CANCELLED, ENDED, OPENED, Session
from gateway.charging.reason import Code, Why
from gateway.monitor.session import Activity, LiveSession
from gateway.rest import body


class WhyAnswer(body.Answer):
    """A reason as a code with values, for a reader's own language."""

    code: str
    values: dict[str, int]


class SessionAnswer(body.Answer):
    """A charging session. Energy in Wh, power in W, current in mA, times in Unix seconds."""

    session: str
    wallet: str
    condominium: str
    issuer: str
    unit: int
    tariff: int
    state: str = Field(description="opened, started, settled, cancelled or reclaimed: as on the ledger.")
    activity: str = Field(description="queued, charging, paused, complete, stopping or ended.")
    reason: str | None = Field(description="A sentence in English.")
    why: WhyAnswer | None
    position: int | None = Field(description="Place in the queue, from 1.")
    expected_start: int | None = Field(description="When its turn is expected, where it is queued.")
    expected_finish: int | None = Field(description="When it is expected to be done if all goes on as now.")
    opened: int
    started: int | None
    ended: int | None
    deadline: int
    leave: int | None
    reclaim_after: int = Field(description="From when the wallet may take back what is not settled.")
    escrow: int
    cost: int
    refund: int | None
    energy: int
    energy_limit: int | None
    power: int
    current: int
    attested: bool
    stopped_reason: str | None


def session_view(
    record: Session, condominium: str, live: LiveSession | None, ended_at: int | None = None
) -> SessionAnswer:
    """The session; `live` where it is under way here, `ended_at` where it ended without a settlement."""
    settlement = record.settlement
    over = record.state in ENDED
    why = None if over else _why(live)
    activity = _activity(record, live)
    outlook = live.outlook if live is not None and live.running and not over else None
    members: dict[str, Any] = {
        "session": record.id,
        "wallet": record.wallet,
        "condominium": condominium,
        "issuer": record.issuer,
        "unit": record.unit,
        "tariff": record.tariff,
        "state": record.state,
        "activity": activity,
        "reason": why.text if why is not None else None,
        "why": WhyAnswer(code=why.code, values=why.values) if why is not None else None,
        "position": why.position if why is not None and why.code is Code.QUEUED else None,
        "expected_start": outlook.begins if outlook is not None and activity is Activity.QUEUED else None,
        "expected_finish": outlook.done if outlook is not None else None,
        "opened": record.opened_at,
        "started": record.first.time if record.first is not None else None,
        "ended": settlement.ended_at if settlement is not None else ended_at,
        "deadline": record.deadline,
        "leave": record.leave,
        "reclaim_after": record.reclaim_after,
        "escrow": record.amount,
        "energy_limit": None if record.energy_limit is None else record.energy_limit // 1000,
        "attested": record.metering == ATTESTED,
        "stopped_reason": settlement.reason if settlement is not None else None,
    }
    return SessionAnswer(**(members | _figures(record, None if over else live)))


def _activity(record: Session, live: LiveSession | None) -> Activity:
    if record.state in ENDED:
        return Activity.ENDED
    if live is not None:
        return live.activity
    return Activity.QUEUED if record.state == OPENED else Activity.CHARGING


def _why(live: LiveSession | None) -> Why | None:
    if live is None:
        return None
    return live.why if live.running else Why(Code.ENDING)


def _figures(record: Session, live: LiveSession | None) -> dict[str, int | None]:
    """Energy, cost and what flows now: so far, or in the end."""
    settlement = record.settlement
    if live is not None:
        drawing = live.vehicle.closed and live.running
        return {
            "energy": live.account.energy // 1000,
            "cost": live.account.cost,
            "refund": None,
            "power": live.vehicle.power // 1000 if drawing else 0,
            "current": live.vehicle.current if drawing else 0,
        }
    if settlement is None:
        refund = record.amount if record.state == CANCELLED else None
        return {"energy": 0, "cost": 0, "refund": refund, "power": 0, "current": 0}
    return {
        "energy": settlement.energy // 1000,
        "cost": settlement.cost,
        "refund": settlement.refund,
        "power": 0,
        "current": 0,
    }
