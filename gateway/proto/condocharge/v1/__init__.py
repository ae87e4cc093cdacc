"""Version 1 of the protocol: fields are added, never renumbered or removed."""
