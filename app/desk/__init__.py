"""Where each person arrives: the front door, lists of communities, overviews, progress, help.

The top floor: it asks every room below and owns no table.
"""
