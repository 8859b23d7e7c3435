"""Rosters that come as spreadsheets: read apart, previewed, applied whole, undone whole.

`child` is a process of its own that reads a stranger's file within bounds (`kernel.tables`,
`sheets`, `columns`, `cells`, `rows`); `reader` runs it. `staging` puts what it said beside the
roll and `preview` compares the two; `apply` and `undo` change the roll, each in one transaction.
`workbooks` writes the template, the export and the list of errors.
"""
