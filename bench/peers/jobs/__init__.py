"""Four ways to perform jobs, each a program of its own: `python -m bench.peers.jobs.<name> <result file>`.

Each accepts `WARM + JOBS` jobs, performs them, and writes what one of the last `JOBS` took into the file. The effect is
the same for all: one counter raised in DynamoDB.
"""

WARM = 20
JOBS = 100
