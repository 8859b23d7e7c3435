"""The doors and the faces: permission, scope and transaction of a request; shared components.

`door` opens and closes every request; `errors` turns refusals into pages or JSON;
`formats` writes money, areas and dates for people; `components/` are the macros every
page is made of. Nothing here knows a room above.
"""
