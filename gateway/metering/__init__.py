"""The units' side of the gateway: authentic readings in, authentic commands out.

`intake` takes batches from whatever transport brought them, `verification` says which are sound,
`readings` keeps their exact bytes before anything is acknowledged, and `outbox` composes what goes back.
`directory` and `keys` are what this needs to know of the units; `refusal` counts what is not sound.
"""
