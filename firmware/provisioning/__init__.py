"""Gives a board its identity, at the start of its persistent memory, and its sensor its constants."""
