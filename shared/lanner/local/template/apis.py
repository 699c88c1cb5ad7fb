"""All APIs of a tree of stacks: SAM's, raw ones, and the routes that functions add to them."""

from __future__ import annotations

from lanner.local.template.drafts import ApiDraft
from lanner.local.template.rawapis import RawResources, open_raw_apis, read_definitions, read_stages
from lanner.local.template.rawhttp import add_http_routes
from lanner.local.template.rawrest import add_rest_methods
from lanner.local.template.samapis import add_events, add_rest_cors, sam_api_drafts
from lanner.local.template.stack import Stack
from lanner.local.template.world import World


def api_drafts(stacks: list[Stack], world: World, runnable: set[str]) -> dict[str, ApiDraft]:
    """Every API of the stacks with its routes; routes to functions outside `runnable` are left out."""
    drafts: dict[str, ApiDraft] = {}
    for stack in stacks:
        sam = sam_api_drafts(stack, world)
        add_events(stack, sam, world, runnable)
        add_rest_cors(sam, stack)
        drafts |= sam | open_raw_apis(stack)
    raw = RawResources(stacks, drafts, world)
    read_stages(raw)
    for stack in stacks:
        read_definitions(stack, raw)
    add_rest_methods(raw)
    add_http_routes(raw)
    for draft in drafts.values():
        draft.resolve(world.function)
        draft.keep(runnable)
    return drafts
