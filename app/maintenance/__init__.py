"""Upkeep: works (`works`) and the maintenance fund (`fund`).

Empty until its first table lands.
"""
