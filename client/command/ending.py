"""`condocharge stop` and `reclaim`: the two ends of a session that are the wallet's own."""

from __future__ import annotations

import time

import click

from chaincode.signing.intent import ReclaimIntent, StopIntent
from client.command.access import Unlocked, choose, unlocked, wallet_options
from client.command.session import only, running, session_argument
from client.command.terminal import json_option, notices, print_facts, print_json
from client.command.watching import follow
from client.wallet.answer import Session


@click.command()
@session_argument
@click.option("--no-wait", is_flag=True, help="Do not wait for the refund.")
@wallet_options
@json_option
def stop(*, session: str | None, no_wait: bool, name: str | None, address: str | None, as_json: bool) -> None:
    """End a session, and show what it cost and what came back.

    Without SESSION it is the one that has not ended; where there are several, say which. It
    ends with the unit's last reading.
    """
    with unlocked(choose(name), address) as opened:
        chosen = session or only(opened, "that has not ended", running)
        intent = StopIntent(**opened.members(), session=chosen)
        if no_wait:
            _submit(opened, intent, as_json=as_json)
        else:
            opened.gateway.submit(opened.key.sign(intent))
            follow(opened, chosen, as_json=as_json, ends=True)
    if no_wait and not as_json:
        notices().print("It ends with the unit's last reading; `condocharge watch` shows the refund.")


@click.command()
@session_argument
@wallet_options
@json_option
def reclaim(session: str | None, name: str | None, address: str | None, as_json: bool) -> None:
    """Take back the tokens of a session that the condominium did not settle in time.

    Without SESSION it is the one that has not ended though its deadline has passed; where there are
    several, say which.
    """
    now = int(time.time())

    def late(each: Session) -> bool:
        return running(each) and each.deadline < now

    with unlocked(choose(name), address) as opened:
        chosen = session or only(opened, "that is past its deadline and not settled", late)
        _submit(opened, ReclaimIntent(**opened.members(), session=chosen), as_json=as_json)


def _submit(opened: Unlocked, intent: StopIntent | ReclaimIntent, *, as_json: bool) -> None:
    record = opened.gateway.submit(opened.key.sign(intent))
    if as_json:
        print_json(record)
    else:
        facts = [("session", intent.session), ("unit", record.get("unit")), ("state", record.get("state"))]
        print_facts(facts)
