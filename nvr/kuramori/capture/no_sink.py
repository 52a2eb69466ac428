"""A sink that keeps nothing: for a source that only asks, or that is being closed."""

from kuramori.capture.source import AccessUnit, AudioFrame, SenderReport


class NoSink:
    """Takes everything, keeps nothing."""

    def on_access_unit(self, unit: AccessUnit) -> None:
        """Let it go."""

    def on_parameter_sets(self, parameter_sets: tuple[bytes, ...]) -> None:
        """Let them go."""

    def on_sender_report(self, report: SenderReport) -> None:
        """Let it go."""

    def on_audio_frame(self, frame: AudioFrame) -> None:
        """Let it go."""
