"""A federation's status as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from network.federation.status import CondominiumStatus, NamespaceStatus


def machines(found: Sequence[CondominiumStatus]) -> Table:
    """What runs, how far it is, who leads and which certificate ends first."""
    table = Table("condominium", "peer", "orderer", "chaincode", "leads", "first certificate to end")
    for entry in found:
        first = min(entry.certificates, key=lambda file: (entry.certificates[file], file))
        table.add_row(
            entry.code,
            _height(entry.peer_height, entry.lag),
            _height(entry.orderer_height, entry.orderer_lag),
            "up" if entry.processes["chaincode"] else "down",
            "yes" if entry.leads else "",
            f"{entry.certificates[first]} {first}",
        )
    return table


def approvals(found: Sequence[CondominiumStatus]) -> Table:
    """Who has approved what, as the first peer that answers sees it."""
    table = Table("namespace", "rules", "definition", "approved by", "not yet by", "next rules approved by")
    for entry in max((each.namespaces for each in found), key=len):
        definition = str(entry.sequence) if entry.sequence else "not committed"
        approved, awaited = ", ".join(entry.approved_by), ", ".join(entry.awaited)
        table.add_row(entry.namespace, entry.version, definition, approved, awaited, _following(entry))
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


def _following(entry: NamespaceStatus) -> str:
    if entry.next_approved_by is None:
        return ""
    return ", ".join(entry.next_approved_by) or "nobody"
