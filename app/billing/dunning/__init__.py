"""Dunning (催告): cases by home and payer, steps in their order, what was agreed, what is given up.

A case opens by rule and closes when nothing is overdue. `rules` says when a step may be taken,
when a claim's three years end, whether a promise or plan is kept; `service` records steps,
deliveries, pauses, promises, plans, objections and write-offs; `letter` sets them on paper.
No step ever touches water, power, heat, gas or a door (Civil Code 944): the kinds of steps are
a closed list in the database, and text of that kind is refused.
"""
