"""Commercial network switches beside units that only measure: the gateway commands them itself."""
