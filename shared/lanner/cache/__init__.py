"""Caching: backends and tiers, the response cache (RFC 9111), leases, tags, cached functions, warming.

Names are loaded on first use, so that importing `lanner.cache` costs nothing.
"""
