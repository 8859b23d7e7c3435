"""Bills: what each holder owes for a month, why, and what became of it.

`queries` read bills, accounts and collection; `explain` puts every line into words whose
arithmetic gives the stored figure again; `service` corrects a bill and lays money on bills,
oldest first; `print` makes paper of them; `pages` are two faces, staff's and resident's. Runs issue
bills (`app.billing.runs`); arrears by age and late damages are next door
(`app.billing.arrears`).

The queries here join the roll (unit, building, person, ownership) in SQL text, because a list
of bills is searched and sorted by room and by name; they write nothing there.
"""
