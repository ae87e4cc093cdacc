"""The physical world at one socket. Volts, amperes, watt-hours and seconds, in floating point."""
