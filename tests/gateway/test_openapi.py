"""Requests generated from the OpenAPI document: nothing malformed breaks the gateway or changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance

from tests.gateway.furnished import fingerprint, furnished
from tests.gateway.process import Process

Operation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Any]

pytestmark = pytest.mark.slow
PASSED_OVER = {
    # Answers that never end have tests of their own.
    "stream_session",
    "stream_events",
    "stream_overview",
    "verify_ledger",
    "stream_ledger_events",
    # These end the session that the generated requests need.
    "log_out",
    "change_password",
}
EXAMPLES = settings(
    max_examples=12,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the gateway keeps its files."""
    return tmp_path_factory.mktemp("openapi")


@pytest.fixture(scope="module")
def process(directory: Path) -> Iterator[Process]:
    """A gateway with a group, a unit and a tariff, so that more than 404 can be met."""
    with furnished(directory) as running:
        yield running


@pytest.fixture(scope="module")
def headers(process: Process) -> dict[str, str]:
    """An administrator's."""
    return {"Authorization": f"Bearer {process.login()}"}


def _operations(process: Process) -> list[Operation]:
    schema = schemathesis.openapi.from_url(f"{process.url}/openapi.json")
    return [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]


def _name(operation: Operation) -> str:
    name: str = operation.definition.raw["operationId"]
    return name


def _try(operation: Operation, mode: GenerationMode, attempt: Callable[[AnyCase], None]) -> None:
    """Call `attempt` with generated requests of one operation, where there is anything to generate."""
    # An operation without parameters and body cannot be called wrongly.
    with suppress(Unsatisfiable):
        EXAMPLES(given(operation.as_strategy(generation_mode=mode))(attempt))()


def _check(case: AnyCase, response: schemathesis.Response) -> None:
    """No 5xx, a problem body where there is an error, an answer as documented where there is none."""
    case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])
    if response.status_code >= 400:
        assert response.headers["content-type"] == ["application/problem+json"], case.as_curl_command()
        problem: dict[str, Any] = response.json()
        assert problem["status"] == response.status_code
        assert problem["field"] and problem["rule"] and problem["code"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", [GenerationMode.NEGATIVE, GenerationMode.POSITIVE], ids=lambda m: m.value)
def test_generated_requests_get_an_answer_and_refused_ones_change_nothing(
    process: Process, directory: Path, headers: dict[str, str], mode: GenerationMode
) -> None:
    """For each operation, as an administrator: members of other types, missing, unknown, out of range."""
    tried: set[str] = set()

    def attempt(case: AnyCase) -> None:
        before = fingerprint(directory)
        response = case.call(headers=headers, timeout=40)
        _check(case, response)
        if response.status_code >= 400:
            assert fingerprint(directory) == before, case.as_curl_command()
        tried.add(_name(case.operation))

    for operation in _operations(process):
        if _name(operation) not in PASSED_OVER:
            _try(operation, mode, attempt)
    assert len(tried) > 30, sorted(tried)


@pytest.mark.parametrize("token", ["", "A" * 43], ids=["nobody", "forged"])
def test_generated_requests_without_a_session_change_nothing(
    process: Process, directory: Path, token: str
) -> None:
    """Well-formed ones too: what needs an account or a wallet is refused before anything else."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    before = fingerprint(directory)

    def attempt(case: AnyCase) -> None:
        assert case.call(headers=headers, timeout=40).status_code == 401, case.as_curl_command()

    for operation in _operations(process):
        if not {"anybody", "unit"} & set(operation.definition.raw["x-callers"]):
            _try(operation, GenerationMode.POSITIVE, attempt)
    assert fingerprint(directory) == before
