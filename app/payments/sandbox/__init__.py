"""A stub of the payment gateway (沙箱): a process of its own that no money ever passes through.

It speaks the part of Stripe's HTTP API that `stripe_gateway` uses, shows a checkout page on
which one chooses what happens, and signs notifications as Stripe does. It was written by us
from the published shapes, so it proves our side of the conversation, not Stripe's. The house
never imports it; `run.py` starts it where no keys are set, and tests do.
"""
