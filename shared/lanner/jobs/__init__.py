"""Jobs over SQS and DynamoDB that are neither lost nor done twice (docs/jobs.md, docs/design/jobs.md).

A job is a record in DynamoDB; a message in SQS only says "look at that record". The record is the truth:

    queued ──claim──▶ running ──▶ succeeded       what the job writes commits with "succeeded", in one transaction
      ▲  │               │ ├────▶ failed          it raised `JobFailed`: for good
      │  │               │ ├────▶ cancelled       somebody asked, and it looked
      │  │               │ └────▶ dead            the attempts are used up
      │  └─▶ cancelled   │
      └──── backoff ─────┘                         any other exception; also when the holder dies and its lease ends
    dead, failed ──redrive──▶ queued

- Lost: a job is accepted when its record is committed. A message that was never sent, or whose holder died, is sent
  again by the sweep, which finds records by the sparse index `by_due`.
- Twice: every attempt has a token of its own, and every write of an attempt is conditional on it. A worker that wakes
  up after its lease changes nothing: it meets `AttemptLost`.
- Again: a failed attempt waits by its job's `Retry`, and at least the seconds in the exception's attribute
  `retry_after` where it has one.
- Outside: effects in other systems are at least once. Give them `JobContext.idempotency_key`, which stays the same
  over all attempts of a job.

Import what you use from its module: `declaration` (job, Registry), `retry` (Retry), `producer` (Producer), `context`
(JobContext), `worker` (Worker), `answers` (accepted), `errors`.
"""
