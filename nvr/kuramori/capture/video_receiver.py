"""From interleaved bytes to access units: the loop that every byte of every camera passes through.

Pure: bytes and the time of their arrival in, calls on a sink out. Two kinds of steps: a *run* takes fragments
whose headers differ from their predecessor's in the sequence number only, at the price of one comparison and one
copy each; everything else takes the careful path, packet by packet. It must not know sockets or RTSP.
"""

import struct
from dataclasses import dataclass

from kuramori.capture.access_unit import AccessUnitBuilder
from kuramori.capture.audio_receiver import AudioReceiver
from kuramori.capture.h264 import H264Depacketizer
from kuramori.capture.h265 import H265Depacketizer
from kuramori.capture.parameter_sets import ParameterSets
from kuramori.capture.replay import OnReplayTime, read_replay_time
from kuramori.capture.rtcp import Goodbye, Reception, parse_rtcp
from kuramori.capture.rtp import (
    RTP_HEADER_BYTES,
    Arrival,
    SequenceCounter,
    TimestampUnwrapper,
    locate_payload,
)
from kuramori.capture.rtsp_message import DOLLAR, INTERLEAVED_HEADER_BYTES
from kuramori.capture.sdp import VideoOffer
from kuramori.capture.source import (
    AccessUnit,
    Codec,
    EndReason,
    SenderReport,
    Sink,
    SourceEnded,
    SourceStatistics,
)

MAX_REJECTED_IN_A_ROW = 500  # then it is not a stream of video
MAX_CHANGES_IN_A_ROW = 16  # of the parameter sets
UNITS_PER_CHANGE = 100  # so many units without one make up for one change
_PLAIN_VERSION = 0x8000  # version 2, no padding, no extension, no contributing sources
_MARKER = 0x0080
_RUN_LENGTH_SHIFT = 32  # where the frame's length stands in the word of a run
_LAST_MAY_DIFFER = 0xFFFF << _RUN_LENGTH_SHIFT | _MARKER << 16  # the last fragment's length and marker
_HEADER = struct.Struct(">HHII").unpack_from
_FRAMED_HEADER = struct.Struct(">QQ").unpack_from


@dataclass(slots=True)
class _LastReport:
    """The camera's last sender report, for our receiver report."""

    ntp: int
    arrival_boot_ns: int
    lost_before: int = 0
    received_before: int = 0


