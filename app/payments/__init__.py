"""Money that reaches a community: online, at the counter, by transfer; each fen found again."""
