"""Residents pay their bills online, and staff see what came (线上缴费).

Payments of the floor below know no bills: here is where bills are chosen and money is laid on
them when it has come, or taken back when it left again.
"""
