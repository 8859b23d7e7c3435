"""What a community charges, from when, on whose authority: prices and what they are applied to.

A tariff is a charge; its dated versions are its prices; quantities, meters and readings,
shared costs and one-off charges are what a month's run multiplies them with; reductions and
late terms are the exceptions a document allows. The run (`billing/runs`) only reads all this.
"""
