"""What runs on a unit's board. Integers alone: mA, tenths of a volt, mWh, milliseconds since power-up."""
