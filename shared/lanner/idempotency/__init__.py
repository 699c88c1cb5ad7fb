"""A POST that is sent twice happens once: the Idempotency-Key field (draft-ietf-httpapi-idempotency-key-header).

key          the field, read and bounded
fingerprint  which record a request belongs to, and what makes two requests the same
record       what is kept about a key, and its states
policy       what a group declares
store        the contract of what keeps records; `memory` and `dynamodb` fulfil it
execution    what the application may ask while it performs the request
problems     what a client is told
guard        one keyed request: claimed, performed, recorded, repeated
step         the place in the edge

absent ── claim ──▶ in flight ── complete ──▶ done ── after its time to live ──▶ absent
                      │   ▲
     release, or the  ▼   │  take over (a new token, the same execution)
     lease runs out  free ┘
"""
