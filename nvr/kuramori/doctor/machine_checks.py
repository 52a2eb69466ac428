"""Checks of the machine itself: its clock, and where memory may be written to."""

from collections.abc import Iterator

from kuramori.doctor.examination import Case
from kuramori.doctor.finding import Finding, fine, warning
from kuramori.texts import tr

ENCRYPTED_SWAP_PREFIXES = ("/dev/zram", "/dev/mapper/", "/dev/dm-")  # in memory, or most likely encrypted


def check_clock(case: Case) -> Iterator[Finding]:
    """The clock is kept right: retention ends by it, and clips are dated by it."""
    if case.machine.clock_synchronised:
        yield fine("clock", tr("the clock is synchronised", "時刻は同期されています"))
        return
    yield warning(
        "clock-not-synchronised",
        tr("nothing keeps the clock right", "時刻が同期されていません"),
        tr(
            "start a time service (systemd-timesyncd, chrony); until then recordings may carry wrong times",
            "時刻同期サービス（systemd-timesyncd、chrony等）を起動してください。それまで録画の時刻が不正確になり得ます",
        ),
    )


def check_swap(case: Case) -> Iterator[Finding]:
    """Pictures pass through memory, and swap may write memory to a disk."""
    plain = [device for device in case.machine.swap if not device.startswith(ENCRYPTED_SWAP_PREFIXES)]
    if plain:
        listed = ", ".join(plain)
        yield warning(
            "swap-in-clear",
            tr(
                f"swap may write memory, and so pictures, to {listed}",
                f"スワップにより、メモリー上の画像が {listed} に書かれる可能性があります",
            ),
            tr("turn swap off, use zram, or encrypt it", "スワップを無効にするか、zramまたは暗号化を使用してください"),
        )
    else:
        yield fine("swap", tr("no swap in clear", "平文のスワップはありません"))
