"""Declaring jobs, their backoff, their payloads, and messages: what needs no storage."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from lanner.jobs.declaration import MAX_ATTEMPTS_LIMIT, JobDeclaration, Registry
from lanner.jobs.errors import JobDeclarationError, JobFailed, PayloadTooLarge
from lanner.jobs.ids import new_id, read_id
from lanner.jobs.payloads import read_payload
from lanner.jobs.queue import JobMessage, read_message
from lanner.jobs.record import encode
from lanner.jobs.retry import MAX_WAIT, Retry
from lanner.jobs.status import STATES, JobStatus
from tests.architecture.source_tree import ROOT


class Order(BaseModel):
    rows: int


def takes_order(payload: Order, context: object) -> int:
    return payload.rows


def takes_json(payload, context):
    return payload


def takes_nothing() -> None: ...


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_waits_stay_in_their_bounds(attempt: int, luck: float) -> None:
    """Full jitter: from 0 to the ceiling, which never shrinks and never passes the maximum."""
    retry = Retry(2.0, factor=3.0, maximum=600.0)
    assert 0 <= retry.wait(attempt, luck) <= retry.ceiling(attempt) <= 600
    assert retry.ceiling(attempt) <= retry.ceiling(attempt + 1)


@pytest.mark.parametrize(
    "wrong", [{"first": -1}, {"factor": 0.5}, {"maximum": MAX_WAIT + 1}, {"first": 9, "maximum": 8}]
)
def test_a_backoff_that_is_none_is_refused(wrong: dict[str, float]) -> None:
    """Where it is declared, not when it is needed."""
    with pytest.raises(ValueError, match="factor"):
        Retry(**wrong)


@pytest.mark.parametrize("kind", ["", "Report.build", "report..build", "report build", ".x", "a" * 65, "a\n"])
def test_a_kind_is_dotted_lower_case_words(kind: str) -> None:
    """A name that a metric's dimension and a log can carry."""
    with pytest.raises(JobDeclarationError):
        JobDeclaration(kind, takes_json)


@pytest.mark.parametrize("wrong", [{"max_attempts": 0}, {"max_attempts": MAX_ATTEMPTS_LIMIT + 1}, {"timeout": 0}])
def test_limits_of_a_declaration(wrong: dict[str, int]) -> None:
    """Attempts stay below the queue's maxReceiveCount."""
    with pytest.raises(JobDeclarationError):
        JobDeclaration("a.b", takes_json, **wrong)  # type: ignore[arg-type]


def test_one_kind_is_one_function() -> None:
    """Declaring it again, as a reload does, is nothing; another function under its name is an error."""
    registry = Registry()
    registry.job("a.b")(takes_json)
    registry.job("a.b")(takes_json)
    with pytest.raises(JobDeclarationError, match="takes_order"):
        registry.job("a.b")(takes_order)
    assert list(registry) == ["a.b"]


def test_a_payload_is_what_its_annotation_says() -> None:
    """A model, or the JSON as it is; what is not of the model fails for good and points to the member."""
    assert read_payload(takes_order, '{"rows":3}') == Order(rows=3)
    assert read_payload(takes_json, '{"rows":3}') == {"rows": 3}
    with pytest.raises(JobFailed) as failed:
        read_payload(takes_order, '{"rows":"many"}')
    assert failed.value.problem["errors"][0]["pointer"] == "#/rows"
    assert failed.value.problem["status"] == 422
    with pytest.raises(JobDeclarationError):
        read_payload(takes_nothing, "null")


@given(st.text(min_size=1, max_size=256).filter(lambda text: text.isprintable()))
def test_a_message_is_read_as_it_was_written(tenant: str) -> None:
    """Whatever the tenant is called."""
    message = JobMessage(tenant, new_id(1_700_000_000), "report.build")
    assert read_message(message.body()) == message


@given(st.one_of(st.none(), st.text(), st.binary(), st.integers(), st.recursive(st.none(), st.lists).map(repr)))
def test_what_is_no_message_is_none(body: object) -> None:
    """Poison is recognised and raises nothing."""
    assert read_message(body) is None


@pytest.mark.parametrize("change", [{"v": 2}, {"tenant": ""}, {"job": "7"}, {"kind": 5}, {"tenant": "x" * 257}])
def test_a_message_of_another_shape_is_none(change: dict[str, object]) -> None:
    """A schema of the future, a member of another type, an id that is none."""
    import orjson

    whole = {"v": 1, "tenant": "t", "job": new_id(1_700_000_000), "kind": "a.b"}
    assert read_message(orjson.dumps(whole).decode()) is not None
    assert read_message(orjson.dumps({**whole, **change}).decode()) is None


def test_ids_are_uuids_in_the_order_of_time() -> None:
    """Version 7, as RFC 9562 lays it out."""
    earlier, later = new_id(1_700_000_000.0), new_id(1_700_000_000.001)
    assert earlier < later
    assert (earlier[14], earlier[19] in "89ab") == ("7", True)
    assert read_id(earlier.upper()) == earlier


def test_too_large_a_value_is_refused_with_its_size() -> None:
    """A record is not a store of files."""
    with pytest.raises(PayloadTooLarge, match="a payload of 1,002 bytes"):
        encode("x" * 1000, 1001, "a payload")
    assert encode(Order(rows=1), 100, "a payload") == '{"rows":1}'


@pytest.mark.parametrize("state", STATES)
def test_a_document_has_result_or_problem_by_its_state(state: str) -> None:
    """A problem of an attempt that is tried again is not shown as the job's."""
    status = JobStatus("i", "a.b", "t", state, 1, 5, 0, "", 1.0, result=[1], problem={"title": "no"})
    document = status.document()
    assert ("result" in document) == (state == "succeeded")
    assert ("problem" in document) == (state in ("failed", "dead"))
    assert document["created_at"] == "1970-01-01T00:00:01.000Z"


def test_accepting_and_reading_jobs_imports_nothing_heavy() -> None:
    """The edge answers for jobs: no pydantic, no Powertools, no boto3."""
    code = (
        "import sys, lanner.jobs.answers, lanner.jobs.producer, lanner.jobs.worker\n"
        "print(sorted({'pydantic','aws_lambda_powertools','boto3','fastapi','asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "shared", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
