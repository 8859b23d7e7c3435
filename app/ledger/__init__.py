"""The books: four per community that never mix, entries and postings that are only added.

`chart` lists the accounts, `service.post` is the only way in, `service.reverse` the only
way back, `service.close_month` locks a month. PostgreSQL enforces the sums, the books and
the closed months by itself; `invariants` is the list of what must always hold.
"""
