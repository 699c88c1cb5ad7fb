"""All APIs of one stack: SAM's, raw ones, and the routes that functions add to them."""

from __future__ import annotations

from lanner.local.template.drafts import ApiDraft
from lanner.local.template.rawapis import raw_api_drafts
from lanner.local.template.samapis import add_events, add_rest_cors, sam_api_drafts
from lanner.local.template.stack import Stack
from lanner.local.template.world import World


def api_drafts(stack: Stack, world: World, runnable: set[str]) -> dict[str, ApiDraft]:
    """Every API of the stack with its routes; routes to functions outside `runnable` are left out."""
    sam = sam_api_drafts(stack, world)
    add_events(stack, sam, world, runnable)
    add_rest_cors(sam, stack)
    drafts = {**sam, **raw_api_drafts(stack, world)}
    for draft in drafts.values():
        draft.keep(runnable)
    return drafts
