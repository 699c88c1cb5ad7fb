"""Answers rendered on purpose: stale ones anew, and those of a cold cache before anybody asks."""
