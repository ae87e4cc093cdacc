"""The gRPC interface: protocol files, and the Python generated from them (`make proto`)."""
