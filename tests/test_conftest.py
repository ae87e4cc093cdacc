"""Skips are named at the end of a run, and are failures where CI=true."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

MARKERS = "\n".join(
    ["[pytest]", "markers =", *(f"    {name}: x" for name in ("postgresql", "fabric", "firmware", "browser"))]
)
TEST = """
import pytest
from tools.system_packages import GROUPS, Group

GROUPS["browser"] = Group("browser", "pages", ("chromium",), (("no-such-browser",),))

@pytest.mark.browser
def test_page():
    assert False, "must not run"

def test_other():
    pass
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with this repository's conftest and one test of an unavailable group."""
    conftest = Path(__file__).parent / "conftest.py"
    pytester.makeini(MARKERS)
    pytester.makeconftest(conftest.read_text())
    monkeypatch.setenv("PYTHONPATH", str(conftest.parent.parent))
    pytester.makepyfile(test_pages=TEST)
    monkeypatch.delenv("CI", raising=False)
    return pytester


@pytest.mark.slow
def test_a_skipped_group_is_named_at_the_end(project: pytest.Pytester) -> None:
    """The closing paragraph says what is missing, how to get it, and which tests did not run."""
    outcome = project.runpytest_subprocess("-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=1, skipped=1)
    outcome.stdout.fnmatch_lines(
        [
            "*skipped, so not proven by this run*",
            "browser (pages): no no-such-browser; apt-get install --no-install-recommends chromium",
            "    test_pages.py::test_page",
        ]
    )


@pytest.mark.slow
def test_a_skip_fails_where_ci_is_true(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Continuous integration proves everything or fails."""
    monkeypatch.setenv("CI", "true")
    outcome = project.runpytest_subprocess("-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=1, errors=1)
    outcome.stdout.fnmatch_lines(["*test_page was skipped, which CI=true forbids*no-such-browser*"])
