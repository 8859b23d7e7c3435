"""Bills on paper: `sheets` turns bills into texts, `press` turns texts into PDF by typst.

Nothing is computed in a template; the same bill gives the same bytes, whenever it is printed.
"""
