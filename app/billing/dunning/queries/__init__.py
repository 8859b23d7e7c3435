"""Reads of dunning into frozen rows; a list is one or two statements, whatever its length."""
