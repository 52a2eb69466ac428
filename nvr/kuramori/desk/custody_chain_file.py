"""The chain of custodian sets on disk as the desk reads and writes it: `custodian_chain.json`, `custodians.json`.

Written in this order, each durable: the chain, then the set in use beside it. A stop between the two leaves a chain
that is ahead, and the chain counts. Must not know the register.
"""

from pathlib import Path

from kuramori.custodian_office import CustodiansUnusable as Unreadable
from kuramori.custodian_office import read_custody
from kuramori.desk.fault import CustodiansUnusable
from kuramori.durable_file import write_file
from kuramori_segments.set_change import SetChain

CHAIN_NAME = "custodian_chain.json"


class ChainFile:
    """Reads the chain when it has changed on disk, and writes it."""

    def __init__(self, custodians: Path) -> None:
        self._custodians = custodians
        self._chain_path = custodians.with_name(CHAIN_NAME)
        self._read: tuple[object, SetChain] | None = None

    def chain(self) -> SetChain:
        """Return the chain, every signature checked. Raises CustodiansUnusable."""
        try:
            marks = tuple(_mark(path) for path in (self._custodians, self._chain_path))
            if self._read is None or self._read[0] != marks:
                self._read = (marks, read_custody(self._custodians, self._chain_path))
        except (OSError, Unreadable) as error:
            raise CustodiansUnusable(str(error)) from error
        return self._read[1]

    def write(self, chain: SetChain) -> None:
        """Put the chain on disk, then its newest set beside it. Raises CustodiansUnusable."""
        try:
            write_file(self._chain_path, chain.to_bytes())
            write_file(self._custodians, chain.current.to_bytes())
        except OSError as error:
            raise CustodiansUnusable(str(error)) from error


def _mark(path: Path) -> object:
    if not path.exists():
        return None
    state = path.stat()
    return state.st_mtime_ns, state.st_size, state.st_ino
