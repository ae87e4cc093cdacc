"""The module that takes a small board to a wireless network, as its serial port sees it."""
