"""What every command says when it cannot go on. Must not know why."""


class CommandFailure(Exception):
    """A command cannot go on; its text is the one sentence that the person reads."""
