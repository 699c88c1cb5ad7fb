"""Who may write the catalog: the one place that decides.

A caller who is known needs the scope `catalog:write`. The anonymous caller may write as long as the API authenticates
nobody; the step that brings authentication refuses anonymous writes before they come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lanner.http.message import ANONYMOUS
from lanner.http.problems import Forbidden

if TYPE_CHECKING:
    from lanner.http.message import Principal

WRITE_SCOPE = "catalog:write"


def check_may_write(principal: Principal) -> None:
    """Raise `Forbidden`, naming the scope, for a caller who may not."""
    if principal.id != ANONYMOUS.id and WRITE_SCOPE not in principal.scopes:
        raise Forbidden(f"Writing the catalog needs the scope {WRITE_SCOPE}")
