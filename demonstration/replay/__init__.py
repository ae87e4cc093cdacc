"""Real charging sessions, played once more through the whole platform on a simulated clock.

`dataset` reads a file and says which of its rows make sense; `row` is one of them.
"""
