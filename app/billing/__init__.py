"""Bills: tariffs with dated prices, the month's run, bills and their lines, arrears.

`rules` computes one line, `runs` computes a community's month in a few SQL statements and
issues it in one transaction; a test holds the two against each other. `subsidy` nets what
the street pays.
"""
