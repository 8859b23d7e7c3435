"""The month's run: a community's bills computed by a few SQL statements and issued at once.

`plan` reads what the month is made of and chooses the statements, `holders` and `lines` are
the statements, `summary` says what a person looks at before confirming, `service` has the
verbs. `rules` says the same in pure Python, for the tests.
"""
