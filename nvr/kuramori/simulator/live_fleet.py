"""Simulated cameras that can be cut, rebooted and moved one by one, for tests that last: one pacer, one responder.

The composition root of such tests; what a `Fleet` does on one RTSP port this does with servers for each camera.
This module must not know the recorder.
"""

import ipaddress
import itertools
import uuid

from kuramori.simulator.certificate import SimulatedCertificate
from kuramori.simulator.discovery_responder import DiscoveryResponder
from kuramori.simulator.fleet import check_host, interface_of
from kuramori.simulator.fleet_plan import FleetPlan, camera_of, materials, mounts_of
from kuramori.simulator.live_camera import LiveCamera
from kuramori.simulator.material import VideoMaterial
from kuramori.simulator.pacer import Pacer
from kuramori.timebase import Clock, SystemClock

FIRST_LOOPBACK_ADDRESS = ipaddress.IPv4Address("127.2.0.1")


class LiveFleet:
    """The cameras, each with ports of its own. start() once, stop() as often as wanted."""

    def __init__(self, plan: FleetPlan, clock: Clock | None = None) -> None:
        self.plan = plan
        self.clock: Clock = clock or SystemClock()
        self.cameras: tuple[LiveCamera, ...] = ()
        self.responder: DiscoveryResponder | None = None
        self.pacer = Pacer(lambda: self.clock.utc_ms() / 1000)
        self._clips: list[VideoMaterial] = []
        self._addresses = (str(FIRST_LOOPBACK_ADDRESS + number) for number in itertools.count())

    def prepare(self) -> None:
        """Make or load the clips; blocks for seconds at first use. Raises OSError."""
        self._clips = materials(self.plan)

    async def start(self) -> tuple[LiveCamera, ...]:
        """Start everything; return the cameras in order. Raises FleetFault or OSError, with nothing left running."""
        check_host(self.plan.host)
        if not self._clips:
            self.prepare()
        if self.plan.discovery:
            self.responder = DiscoveryResponder((), interface_of(self.plan.host))
            await self.responder.start()
        self.cameras = tuple(self._camera(number) for number in range(1, self.plan.cameras + 1))
        try:
            for camera in self.cameras:
                await camera.start()
        except OSError:
            await self.stop()
            raise
        return self.cameras

    async def stop(self) -> None:
        """Say Bye and close everything. May be called twice; the truth of the cameras stays."""
        if self.responder is not None:
            self.responder.stop()
            self.responder = None
        for camera in self.cameras:
            await camera.stop()
        self.pacer.stop()

    def _camera(self, number: int) -> LiveCamera:
        plan = self.plan
        onvif = camera_of(plan, number, "rtsp://unknown", self.clock.utc_ms())
        onvif.endpoint_id = f"urn:uuid:{uuid.uuid4()}"
        mounts = {mount.path: mount for mount in mounts_of(plan, number, self._clips)}
        loopback = ipaddress.IPv4Address(plan.host).is_loopback
        return LiveCamera(
            onvif,
            mounts,
            plan.host,
            self.pacer,
            self.clock,
            SimulatedCertificate(plan.host) if plan.tls else None,
            self.responder,
            (lambda: next(self._addresses)) if loopback else None,
        )
