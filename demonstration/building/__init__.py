"""A condominium that runs by itself, to be looked at: three sockets under a two-car limit, and residents.

Everything is as it would be at home, but the units and cars are simulated, the bank confirms payments after
a moment, and whoever opens a session at a free socket finds a car plugged in there.
"""
