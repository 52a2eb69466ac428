"""What the service manager and the journal get, byte by byte, over real sockets."""

import os
import socket
import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kuramori.journal import JournalWriter, stderr_is_journal
from kuramori.journal_entry import encode, entry_of
from kuramori.pulse import DESCRIPTOR, Pulse, PulsePair, PulseSender
from kuramori.service_notification import ServiceManager

PULSE = Pulse(ready=True, arrived=3, durable=2, storage_fault=False, cameras=1, recording=1, problems=0)


def listening(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(path))
    return listener


def test_the_manager_is_told_in_its_own_lines_and_its_address_is_not_passed_on(tmp_path: Path) -> None:
    """READY, RELOADING with its time, a status once, WATCHDOG, STOPPING; the environment is clean afterwards."""
    with listening(tmp_path / "notify") as listener:
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "7"}
        manager = ServiceManager.of(environment, 7)
        assert not environment
        assert manager.watchdog_seconds == 10.0
        manager.ready("good\nREADY=0")
        manager.status("good\nREADY=0")
        manager.reloading("reading")
        manager.alive()
        manager.stopping("ending")
        manager.close()
        told = [listener.recv(4096).decode() for _ in range(4)]
    assert told[0] == "READY=1\nSTATUS=good READY=0"
    assert told[1].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert told[2:] == ["WATCHDOG=1", "STOPPING=1\nSTATUS=ending"]


def test_without_a_manager_or_with_one_that_is_gone_nothing_happens(tmp_path: Path) -> None:
    """No address, another's watchdog, a socket that is not there."""
    ServiceManager.of({}, 7).ready("good")
    manager = ServiceManager.of({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "1", "WATCHDOG_PID": "8"}, 7)
    assert manager.watchdog_seconds is None
    manager.ready("good")


def test_an_event_becomes_an_entry_with_fields() -> None:
    """Camera and volume have fields of their own; the journal's priority is syslog's."""
    fields = entry_of(
        {"event": "volume_late", "level": "error", "volume": "/v", "camera": "gate", "seconds": 3, "_x": 1}
    )
    assert fields["MESSAGE"].startswith("volume_late volume=/v camera=gate")
    assert (fields["PRIORITY"], fields["VOLUME"], fields["CAMERA"]) == ("3", "/v", "gate")
    assert (fields["KURAMORI_EVENT"], fields["KURAMORI_SECONDS"]) == ("volume_late", "3")


@given(st.dictionaries(st.text(max_size=80), st.text(max_size=200), max_size=60))
def test_no_event_can_forge_a_field(event: dict[str, str]) -> None:
    """Any names and values: read back by the protocol, the entry has exactly its fields, all well named."""
    fields = entry_of({**event, "event": "e", "level": "info"})
    data, read = encode(fields), {}
    while data:
        line, _, rest = data.partition(b"\n")
        if b"=" in line:
            name, _, value = line.partition(b"=")
            data = rest
        else:
            name, length = line, struct.unpack_from("<Q", rest)[0]
            value, data = rest[8 : 8 + length], rest[9 + length :]
        read[name.decode()] = value
    assert read.keys() == fields.keys()
    assert all(name.isascii() and name == name.upper() and not name.startswith("_") for name in read)
    assert read["PRIORITY"] == b"6"


def test_a_journal_that_is_busy_costs_entries_and_one_that_is_gone_is_replaced_by_a_line(tmp_path: Path) -> None:
    """Nothing waits: what was lost is counted in the next entry; without a journal the line is JSON."""
    with listening(tmp_path / "journal") as listener:
        writer = JournalWriter(str(tmp_path / "journal"))
        for number in range(2000):
            assert writer(None, "", {"event": "e", "number": number}) == ""
        listener.setblocking(False)
        received = 0
        try:
            while listener.recv(65536):
                received += 1
        except BlockingIOError:
            pass
        assert received < 2000
        writer(None, "", {"event": "after"})
        assert f"KURAMORI_LOST_ENTRIES={2000 - received}\n".encode() in listener.recv(65536)
    (tmp_path / "journal").unlink()
    assert writer(None, "", {"event": "gone"}) == '{"event": "gone"}'
    writer.close()


def test_standard_error_is_the_journal_only_where_systemd_says_so() -> None:
    """The variable names device and inode; another process's variable that was inherited names others."""
    status = os.fstat(2)
    assert stderr_is_journal({"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
    assert not stderr_is_journal({"JOURNAL_STREAM": "1:1"})
    assert not stderr_is_journal({})


def test_a_pulse_crosses_and_the_newest_counts() -> None:
    """Older ones are passed over, rubbish is ignored, and nobody waits for anybody."""
    pair = PulsePair()
    sender = PulseSender.of({DESCRIPTOR: str(os.dup(pair.inherited))})
    assert pair.receive() is None
    for _ in range(2000):
        sender.send(PULSE)
    newest = pair.receive()
    assert newest == PULSE
    with socket.socket(fileno=os.dup(pair.inherited)) as other:
        other.send(b"rubbish")
    assert pair.receive() is None
    sender.close()
    pair.close()
    PulseSender.of({}).send(PULSE)
