"""API Gateway and function URLs on a laptop: HTTP in, Lambda events out, and the answers back, as AWS does it."""

from lanner.local.gateway.gateway import Gateway
from lanner.local.gateway.inspect import Inspector
from lanner.local.gateway.record import RecordRing, RequestRecord
from lanner.local.gateway.server import PortTakenError, ServerLimits

__all__ = ["Gateway", "Inspector", "PortTakenError", "RecordRing", "RequestRecord", "ServerLimits"]
