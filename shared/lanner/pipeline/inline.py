"""Plain `def` endpoints and dependencies as coroutines that run in the calling thread, never in a thread pool.

FastAPI runs what is not a coroutine function in a worker thread. In a Lambda environment there is one request at a
time and nothing to overlap it with, so the thread only costs. What is converted keeps its name, docstring and
signature (with string annotations resolved), because FastAPI reads parameters and documentation from them.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request as StarletteRequest

from lanner.http.message import Request

Endpoint = Callable[..., Any]  # Any: an author's function takes and gives what it likes


def resolved_signature(function: Endpoint) -> inspect.Signature:
    """The signature with its string annotations evaluated. Raises `TypeError` naming a name that does not exist."""
    try:
        return inspect.signature(function, eval_str=True)
    except NameError as error:
        raise TypeError(
            f"{function.__module__}.{function.__qualname__}: {error}; FastAPI reads the annotations of an endpoint, "
            "so what they name must be imported at module level"
        ) from error


def in_line(function: Endpoint, converted: dict[Endpoint, Endpoint]) -> Endpoint:
    """`function` as a coroutine function (or asynchronous generator) running in the calling thread.

    `converted` remembers what was converted, so that one dependency used twice stays one dependency and FastAPI
    calls it once a request. A parameter annotated with Lanner's `Request` gets that request.
    """
    if function in converted:
        return converted[function]
    if not inspect.isfunction(function):
        return function
    signature = resolved_signature(function)
    own = [name for name, each in signature.parameters.items() if each.annotation is Request]
    is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    if is_async and not own:
        return function
    if inspect.isasyncgenfunction(function):
        raise TypeError(f"{function.__qualname__}: an asynchronous generator takes Starlette's Request, not Lanner's")
    wrapper = _wrapper(function, own)
    _describe(wrapper, function, signature)
    converted[function] = wrapper
    return wrapper


def _wrapper(function: Endpoint, own: list[str]) -> Endpoint:
    def hand_over(arguments: dict[str, Any]) -> None:
        for name in own:
            arguments[name] = arguments[name].scope["lanner.request"]

    if inspect.isgeneratorfunction(function):
        manager = contextmanager(function)

        async def generator(**arguments: Any) -> AsyncIterator[Any]:
            hand_over(arguments)
            with manager(**arguments) as value:
                yield value

        return generator

    if inspect.iscoroutinefunction(function):

        async def awaited(**arguments: Any) -> Any:
            hand_over(arguments)
            return await function(**arguments)

        return awaited

    async def called(**arguments: Any) -> Any:
        hand_over(arguments)
        return function(**arguments)

    return called


def _describe(wrapper: Any, function: Endpoint, signature: inspect.Signature) -> None:
    parameters = [
        each.replace(annotation=StarletteRequest) if each.annotation is Request else each
        for each in signature.parameters.values()
    ]
    wrapper.__signature__ = signature.replace(parameters=parameters)
    wrapper.__name__ = function.__name__
    wrapper.__qualname__ = function.__qualname__
    wrapper.__module__ = function.__module__
    wrapper.__doc__ = function.__doc__
