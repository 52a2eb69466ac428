"""What each camera sends, what is missing of it, and what had to be thrown away."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

BYTES = Family(
    "kuramori_camera_received_bytes_total", Kind.COUNTER, "Bytes received from the camera.", ("camera",), "bytes"
)
PACKETS = Family(
    "kuramori_camera_received_packets_total", Kind.COUNTER, "RTP packets received.", ("camera",), "packets"
)
LOST = Family(
    "kuramori_camera_lost_packets_total",
    Kind.COUNTER,
    "RTP packets that are missing by their sequence numbers.",
    ("camera",),
    "packets",
)
REJECTED = Family(
    "kuramori_camera_rejected_packets_total",
    Kind.COUNTER,
    "Packets that came but were not what they should be.",
    ("camera",),
    "packets",
)
UNITS = Family(
    "kuramori_camera_access_units_total", Kind.COUNTER, "Access units (pictures) received.", ("camera",), "pictures"
)
DROPPED = Family(
    "kuramori_camera_dropped_access_units_total",
    Kind.COUNTER,
    "Access units received but never stored.",
    ("camera",),
    "pictures",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of traffic."""
    cameras = statistics.cameras
    yield BYTES.metric([((camera.name,), camera.received_bytes) for camera in cameras])
    yield PACKETS.metric([((camera.name,), camera.received_packets) for camera in cameras])
    yield LOST.metric([((camera.name,), camera.lost_packets) for camera in cameras])
    yield REJECTED.metric([((camera.name,), camera.rejected_packets) for camera in cameras])
    yield UNITS.metric([((camera.name,), camera.access_units) for camera in cameras])
    yield DROPPED.metric([((camera.name,), camera.dropped_access_units) for camera in cameras])


COLLECTOR = Collector("camera_traffic", (BYTES, PACKETS, LOST, REJECTED, UNITS, DROPPED), collect)
