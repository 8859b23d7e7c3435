"""A port of our own: taken before anyone is told of it, kept while the web restarts."""

import socket

DEFAULT_PORT = 8000
TRIES = 100


def listen(wanted: int) -> socket.socket:
    """Listen on this port of 127.0.0.1, or on the next free one.

    The socket is handed to the web server as an open file, so that no other
    program can take the port in between, and a visitor who comes while the web
    restarts waits instead of being refused. Raises OSError if none is free.
    """
    ports = [*range(wanted, min(wanted + TRIES, 65536)), 0]
    for port in ports:
        ear = socket.socket()
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            ear.bind(("127.0.0.1", port))
            ear.listen(256)
        except OSError:
            ear.close()
            if port == 0:
                raise
        else:
            return ear
    raise AssertionError("unreachable")
