"""The ground floor: money, dates, tenancy, audit, outbox and queue, which every room stands on.

Nothing here knows a domain term. `money`, `apportion`, `period`, `source` and `errors` are
pure; `db`, `tenancy`, `audit`, `outbox`, `queue` and `counters` speak to PostgreSQL; only
`clock` asks the time and only `queue` knows RQ.
"""
