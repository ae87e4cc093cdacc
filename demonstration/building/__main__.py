"""`python -m demonstration.building`: the same as `condocharge run`."""

from demonstration.building.command import run

run()
