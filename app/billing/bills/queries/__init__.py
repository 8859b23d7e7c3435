"""Reads of bills; each returns frozen rows of `bills.rows`."""
