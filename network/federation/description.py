"""What a federation is: its channel, its members and where they listen. All of it is public."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

from chaincode.condominium import msp_id_of, namespace_of
from chaincode.fields import CODE
from network.file import write

Ordering = Literal["bft", "raft"]
ORDERINGS: tuple[Ordering, ...] = ("bft", "raft")
Certificates = Literal["cryptogen", "ca"]
CERTIFICATES: tuple[Certificates, ...] = ("cryptogen", "ca")
"""Who certifies a condominium's keys: cryptogen and the tool, or a fabric-ca server of its own."""
CHANNEL = "condocharge"
BLOCK_MILLISECONDS = 200
FEWEST_FOR_BFT = 4
"""SmartBFT survives one faulty orderer of four; with fewer it survives none."""


class FederationError(Exception):
    """A federation cannot be made, started or changed as asked; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Member:
    """One condominium, as the others know it. Certificates are PEM."""

    code: str
    host: str
    """The name or address under which the others reach its peer and its orderer."""
    peer_port: int
    orderer_port: int
    consenter: int
    """The orderer's number among the channel's orderers, from 1; never used again."""
    root: str
    """The root of its identities."""
    tls_root: str
    orderer_certificate: str
    orderer_tls_certificate: str

    @property
    def msp_id(self) -> str:
        """The MSP id of its identities."""
        return msp_id_of(self.code)

    @property
    def namespace(self) -> str:
        """The chaincode name that its records live under."""
        return namespace_of(self.code)

    @property
    def peer(self) -> str:
        """`host:port` of its peer."""
        return f"{self.host}:{self.peer_port}"

    @property
    def orderer(self) -> str:
        """`host:port` of its orderer."""
        return f"{self.host}:{self.orderer_port}"

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read a member from JSON. Raises FederationError naming what is wrong."""
        try:
            member = cls(**record)
        except TypeError as error:
            raise FederationError(f"this is no member's public file: {error}") from error
        check_code(member.code)
        return member


@dataclass(frozen=True, slots=True)
class Federation:
    """The members of one channel, in the order in which they joined."""

    channel: str
    ordering: Ordering
    members: tuple[Member, ...] = field(default=())
    departed: tuple[Member, ...] = field(default=())
    """Condominiums that have left; their namespaces stay, for their open sessions end there."""
    block_milliseconds: int = BLOCK_MILLISECONDS
    """How long the orderers collect transactions for a block."""

    def member(self, code: str) -> Member:
        """The member `code`. Raises FederationError where there is none."""
        for member in self.members:
            if member.code == code:
                return member
        raise FederationError(f"{code} is no member; members are {', '.join(m.code for m in self.members)}")

    def with_member(self, member: Member) -> Self:
        """The federation with one member more."""
        return replace(self, members=(*self.members, member))

    def without(self, code: str) -> Self:
        """The federation after `code` has left. Raises FederationError where it is no member."""
        leaving = self.member(code)
        left = tuple(member for member in self.members if member.code != code)
        return replace(self, members=left, departed=(*self.departed, leaving))

    def has(self, code: str) -> bool:
        """Whether `code` is a member."""
        return any(member.code == code for member in self.members)

    @property
    def changes(self) -> int:
        """How many condominiums have come and gone; of two descriptions the newer one has more."""
        return len(self.members) + 2 * len(self.departed)

    @property
    def next_consenter(self) -> int:
        """The next orderer's number; numbers of those that have left are not used again."""
        return 1 + max((member.consenter for member in (*self.members, *self.departed)), default=0)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces on the channel, those of departed members included."""
        return tuple(member.namespace for member in (*self.members, *self.departed))

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write(path, f"{json.dumps(asdict(self), indent=2)}\n".encode())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote. Raises FederationError where it is missing or not that."""
        try:
            record = json.loads(path.read_text())
            members = tuple(Member.from_record(member) for member in record["members"])
            departed = tuple(Member.from_record(member) for member in record["departed"])
            return cls(record["channel"], record["ordering"], members, departed, record["block_milliseconds"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FederationError(f"{path} describes no federation: {error}") from error


def check_code(code: str) -> None:
    """Raises FederationError where `code` cannot name a condominium."""
    if CODE.fullmatch(code) is None:
        raise FederationError(f"code: {code!r} needs 3 to 16 small letters and digits, a letter first")


def check_membership(codes: list[str], ordering: str) -> None:
    """Raises FederationError where these condominiums cannot start a channel with this ordering."""
    if ordering not in ORDERINGS:
        raise FederationError(f"ordering: {ordering!r} is not one of {', '.join(ORDERINGS)}")
    if not codes:
        raise FederationError("condominiums: at least one is needed")
    for code in codes:
        check_code(code)
    if len(set(codes)) != len(codes):
        raise FederationError(f"condominiums: a code is there twice in {', '.join(codes)}")
