"""Aiming (R4): one still of a camera for an installer while a handler is present, at most AIMS_MOST per enrolment.

The picture is taken first, so that a camera that gives none costs nothing; the entry *aimed* is durable before it
leaves. Nothing of it is kept. Must not know HTTP, video or how a still is taken.
"""

import asyncio
from dataclasses import dataclass

from kuramori.desk.camera_book import AIMS_MOST
from kuramori.desk.camera_care import CameraCare
from kuramori.desk.camera_steps import Aimed
from kuramori.desk.fault import AimingRefused, AimingUsedUp, CameraUnknown, StillMissing
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.site import Site
from kuramori.stills.still_wire import Still, StillFailed
from kuramori.stills.taking import TakeStill
from kuramori.timebase import Clock
from kuramori_config.schema import Role


@dataclass(frozen=True, slots=True)
class Aim:
    """A still that is registered and may be shown; how many more there may be."""

    still: Still
    number: int
    left: int


class Aiming:
    """Shows stills, one at a time."""

    def __init__(self, site: Site, journal: Journal, care: CameraCare, take_still: TakeStill, clock: Clock) -> None:
        self._site = site
        self._journal = journal
        self._care = care
        self._take_still = take_still
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def aim(self, camera: str, installer: str, handler: str, actor: Actor) -> Aim:
        """Take and register one still. Raises AimingRefused, AimingUsedUp, StillMissing and other DeskFaults."""
        self._require_both(installer, handler, actor)
        if self._site.in_service(camera) is None:
            raise CameraUnknown(camera)
        async with self._one_at_a_time:
            if self._care.book.of(camera) is None:
                await self._care.follow_configuration()
            life = self._care.book.in_service(camera)
            if life.aims >= AIMS_MOST:
                raise AimingUsedUp(camera, AIMS_MOST)
            try:
                still = await self._take_still(camera)
            except StillFailed as failed:
                raise StillMissing(camera, failed.reason, f"{failed.detail}.") from failed
            step = Aimed(camera, life.enrolment, life.aims + 1, installer, handler)
            await self._journal.write(step, actor, self._clock.utc_ms())
            return Aim(still, step.number, AIMS_MOST - step.number)

    def _require_both(self, installer: str, handler: str, actor: Actor) -> None:
        """Two people, each with the duty, one of whom asks."""
        for name, role, english, japanese in (
            (installer, Role.INSTALLER, "installer", "設置作業者(installer)"),
            (handler, Role.HANDLER, "handler", "取扱担当者(handler)"),
        ):
            person = self._site.person(name)
            if person is None or role not in person.roles:
                shown = name[:64] if name[:64].isprintable() else "?"
                raise AimingRefused(
                    f"{shown} is not named as {english} in the configuration.",
                    f"{shown} は設定ファイルに{japanese}として登録されていません。",
                )
        if installer == handler:
            raise AimingRefused(
                "Aiming takes two people: the installer, and a handler who is present.",
                "画角調整には、設置作業者のほかに取扱担当者1名の立会いが必要です。",
            )
        if actor.person not in (installer, handler):
            raise AimingRefused(
                "Only the installer or the handler who is present may ask for the picture.",
                "静止画を求められるのは、設置作業者か立ち会う取扱担当者だけです。",
            )
