"""Tables as strangers send them: looked at from outside, opened in a bounded child, read as rows.

The roster import, the sheets of meter readings and the bank statements share what is here.
"""
