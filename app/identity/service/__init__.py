"""Verbs of the identity room; each is one act, recorded, and commits nothing."""
