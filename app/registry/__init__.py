"""The roll: regions, communities, buildings, units, people, dated ownership and mandates.

The community is the tenant. Property companies come and go under dated mandates; what is
written here stays. Rosters come in as spreadsheets (`imports`), are previewed, applied in
one transaction, and can be undone while nothing depends on them.
"""
