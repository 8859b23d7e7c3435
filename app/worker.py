"""The processes beside the web: `jobs` runs tasks, `relay` hands them out, `timetable` keeps time.

Each is one command, `python -m app.worker jobs|relay|timetable`. Any number of `jobs` and
`relay` may run; of `timetable` exactly one, though two would do no harm to money: every
scheduled act is a task with a unique key per period.
"""
