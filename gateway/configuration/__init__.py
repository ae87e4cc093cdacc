"""Configuration (paper section 4.3.3): units' settings, groups, tariffs, the condominium, and the keys.

What the ledger decides on (a unit's key and nominal values, tariffs, the condominium's record) is there, and
this asks it; what only this gateway needs (names, places, groups, periods, network settings) is in the
database; secrets are in the database under a key that is not.
"""
