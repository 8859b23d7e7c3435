"""Statement files of banks and wallets, read into lines: pure, no database, no clock.

`detect.read` takes a file's bytes and gives `lines.Statement`s, or raises `StatementError` with
a sentence that says what, where and what to do. A file is read whole or not at all: no reader
drops a row that may hold money. `readers` has one module per family; `grid` and `cells` are
what table formats share; `mapping` is a person's own word on which column is which; `tally`
compares what a file says of itself with its rows, and every difference becomes a `Notice`.
"""
