"""Performs jobs from the queue, and sweeps."""
