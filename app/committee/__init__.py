"""Committee and assembly: formation, motions, ballots, resolutions.

Empty until its first table lands.
"""
