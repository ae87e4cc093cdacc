"""A code held before a camera, for the tests of pages that read codes."""

from __future__ import annotations

import re
from pathlib import Path

SCALE = 8
"""Pixels of a code's module."""


def film(svg: str, file: Path) -> list[str]:
    """Write a film of one picture, the code that the page drew as `svg`; returns what makes Chromium's camera
    show it. The format is YUV4MPEG2, in which a picture is its brightness and two even planes of colour."""
    size = int(re.findall(r'viewBox="0 0 (\d+) \d+"', svg)[0])
    dark = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", svg)}
    side = size * SCALE
    rows = (
        b"".join((b"\x10" if (x, y) in dark else b"\xeb") * SCALE for x in range(size)) * SCALE
        for y in range(size)
    )
    colour = b"\x80" * (side * side // 2)
    file.write_bytes(
        b"YUV4MPEG2 W%d H%d F5:1 Ip A1:1 C420jpeg\nFRAME\n" % (side, side) + b"".join(rows) + colour
    )
    return [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={file}",
    ]
