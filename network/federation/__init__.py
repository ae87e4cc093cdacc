"""Make, start, join and inspect a Hyperledger Fabric network that condominiums run together."""
