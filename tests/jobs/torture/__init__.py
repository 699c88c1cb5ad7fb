"""Processes that are killed at random, and a ledger that is out of their reach.

`notes` is the ledger, `faults` loses answers, `front` takes requests, `asking` is the clients, `work` performs the
jobs, `__main__` forks, kills and adds up.
"""
