"""A federation's status as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from chaincode.condominium import msp_id_of, namespace_of
from network.federation.status import CondominiumStatus, NamespaceStatus


def machines(found: Sequence[CondominiumStatus]) -> Table:
    """What runs, how far it is, who leads and when the first certificate ends; fits into 80 columns."""
    table = Table()
    table.add_column("condominium", no_wrap=True)
    for name in ("peer", "orderer", "chaincode", "leads", "valid until"):
        table.add_column(name)
    for entry in found:
        table.add_row(
            entry.code,
            _height(entry.peer_height, entry.lag),
            _height(entry.orderer_height, entry.orderer_lag),
            "up" if entry.processes["chaincode"] else "down",
            "yes" if entry.leads else "",
            entry.certificates_end,
        )
    return table


def first_to_end(found: Sequence[CondominiumStatus]) -> str:
    """Which certificate of all ends first, as a sentence."""
    ends = [(end, entry.code, file) for entry in found for file, end in entry.certificates.items()]
    end, code, file = min(ends)
    return f"The first certificate to end is {code}'s {file}, on {end}."


def approvals(found: Sequence[CondominiumStatus]) -> Table:
    """Who has approved what, by code, as the first peer that answers sees it; fits into 80 columns.

    The columns of who has not and of who has approved what comes next are there where anybody is in them.
    """
    spaces = max((each.namespaces for each in found), key=len)
    columns = {
        "namespace of": [each.namespace.removeprefix(namespace_of("")) for each in spaces],
        "rules": [each.version for each in spaces],
        "definition": [str(each.sequence) if each.sequence else "not committed" for each in spaces],
        "approved by": [_codes(each.approved_by) for each in spaces],
        "not yet by": [_codes(each.awaited) for each in spaces],
        "next rules approved by": [_following(each) for each in spaces],
    }
    shown = {name: cells for name, cells in columns.items() if any(cells)}
    table = Table()
    for name in shown:
        table.add_column(name, no_wrap=name == "namespace of", overflow="fold")
    for row in zip(*shown.values(), strict=True):
        table.add_row(*row)
    return table


def unanswered(found: Sequence[CondominiumStatus]) -> list[str]:
    """A sentence for each peer that did not say what is approved in every namespace."""
    return [
        f"{entry.code}: its peer told of {len(entry.namespaces)} namespaces and then failed: "
        f"{entry.namespaces_error}"
        for entry in found
        if entry.namespaces_error is not None
    ]


def _height(height: int | None, lag: int | None) -> str:
    if height is None:
        return "down"
    return f"height {height}, {lag} behind" if lag else f"height {height}"


def _codes(msp_ids: Sequence[str]) -> str:
    return ", ".join(each.removesuffix(msp_id_of("")) for each in msp_ids)


def _following(entry: NamespaceStatus) -> str:
    if entry.next_approved_by is None:
        return ""
    return _codes(entry.next_approved_by) or "nobody"
