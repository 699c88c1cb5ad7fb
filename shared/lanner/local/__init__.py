"""The local cloud: serves a SAM project with Python functions on a laptop. Never shipped with a function."""
