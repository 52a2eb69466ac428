"""Tells the service manager how the service is, as the recorder's pulses say it; beside the supervisor.

Ready once recording can begin; alive as long as `watchdog` judges so; reading the configuration again until the
recorder has. This module must not know what a pulse counts.
"""

import asyncio
import contextlib
from pathlib import Path

from kuramori import log
from kuramori.pulse import Pulse, PulsePair
from kuramori.service_notification import ServiceManager
from kuramori.supervisor import ProcessState, Supervisor
from kuramori.texts import tr
from kuramori.watchdog import Verdict, Watchdog

LOOK_SECONDS = 0.25
FEEDS_IN_INTERVAL = 4  # so often within the watchdog's interval
FEED_SECONDS_MOST = 1.0
RELOAD_SECONDS_MOST = 15.0  # then the recorder is taken to be done with reading: the manager's reload must end
RECORDER = "recorder"
STAT_BYTES_MOST = 4096


class ServiceLiveness:
    """One run of the service, as the service manager sees it."""

    def __init__(self, manager: ServiceManager, pulses: PulsePair) -> None:
        self._manager = manager
        self._pulses = pulses
        self._watchdog = Watchdog()
        self._newest: Pulse | None = None
        self._ready = False
        self._reload_began: float | None = None
        self._reloads_before: int | None = None
        self._recorder: ProcessState | None = None
        self._verdict = Verdict.FEED

    def changed(self, name: str, state: ProcessState) -> None:
        """A process was started or has ended."""
        if name == RECORDER:
            self._recorder, self._newest = state, None
            self._watchdog.begin()

    def reloading(self) -> None:
        """The configuration is about to be read again."""
        self._reload_began = asyncio.get_running_loop().time()
        self._reloads_before = self._newest.reloads if self._newest is not None else None
        self._manager.reloading(tr("The configuration is being read again.", "設定を再読み込み中です。"))

    async def run(self, supervisor: Supervisor, stop: asyncio.Event) -> None:
        """Tell until `stop` is set. The end that follows is short, and has a limit of its own."""
        interval = self._manager.watchdog_seconds
        feed_seconds = min(interval / FEEDS_IN_INTERVAL if interval else FEED_SECONDS_MOST, FEED_SECONDS_MOST)
        loop = asyncio.get_running_loop()
        next_feed = loop.time()
        while not stop.is_set():
            now = loop.time()
            self._take_in(now)
            if now >= next_feed:
                next_feed = now + feed_seconds
                self._judge(supervisor, now)
            self._tell(now)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
        self._manager.stopping(
            tr("Ending: what was received is made durable.", "停止中（受信済み映像を保存しています）")
        )

    def _take_in(self, now: float) -> None:
        pulse = self._pulses.receive()
        if pulse is not None:
            self._newest = pulse
            self._watchdog.observe(pulse, now)

    def _judge(self, supervisor: Supervisor, now: float) -> None:
        waits = self._watchdog.is_silent(now) and self._waits_for_medium()
        verdict = self._watchdog.verdict(now, waits_for_medium=waits)
        if verdict is not Verdict.WITHHOLD:
            self._manager.alive()
        if verdict is self._verdict:
            return
        self._verdict = verdict
        if verdict is Verdict.WITHHOLD:
            log.get().critical("watchdog_withheld", detail="frames arrive and none becomes durable")
        elif verdict is Verdict.REPLACE:
            log.get().error("recorder_silent", detail="it gives no sign of life and is ended")
            supervisor.kill(RECORDER)

    def _waits_for_medium(self) -> bool:
        """Tell whether the recorder sleeps uninterruptibly, as one does that waits for a disk (proc_pid_stat(5))."""
        if self._recorder is None or self._recorder.pid is None:
            return False
        try:
            with Path(f"/proc/{self._recorder.pid}/stat").open("rb") as file:
                return file.read(STAT_BYTES_MOST).rpartition(b")")[2].split()[:1] == [b"D"]
        except OSError:
            return False

    # ---- what is told ------------------------------------------------------------------------------------------

    def _tell(self, now: float) -> None:
        if self._newest is None:
            started = self._recorder is not None and self._recorder.restarts > 0
            self._manager.status(
                tr("The recorder is started again.", "録画プロセスを再起動しています。")
                if started
                else tr("Starting.", "起動中です。")
            )
            return
        status = _sentence(self._newest) if not self._watchdog.is_silent(now) else _silent()
        if not self._newest.ready:
            self._manager.status(tr("Preparing volumes.", "保存領域を準備しています。"))
        elif not self._ready or self._has_reloaded(now):
            self._ready = True
            self._reload_began = None
            self._manager.ready(status)
        elif self._reload_began is None:
            self._manager.status(status)

    def _has_reloaded(self, now: float) -> bool:
        if self._reload_began is None or self._newest is None:
            return False
        if self._reloads_before is None:  # the recorder had just begun, with the file as it is
            return True
        answered = self._newest.reloads != self._reloads_before
        return answered or now - self._reload_began >= RELOAD_SECONDS_MOST


def _silent() -> str:
    return tr("The recorder gives no sign of life.", "録画プロセスの応答がありません。")


def _sentence(pulse: Pulse) -> str:
    said: str = tr(
        f"{pulse.recording} of {pulse.cameras} cameras are recorded.",
        f"カメラ{pulse.cameras}台中{pulse.recording}台を録画中です。",
    )
    if pulse.refused:
        said += tr(" The changed configuration is refused.", " 変更後の設定は受け付けられませんでした。")
    if pulse.problems:
        said += tr(
            f" Problems: {pulse.problems}; `kuramori status` names them.",
            f" 異常{pulse.problems}件（詳細は `kuramori status`）。",
        )
    return said
