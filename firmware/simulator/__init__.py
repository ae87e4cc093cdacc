"""A unit and the electrical world around it, in Python: for demonstrations, replays and tests.

`electrical` is the world (mains, sensors, converter, relay, car, climate), `unit` what runs on the board,
`transport` how its messages travel, `installation` one socket with all of it wired up. Nothing here
imports the platform: the protocol is written anew from docs/protocol.md and held to it by the test
vectors alone, as any other unit's firmware is.
"""
