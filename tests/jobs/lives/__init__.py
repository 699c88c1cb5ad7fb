"""Lives of real jobs, from the request of a client to their last effect, to be cut off at any call to any service.

world      one case: empty tables and queues, a clock that is moved, clients that repeat, workers that are replaced
kinds      a life for each kind of job with effects outside of the jobs' own table, and what must be true after it
mortal     a worker in a process of its own, which kills or stops itself at one of its calls
"""
