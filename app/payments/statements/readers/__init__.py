"""One module per family of files; each has `recognise` or a pattern, and `read`."""
