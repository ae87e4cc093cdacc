"""How a unit's messages reach its gateway: HTTP, gRPC, and what a bad network does to either."""