class VideoReceiver:
    """Receives one video media on one interleaved channel (its RTCP on the next); hands decided sound on."""

    def __init__(
        self,
        offer: VideoOffer,
        rtp_channel: int,
        rtcp_channel: int,
        sink: Sink,
        statistics: SourceStatistics,
        audio: AudioReceiver | None = None,
    ) -> None:
        self.trouble: SourceEnded | None = None
        self.on_replay_time: OnReplayTime | None = None  # told before the picture that it is the time of
        self._offer = offer
        self._audio = audio
        self._rtp_channel, self._rtcp_channel = rtp_channel, rtcp_channel
        self._sink = sink
        self._statistics = statistics
        self._depacketizer: H264Depacketizer | H265Depacketizer = (
            H264Depacketizer() if offer.codec is Codec.H264 else H265Depacketizer()
        )
        self._parameter_sets = ParameterSets(offer.codec, offer.parameter_sets)
        self._unit = AccessUnitBuilder(self._deliver)
        self._sequence = SequenceCounter()
        self._time = TimestampUnwrapper()
        self._arrival_boot_ns = 0
        self._ssrc = -1
        self._timestamp = -1
        self._after_gap = True  # until a picture begins cleanly, what comes may lack its beginning
        self._after_marker = False
        self._rejected_in_a_row = 0
        self._restlessness = 0  # grows with each change of the parameter sets, shrinks with each unit
        self._report: _LastReport | None = None
        self._plain = _PLAIN_VERSION | offer.payload_type
        # The run: how the next fragment's header will look. 0: no run.
        self._run_word = 0  # framing, flags and sequence number: grows by one from packet to packet
        self._run_identity = 0  # time stamp and SSRC
        self._run_fragment = b""
        self._last_fragment = b""
        self._run_step = 0  # bytes from packet to packet
        self._run_head = INTERLEAVED_HEADER_BYTES + RTP_HEADER_BYTES + self._depacketizer.fragment_header_bytes
        self._run_unpack = struct.Struct(f">QQ{self._depacketizer.fragment_header_bytes}s").unpack_from

    def walk(self, data: bytearray, view: memoryview, at: int, end: int, arrival_boot_ns: int) -> int:
        """Take the interleaved frames in [at, end) in; return where the first other or incomplete thing begins.

        `view` is a memoryview of `data`. Everything that is delivered carries `arrival_boot_ns`. Stops early when
        `trouble` says that the stream is over.
        """
        self._arrival_boot_ns = arrival_boot_ns
        while end - at >= INTERLEAVED_HEADER_BYTES and self.trouble is None:
            if self._run_word:
                at = self._walk_run(data, view, at, end)
                if end - at < INTERLEAVED_HEADER_BYTES:
                    break
            if data[at] != DOLLAR:
                break
            start = at + INTERLEAVED_HEADER_BYTES
            stop = start + (data[at + 2] << 8 | data[at + 3])
            if stop > end:
                break
            channel = data[at + 1]
            if channel == self._rtp_channel:
                self._take_packet(data, view, start, stop)
            elif channel == self._rtcp_channel:
                self._take_control(view[start:stop])
            else:
                self._take_beside(channel, view[start:stop])
            at = stop
        return at

    @property
    def aggregated_nals(self) -> int:
        """How many NAL units came several to a packet, since the beginning."""
        return self._unit.aggregated_nals

    def finish(self) -> None:
        """The stream is over: deliver a picture that is complete but for its marker."""
        if self._unit.has_picture:
            self._unit.finish()

    def reception(self, now_boot_ns: int) -> Reception | None:
        """What a receiver report would say now; None before the first sender report."""
        report, sequence = self._report, self._sequence
        if report is None or self._ssrc < 0:
            return None
        lost = sequence.lost - report.lost_before
        received = self._statistics.rtp_packets - report.received_before
        report.lost_before, report.received_before = sequence.lost, self._statistics.rtp_packets
        return Reception(
            self._ssrc,
            sequence.lost,
            256 * lost // max(1, lost + received),
            sequence.cycles << 16 | (sequence.expected - 1) & 0xFFFF,
            report.ntp,
            max(0, now_boot_ns - report.arrival_boot_ns),
        )

    def _walk_run(self, data: bytearray, view: memoryview, at: int, end: int) -> int:
        """Copy fragments of one NAL unit for as long as each header is the one foreseen, and the last one.

        A run that would pass from sequence number 65535 to 0 ends there, because the foreseen word carries over.
        """
        unit, unpack = self._unit, self._run_unpack
        room, fill = unit.view, unit.fill
        head, step = self._run_head, self._run_step
        body = step - head
        last_at, last_fill = end - step, unit.capacity_bytes - body
        first_word = word = self._run_word
        identity, fragment = self._run_identity, self._run_fragment
        met_another = False
        while at <= last_at and fill <= last_fill:
            its_word, its_identity, its_fragment = unpack(data, at)
            if its_word != word or its_identity != identity or its_fragment != fragment:
                met_another = True
                break
            stop = at + step
            room[fill : fill + body] = view[at + head : stop]
            fill += body
            at = stop
            word += 1
        if word != first_word:
            unit.fill = fill
            unit.packets += word - first_word
            self._statistics.rtp_packets += word - first_word
            self._sequence.skip_to(word & 0xFFFF)
            unit.arrival_boot_ns = self._arrival_boot_ns
        self._run_word = word
        if met_another:
            self._run_word = 0
            stop = at + INTERLEAVED_HEADER_BYTES + int(its_word >> _RUN_LENGTH_SHIFT & 0xFFFF)
            is_last = its_fragment == self._last_fragment and its_identity == identity and not self._after_gap
            is_next = not (its_word ^ word) & ~_LAST_MAY_DIFFER
            if is_last and is_next and at + head < stop <= end and fill + stop - at - head <= unit.capacity_bytes:
                self._end_run(view, at, stop, bool(its_word >> 16 & _MARKER))
                return stop
        return at

    def _end_run(self, view: memoryview, at: int, stop: int, marked: bool) -> None:
        """Take the last fragment of a run: its header is the one foreseen but for length, marker and end bit."""
        unit = self._unit
        begin = at + self._run_head
        fill = unit.fill
        unit.fill = end_fill = fill + stop - begin
        unit.view[fill:end_fill] = view[begin:stop]
        unit.packets += 1
        unit.arrival_boot_ns = self._arrival_boot_ns
        self._statistics.rtp_packets += 1
        self._sequence.follow()
        unit.close_fragment()
        self._after_marker = marked
        if marked:
            unit.marked()

    def _take_packet(self, data: bytearray, view: memoryview, start: int, stop: int) -> None:
        """Take one RTP packet in, trusting nothing."""
        self._run_word = 0
        begin, end = start + RTP_HEADER_BYTES, stop
        if begin >= stop:
            self._reject()
            return
        flags, sequence, timestamp, ssrc = _HEADER(data, start)
        plain = flags & ~_MARKER == self._plain
        if not plain:
            located = locate_payload(data, start, stop)
            if located is None or flags & 0x7F != self._offer.payload_type:
                self._reject_payload(flags & 0x7F)
                return
            begin, end = located
        if ssrc != self._ssrc:
            self._meet_sender(ssrc)
        if sequence == self._sequence.expected:
            self._sequence.follow()
        elif not self._take_gap(sequence):
            return
        unit = self._unit
        payload = view[begin:end]
        if timestamp != self._timestamp:
            self._timestamp = timestamp
            unit.at_time(self._time.extend(timestamp))
            if self.on_replay_time is not None:
                self._tell_replay_time(self.on_replay_time, data, start, stop)
        elif self._after_marker and self._depacketizer.is_later_slice(payload):
            unit.continues_finished_unit()
        self._after_marker = flags & _MARKER != 0
        if self._after_gap and not self._rejoin(payload):
            unit.damaged = True
        understood = self._depacketizer.feed(payload, unit)
        if understood or self._after_gap:
            self._rejected_in_a_row = 0
        else:
            unit.damaged = True
            self._reject()
        unit.packets += 1
        unit.arrival_boot_ns = self._arrival_boot_ns
        self._statistics.rtp_packets += 1
        if flags & _MARKER:
            unit.marked()
        elif plain and understood and unit.fragment_start >= 0:
            self._foresee_run(data, payload, start, stop)

    def _tell_replay_time(self, tell: OnReplayTime, data: bytearray, start: int, stop: int) -> None:
        told = read_replay_time(data, start, stop)
        if told is not None:
            tell(self._time.near(self._timestamp), told)

    def _foresee_run(self, data: bytearray, payload: memoryview, start: int, stop: int) -> None:
        """A fragment was taken and more must come: say how the next header will look."""
        word, identity = _FRAMED_HEADER(data, start - INTERLEAVED_HEADER_BYTES)
        self._run_word = word + 1
        self._run_identity = identity
        self._run_fragment, self._last_fragment = self._depacketizer.later_fragment_headers(payload)
        self._run_step = stop - start + INTERLEAVED_HEADER_BYTES

    def _take_gap(self, sequence: int) -> bool:
        """The number is not the one expected; False when the packet is to be left out."""
        counter = self._sequence
        lost_before, is_first = counter.lost, counter.expected < 0
        arrival = counter.take(sequence)
        if arrival is Arrival.REPEATED:
            self._reject()
            return False
        if not is_first:
            self._statistics.lost_packets += counter.lost - lost_before
            self._unit.missing(counter.lost - lost_before)
            self._after_gap = True
            self._after_marker = False
        return True

    def _rejoin(self, payload: memoryview) -> bool:
        """Behind a gap: tell whether the picture that this packet belongs to is whole, as far as can be seen."""
        unit = self._unit
        joined = unit.has_picture or unit.nal_count > 0 or self._depacketizer.begins_cleanly(payload)
        if joined:
            self._after_gap = False
        return joined

    def _meet_sender(self, ssrc: int) -> None:
        if self._ssrc >= 0:
            self._unit.missing(0)
            self._unit.at_time(-1)
            self._after_gap = True
        self._ssrc = ssrc
        self._timestamp = -1
        self._sequence.forget()

    def _take_beside(self, channel: int, packet: memoryview) -> None:
        """What is not the video: decided sound, or what nobody asked for (an audio track that is pushed, for one)."""
        audio = self._audio
        if audio is not None and channel == audio.rtp_channel:
            audio.take(packet, self._arrival_boot_ns)
        elif audio is None or channel != audio.rtcp_channel:
            self._reject()

    def _take_control(self, packet: memoryview) -> None:
        for report in parse_rtcp(packet):
            if isinstance(report, Goodbye):
                if not report.ssrcs or self._ssrc in report.ssrcs:
                    self.trouble = SourceEnded(EndReason.VANISHED, "the camera said good-bye")
                return
            if self._timestamp < 0:
                continue  # before the first packet its time cannot be placed
            before = self._report
            if before is not None and before.arrival_boot_ns == self._arrival_boot_ns:
                continue  # one per reading is enough: each becomes a record
            self._report = _LastReport(report.ntp, self._arrival_boot_ns)
            if before is not None:
                self._report.lost_before = before.lost_before
                self._report.received_before = before.received_before
            rtp_time = self._time.near(report.rtp_timestamp)
            self._sink.on_sender_report(SenderReport(report.ntp, rtp_time, self._arrival_boot_ns))

    def _reject_payload(self, payload_type: int) -> None:
        if payload_type in self._offer.other_codec_payload_types:
            self.trouble = SourceEnded(EndReason.CODEC_CHANGED, "the camera changed to another codec")
        self._reject()

    def _reject(self) -> None:
        self._statistics.rejected_packets += 1
        self._rejected_in_a_row += 1
        if self._rejected_in_a_row >= MAX_REJECTED_IN_A_ROW and self.trouble is None:
            self.trouble = SourceEnded(EndReason.GARBAGE, "what comes is not the video that was described")

    def _deliver(self, unit: AccessUnitBuilder) -> None:
        statistics = self._statistics
        statistics.access_units += 1
        if unit.is_key:
            statistics.key_frames += 1
        statistics.dropped_units = unit.dropped_units
        if self._restlessness:
            self._restlessness -= 1
        if unit.parameter_sets and self._parameter_sets.update(unit.parameter_sets):
            self._tell_parameter_sets()
        self._sink.on_access_unit(
            AccessUnit(
                unit.rtp_time,
                unit.arrival_boot_ns,
                unit.is_key,
                unit.damaged,
                unit.lost_packets,
                unit.nal_count,
                unit.view[: unit.fill],
            )
        )

    def _tell_parameter_sets(self) -> None:
        """Each change becomes a record far larger than the unit it came in: no camera changes all the time."""
        self._restlessness += UNITS_PER_CHANGE
        if self._restlessness > MAX_CHANGES_IN_A_ROW * UNITS_PER_CHANGE and self.trouble is None:
            self.trouble = SourceEnded(EndReason.GARBAGE, "its parameter sets change all the time")
        self._sink.on_parameter_sets(self._parameter_sets.all())
