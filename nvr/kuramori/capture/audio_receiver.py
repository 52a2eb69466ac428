"""From RTP packets of sound to AAC frames: numbers, time and loss of one track that was set up by decision (R3).

Pure: packets and the time of their arrival in, frames on a sink out. Whatever comes here, the pictures go on: a
packet that is not understood is counted and left out. It must not know sockets or RTSP.
"""

import struct

from kuramori.capture.aac import AacDepacketizer
from kuramori.capture.audio_offer import AudioOffer
from kuramori.capture.rtp import Arrival, SequenceCounter, TimestampUnwrapper, locate_payload
from kuramori.capture.source import AudioFrame, Sink, SourceStatistics

_HEADER = struct.Struct(">HHII").unpack_from


class AudioReceiver:
    """Receives one sound media on one interleaved channel; its RTCP on the next is passed over."""

    def __init__(
        self, offer: AudioOffer, rtp_channel: int, rtcp_channel: int, sink: Sink, statistics: SourceStatistics
    ) -> None:
        self.rtp_channel, self.rtcp_channel = rtp_channel, rtcp_channel
        self._payload_type = offer.payload_type
        self._frame_duration = offer.frame_duration
        self._sink = sink
        self._statistics = statistics
        self._depacketizer = AacDepacketizer()
        self._sequence = SequenceCounter()
        self._time = TimestampUnwrapper()
        self._ssrc = -1
        self._lost_packets = 0  # since the last frame that was delivered

    def take(self, packet: memoryview, arrival_boot_ns: int) -> None:
        """Take one RTP packet in, trusting nothing."""
        located = locate_payload(packet, 0, len(packet))
        if located is None:
            self._reject()
            return
        flags, sequence, timestamp, ssrc = _HEADER(packet)
        if flags & 0x7F != self._payload_type:
            self._reject()
            return
        if ssrc != self._ssrc:
            self._ssrc = ssrc
            self._sequence.forget()
            self._depacketizer.lose_step()
        if not self._follows(sequence):
            self._reject()
            return
        self._statistics.audio_packets += 1
        frames = self._depacketizer.feed(packet[located[0] : located[1]])
        if frames is None:
            self._reject()
            return
        rtp_time = self._time.extend(timestamp)
        end_rtp_time = rtp_time + len(frames) * self._frame_duration
        for position, payload in frames:
            lost, self._lost_packets = self._lost_packets, 0
            self._statistics.audio_frames += 1
            begin = rtp_time + position * self._frame_duration
            self._sink.on_audio_frame(AudioFrame(begin, end_rtp_time, arrival_boot_ns, lost, payload))

    def _follows(self, sequence: int) -> bool:
        """Count what is missing before this packet; False when it came before."""
        counter = self._sequence
        lost_before = counter.lost
        arrival = counter.take(sequence)
        if arrival is Arrival.REPEATED:
            return False
        lost = counter.lost - lost_before
        if lost or arrival is Arrival.RESTARTED:
            self._depacketizer.lose_step()
            self._lost_packets += lost
            self._statistics.lost_audio_packets += lost
        return True

    def _reject(self) -> None:
        self._statistics.rejected_audio_packets += 1
