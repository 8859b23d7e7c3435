"""What can go wrong in this room, said to a person."""


class EmbeddedError(Exception):
    """A server or a child cannot run; the message is a sentence fit for the console."""
