"""How much the recorder may keep in memory while nothing can be written, all cameras together. Pure."""


class MemoryBudget:
    """A number of bytes that is taken and given back."""

    __slots__ = ("limit_bytes", "used_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0

    def take(self, size_bytes: int) -> bool:
        """Take `size_bytes`, or nothing and say False."""
        if self.used_bytes + size_bytes > self.limit_bytes:
            return False
        self.used_bytes += size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        """Give back what was taken."""
        self.used_bytes -= size_bytes
