"""Runs the programs of tpm2-tools against one TPM 2.0, and reads what they say. The only module that starts them.

No secret is ever an argument or stands in the environment: data goes in by standard input and out by standard output,
passwords come as a file in memory that has no name. Each call has a deadline. This module must not know what is
kept in the TPM.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

DEVICE = "device:/dev/tpmrm0"  # the kernel's resource manager
TIMEOUT_SECONDS = 20.0  # some chips take seconds for a write to non-volatile memory
MAX_ANSWER_BYTES = 65536
INDEX_FIRST, INDEX_LAST = 0x0180_0000, 0x01BF_FFFF  # for owners, by TCG's registry of reserved handles
_FAILED = -1
_CODE = re.compile(rb"\(0x([0-9A-Fa-f]{1,8})\)")
_INDEX = re.compile(r"^(0x[0-9A-Fa-f]+):\s*$", re.MULTILINE)
_ATTRIBUTES = re.compile(r"attributes:\s*\n\s*friendly:\s*(\S+)")
_SIZE = re.compile(r"^\s*size:\s*(\d+)\s*$", re.MULTILINE)
_PROPERTY = re.compile(r'^TPM2_PT_(\w+):\s*\n\s*raw:.*\n\s*value:\s*"?([^"\n]*?)"?\s*$', re.MULTILINE)
_MEANINGS = {  # TPM 2.0 Library, part 2, 6.6.3
    0x08B: "there is no such index",
    0x08E: "the password is wrong",
    0x0A2: "the password is wrong",
    0x101: "it is in failure mode",
    0x14B: "its non-volatile memory is full",
    0x920: "it limits the rate of writes",
    0x921: "it is locked out after wrong passwords",
    0x923: "its non-volatile memory cannot be reached now",
}
_FORMAT_ONE = 0x080  # such a code also says which parameter, handle or session is meant:
_PLACE_BITS = 0xF40


class TpmFailed(Exception):
    """A call did not succeed. `code`: the TPM's, 0 where none came. `detail` holds no secret."""

    def __init__(self, program: str, code: int, detail: str) -> None:
        super().__init__(f"{program}: {detail}")
        self.program = program
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class NvIndex:
    """One index of non-volatile memory, as anybody may see it."""

    attributes: frozenset[str]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Maker:
    """Who made a TPM: four letters of TCG's vendor list, and the maker's own words."""

    vendor: str
    model: str


@dataclass(frozen=True, slots=True)
class TpmTools:
    """One TPM, reached through tpm2-tools. `owner_password`: of the owner hierarchy, usually empty."""

    tcti: str = DEVICE
    owner_password: bytes = b""
    timeout_seconds: float = TIMEOUT_SECONDS

    def __repr__(self) -> str:
        return f"TpmTools({self.tcti!r})"

    def indices(self) -> dict[int, NvIndex]:
        """Return all indices that are defined. Raises TpmFailed."""
        text = self._run("tpm2_nvreadpublic", []).decode("utf-8", "replace")
        parts = _INDEX.split(text)  # what is before, then index and description by turns
        return {int(index, 16): _index(block) for index, block in zip(parts[1::2], parts[2::2], strict=True)}

    def maker(self) -> Maker:
        """Return who made it. Raises TpmFailed."""
        text = self._run("tpm2_getcap", ["properties-fixed"]).decode("utf-8", "replace")
        found = dict(_PROPERTY.findall(text))
        model = " ".join(found.get(f"VENDOR_STRING_{number}", "").strip() for number in (1, 2, 3, 4))
        return Maker(found.get("MANUFACTURER", "").strip(), " ".join(model.split()))

    def define(self, index: int, size_bytes: int, attributes: Sequence[str], password: bytes) -> None:
        """Make an index of the owner's with a password of its own. Raises TpmFailed."""
        arguments = [f"{index:#010x}", "-C", "o", "-s", str(size_bytes), "-a", "|".join(attributes)]
        self._run("tpm2_nvdefine", arguments, {"-p": password, **self._owner()})

    def write(self, index: int, password: bytes, data: bytes) -> None:
        """Write an index, from its beginning. Raises TpmFailed."""
        self._run("tpm2_nvwrite", [f"{index:#010x}", "-C", f"{index:#010x}", "-i", "-"], {"-P": password}, data)

    def read(self, index: int, password: bytes, size_bytes: int) -> bytes:
        """Return what an index holds. Raises TpmFailed."""
        arguments = [f"{index:#010x}", "-C", f"{index:#010x}", "-s", str(size_bytes)]
        return self._run("tpm2_nvread", arguments, {"-P": password})

    def undefine(self, index: int) -> None:
        """Remove an index with what it holds. Raises TpmFailed."""
        self._run("tpm2_nvundefine", [f"{index:#010x}", "-C", "o"], self._owner())

    def _owner(self) -> dict[str, bytes]:
        return {"-P": self.owner_password} if self.owner_password else {}

    def _run(
        self, program: str, arguments: Sequence[str], passwords: dict[str, bytes] | None = None, data: bytes = b""
    ) -> bytes:
        with ExitStack() as closing:
            files = {option: _file_with(password, closing) for option, password in (passwords or {}).items()}
            secret = [word for option, file in files.items() for word in (option, f"file:/dev/fd/{file}")]
            try:
                done = subprocess.run(
                    [program, *arguments, *secret],
                    input=data,
                    capture_output=True,
                    timeout=self.timeout_seconds,
                    env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TPM2TOOLS_TCTI": self.tcti},
                    pass_fds=tuple(files.values()),
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise TpmFailed(program, 0, f"the TPM gave no answer within {self.timeout_seconds:g} s") from None
            except FileNotFoundError:
                raise TpmFailed(program, 0, "not installed; install tpm2-tools") from None
            except OSError as error:
                raise TpmFailed(program, 0, f"cannot be started: {error.strerror}") from None
        if done.returncode != 0:
            raise _failed(program, done.stderr)
        return done.stdout[:MAX_ANSWER_BYTES]


def _file_with(password: bytes, closing: ExitStack) -> int:
    """Return a file in memory that holds a password and has no name (the programs want to know a file's length)."""
    file = os.memfd_create("password", os.MFD_CLOEXEC)
    closing.callback(os.close, file)
    os.write(file, password)
    return file


def _index(block: str) -> NvIndex:
    attributes, size = _ATTRIBUTES.search(block), _SIZE.search(block)
    return NvIndex(frozenset(attributes[1].split("|") if attributes else ()), int(size[1]) if size else _FAILED)


def _failed(program: str, said: bytes) -> TpmFailed:
    codes = [int(code, 16) for code in _CODE.findall(said)]
    code = next((code for code in codes if code < 1 << 16), 0)
    if not code:
        return TpmFailed(program, 0, "the TPM cannot be reached")
    plain = code & ~_PLACE_BITS if code & _FORMAT_ONE else code
    return TpmFailed(program, code, f"the TPM refused: {_MEANINGS.get(plain, f'code {code:#x}')}")
