"""What every test shares: groups that need more than Python, and an honest account of what was skipped.

A test marked `postgresql`, `firmware`, `browser` or `pkcs11` runs where its group's programs are
(`tools.system_packages`). Elsewhere it is skipped, and the run ends with a paragraph that names what was
skipped and how to get it. With CI=true nothing may be skipped: a skip, for whatever reason, is a failure.

Tests marked `fabric` are never skipped: Fabric's programs are built from their sources where they are not
there (`tests.federation`), and where that fails, so do the tests.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator
from functools import cache

import pytest
from hypothesis import settings

from gateway.collector import collect_seldom
from tools.system_packages import GROUPS

pytest_plugins = ("tests.federation",)


# A deadline for each example would be a timed assertion: it fails where the machine is busy.
settings.register_profile("condocharge", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=25)
settings.load_profile("condocharge")


@cache
def _lack(name: str) -> str:
    """Why the group's tests cannot run here, as a sentence; empty where they can."""
    group = GROUPS[name]
    missing = group.missing()
    return f"{name} ({group.purpose}): no {', no '.join(missing)}; {group.remedy()}" if missing else ""


def pytest_collection_finish() -> None:
    """Look for garbage as seldom as a gateway does: what is loaded by now stays, and going through it again
    and again took a sixth of all tests' time."""
    collect_seldom()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests whose group is not available, each saying why."""
    for item in items:
        for name in GROUPS:
            if item.get_closest_marker(name) and _lack(name):
                item.add_marker(pytest.mark.skip(reason=_lack(name)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where CI=true."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI=true forbids: {_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One closing paragraph on what this run did not prove."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", []):
        by_reason[_reason(report)].append(report.nodeid)
    if not by_reason:
        return
    terminalreporter.section("skipped, so not proven by this run")
    for reason, tests in sorted(by_reason.items()):
        terminalreporter.write_line(reason)
        for test in sorted(tests):
            terminalreporter.write_line(f"    {test}")


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(report.longrepr)
