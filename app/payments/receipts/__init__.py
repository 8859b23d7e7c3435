"""Receipts (收据) for money received, numbered without gaps, and requests for fapiao (发票)."""
