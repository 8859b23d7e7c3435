"""Money through the gateway (线上收款): asked for, paid, given back, paid out to the bank.

`starting` asks, `events` hears what the gateway says, `polling` asks it when it says nothing,
`refunds` and `disputes` are money on its way back, `payouts` the gateway's transfers to the
bank. What the gateway said is stored before anything is done about it, and is compared with
what was asked. The gateway itself is `payments.stripe_gateway`; nothing else speaks to it.
"""
