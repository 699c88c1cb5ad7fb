"""The payload as a job declares it: the annotation of its first parameter, judged by pydantic when the job runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lanner.jobs.errors import JobDeclarationError, JobFailed

if TYPE_CHECKING:
    from collections.abc import Callable

_ADAPTERS: dict[Callable[..., Any], Any] = {}  # Any: pydantic's TypeAdapter, or None for JSON as it is


def read_payload(function: Callable[..., Any], text: str) -> Any:  # Any: the author's type
    """The payload that `function` takes. Raises `JobFailed` for one that is not of its model, `JobDeclarationError`."""
    import orjson

    if function not in _ADAPTERS:
        _ADAPTERS[function] = _adapter(function)
    adapter = _ADAPTERS[function]
    if adapter is None:
        return orjson.loads(text)
    from pydantic import ValidationError

    from lanner.http.problems import member

    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        errors = [member(each["loc"], each["msg"]) for each in error.errors(include_url=False, include_input=False)]
        problem = {
            "type": "/problems/invalid-input",
            "title": "Invalid input",
            "detail": "The job's payload is not what it takes",
            "errors": errors,
        }
        raise JobFailed(problem) from error


def _adapter(function: Callable[..., Any]) -> Any:  # Any: pydantic's TypeAdapter, which is loaded here only
    import inspect
    from types import SimpleNamespace
    from typing import get_type_hints

    first = next(iter(inspect.signature(function).parameters.values()), None)
    if first is None:
        raise JobDeclarationError(f"{function.__qualname__} takes no payload: a job takes (payload, context)")
    if first.annotation is inspect.Parameter.empty:
        return None
    try:
        annotated = SimpleNamespace(__annotations__={"payload": first.annotation})
        annotation = get_type_hints(annotated, globalns=function.__globals__)["payload"]
    except NameError as error:
        raise JobDeclarationError(
            f"{function.__qualname__}: its payload's type {first.annotation!r} is not there at run time ({error}); "
            "import it outside TYPE_CHECKING"
        ) from error
    if annotation is Any or annotation is dict or getattr(annotation, "__origin__", None) is dict:
        return None
    from pydantic import TypeAdapter

    return TypeAdapter(annotation)
