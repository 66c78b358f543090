"""The one name under which everything unreadable from outside is caught, reported and passed over."""


class BadInput(ValueError):
    """Something from outside that cannot be read; the message says what is wrong and what to write instead."""
