import httpx
import pytest

from shared.errors import Conflict, EnvironmentFault, GroundupError, InsufficientStorage, InvalidField, NotFound, Stale, UserError
from shared.http import InternalClient, problem_error


@pytest.mark.parametrize(
    "error",
    [
        NotFound("no such run", remedy="look at the list"),
        Conflict("finished"),
        Stale("fence 3, now 4"),
        EnvironmentFault("no Redis"),
        InsufficientStorage("3 MB are left", remedy="delete some"),
        UserError("?"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_arrives_as_what_it_left_as(error: GroundupError) -> None:
    arrived = problem_error(httpx.Response(error.status, json=error.problem()))
    assert (type(arrived), arrived.detail, arrived.remedy) == (type(error), error.detail, error.remedy)


def test_the_field_at_fault_arrives_too() -> None:
    arrived = problem_error(httpx.Response(422, json=InvalidField("dataset", "unknown").problem()))
    assert arrived.errors[0].field == "dataset"


def test_a_service_that_is_down_is_a_fault_of_the_environment() -> None:
    with pytest.raises(EnvironmentFault, match="does not answer"):
        InternalClient("http://127.0.0.1:9", "secret").call("GET", "/internal/x")
