"""Why a server cannot start."""


class StartRefused(Exception):
    """The server cannot start; the message is one sentence that says what to do."""
