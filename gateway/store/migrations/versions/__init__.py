"""One file for each revision; see `gateway.store.migrations`."""
