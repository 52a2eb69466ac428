"""Searching on the loopback until what is wanted was found: quick on an idle machine, patient on a busy one."""

from collections.abc import Callable

from kuramori_onvif.discovery import discover
from kuramori_onvif.models import DiscoveryReport

DURATIONS_SECONDS = (0.3, 1.0, 3.0, 8.0)


async def search(enough: Callable[[DiscoveryReport], bool], interface: str = "lo") -> DiscoveryReport:
    """Return the first report that is enough, else the last one."""
    for seconds in DURATIONS_SECONDS:
        report = await discover(seconds=seconds, interfaces=(interface,))
        if enough(report):
            break
    return report


def finds(*endpoint_ids: str) -> Callable[[DiscoveryReport], bool]:
    """Enough is: all these were found."""
    return lambda report: set(endpoint_ids) <= {device.endpoint_id for device in report.devices}
