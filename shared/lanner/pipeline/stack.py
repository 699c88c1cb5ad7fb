"""The order in which a request meets the steps of the edge: one tuple, from the outside in.

A step is made by a factory `(group, handler) -> Handler | None`, given the handler of all that stands further in;
None says that this group does not need it, and then it costs nothing. A place whose module is "" is reserved: the
capability that fills it has its order decided already.

Why this order: `errors` must see everything; `observe` writes the one line of every request, refused ones too; `cors`
decorates what a browser must be able to read, errors included; `compress` works on final bodies; `version` comes
before whoever might answer differently per version; `route` refuses what no version has before anybody spends on it;
`auth` before `limits`, which count per caller; `idempotency` before the caches, which must not answer a write;
`conditional` outside `response_cache`, so that a cached answer can still become a 304.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lanner.http.message import Handler

if TYPE_CHECKING:
    from lanner.group import RouteGroup

    StepFactory = Callable[[RouteGroup, Handler], Handler | None]

STACK: tuple[tuple[str, str], ...] = (
    ("errors", "lanner.pipeline.errors:errors"),
    ("observe", "lanner.observe.step:observe"),
    ("cors", "lanner.http.step:cors"),
    ("compress", "lanner.http.step:compress"),
    ("version", "lanner.versioning.step:version"),
    ("route", "lanner.pipeline.routing:route"),
    ("auth", ""),
    ("limits", ""),
    ("idempotency", "lanner.idempotency.step:idempotency"),
    ("conditional", "lanner.http.step:conditional"),
    ("response_cache", "lanner.cache.step:response_cache"),
    ("edge", "lanner.pipeline.routing:edge"),
)


def compose(group: RouteGroup, innermost: Handler, stack: tuple[tuple[str, str], ...] = STACK) -> Handler:
    """The handler made of every step of `stack` that `group` needs, around `innermost`."""
    from importlib import import_module

    handler = innermost
    for _, target in reversed(stack):
        if not target:
            continue
        module, _, attribute = target.partition(":")
        factory: StepFactory = getattr(import_module(module), attribute)
        handler = factory(group, handler) or handler
    return handler
