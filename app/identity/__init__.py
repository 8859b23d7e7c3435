"""Who may come in, and what they may do there.

Accounts sign in by phone number or e-mail; memberships give an account a role in a
community, a company or a region; `permissions` is the one table of role × action; a
resident binds a unit by the code on its bill. The only way from an account to the
communities it may see is the database function `access_of`.
"""
