"""A chaincode-as-a-service server for Hyperledger Fabric, over its official protocol definitions.

The peer connects to this server and holds one stream a chaincode package. `stream` speaks Fabric's
chaincode protocol on it, `stub` is what a transaction sees, `server` listens and shuts down cleanly,
`settings` reads what to serve. Nothing here knows what the chaincode is about: it is given a `Dispatch`.

Errors::

    PeerError           the peer refused a request, or answered with an error; the transaction fails
    └── StreamClosed    the stream to the peer ended in the middle of a transaction
"""

from __future__ import annotations

from chaincode.fabric.exchange import PeerError, StreamClosed
from chaincode.fabric.server import ChaincodeServer
from chaincode.fabric.settings import Listener, Settings, SettingsError, Tls
from chaincode.fabric.stream import Dispatch

__all__ = [
    "ChaincodeServer",
    "Dispatch",
    "Listener",
    "PeerError",
    "Settings",
    "SettingsError",
    "StreamClosed",
    "Tls",
]
