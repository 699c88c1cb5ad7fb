"""Versions of the API: what there is, how a request chooses one, and how one ends."""
