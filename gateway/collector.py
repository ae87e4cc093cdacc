"""How often Python looks for rings of objects that nothing else holds."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 20_000
_YOUNG_PASSES = 20
_OLD_PASSES = 100


def collect_seldom() -> None:
    """Set the garbage collector for a process that serves until it is stopped.

    Python's own setting looks at all that a gateway holds again and again, which takes 6 % of its time under
    load and finds next to nothing: what a session leaves is freed as the last reference to it goes. What is
    there by now, code above all, is not looked at any more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _YOUNG_PASSES, _OLD_PASSES)
