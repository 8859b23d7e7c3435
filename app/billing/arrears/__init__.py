"""Arrears: what is open past its day, by age, by home and by building; reminders; late damages.

`queries` ages open bills from one covering index; `rules` computes late damages, only ever
under a contract's written terms; `service` writes a reminder (催告) or, on request, adds damages
to a bill. Nothing here threatens, publishes a name, or touches water, power, heat or a lock.
"""
