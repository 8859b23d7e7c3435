"""Accounts outside the house: their statement files, lines, and what each line was matched to."""
