"""Execution environments of the local cloud: Lambda's runtime side, on this machine."""
