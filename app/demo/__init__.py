"""The demonstration: three communities of one street, with believable people and fourteen months.

`plan` imagines them (pure, always the same), `load` brings them in through the same services a
company would use: a roster file, tariffs, an agreement, month after month of bills and payments.
Only a deployment started with LINLI_DEMO=1 has it.
"""
