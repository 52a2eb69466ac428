"""The desk process: composition root. Builds the desk in order, serves its API, ends in reverse order.

    python -m kuramori.desk_process --config FILE

A register that does not verify does not keep it from starting: status is served, and everything that needs an
entry is refused with the reason. Must not know how anything works inside.
"""

import asyncio
import sys
from collections import Counter

from fastapi import FastAPI

from kuramori import log
from kuramori.api.app import make_app
from kuramori.api.context import Context
from kuramori.api.network import open_accounts, serve_network
from kuramori.api.server import serve
from kuramori.clips.extraction import run_worker
from kuramori.desk.accounts.account_store import AccountStoreFault
from kuramori.desk.approval_store import ApprovalStoreFault
from kuramori.desk.call_store import CallStoreFault
from kuramori.desk.custody_store import CustodyStoreFault
from kuramori.desk.desk import Desk, DeskPlaces, DeviceKeyFault, desk_reminders
from kuramori.desk.fault import CustodiansUnusable, DeskFault
from kuramori.desk.register import RegisterFault
from kuramori.desk.reminders import ReminderKind
from kuramori.desk.site import Site
from kuramori.door_client import DoorClient
from kuramori.identity import IdentityFault, read_identity
from kuramori.metrics_window import reader_of
from kuramori.places import Places
from kuramori.process import EXIT_CONFIGURATION, run_process, unusable
from kuramori.recorder_client import RecorderClient
from kuramori.reloads import Reloads
from kuramori.stills.taking import TakeStill, still_taker
from kuramori.timebase import SystemClock
from kuramori_config.schema import Configuration
from kuramori_metrics.exporter import ListenRefused, MetricsExporter
from kuramori_metrics.statistics import CustodianKeyStatistics, CustodyStatistics, RequestStatistics

WINDOW_RETRY_SECONDS = 5.0  # between two tries to listen where another program had the port
SCRAPE_SECONDS = 5.0  # a recorder that is frozen is shown as down before a scraper gives up


async def main(configuration: Configuration, reloads: Reloads, stop: asyncio.Event) -> None:
    """Run the desk until stopped."""
    places = Places.of(configuration)
    try:
        identity = read_identity(places.identity)
    except (IdentityFault, OSError) as fault:
        print(fault if isinstance(fault, IdentityFault) else unusable(fault), file=sys.stderr)
        sys.exit(EXIT_CONFIGURATION)
    site = Site.of(configuration, identity.recorder_id)
    clock = SystemClock()
    recorder = RecorderClient(places.recorder_socket)
    desk, trouble = await asyncio.to_thread(_open, site, places, recorder, still_taker(reloads.path), clock)
    context = Context(site, recorder, clock, places.runtime, desk, trouble, DoorClient(places.door_socket))
    context.configuration_path = reloads.path
    app = await asyncio.to_thread(_with_sign_in, configuration, context, places)
    tasks = [asyncio.create_task(_follow(reloads, site, desk))]
    if desk is not None:
        tasks.append(asyncio.create_task(_keep_house(desk, stop)))
    shown = RecorderClient(places.recorder_socket, SCRAPE_SECONDS)
    host, _, port = configuration.metrics.listen.rpartition(":")
    exporter = MetricsExporter(
        reader_of(shown, places.runtime, lambda: _custody(desk), requests=lambda: _requests(desk)),
        host.strip("[]"),
        int(port),
    )
    try:
        if not await _open_window(exporter):
            tasks.append(asyncio.create_task(_open_window_later(exporter)))
        log.get().info("desk_ready", register_size=desk.journal.register.size if desk else None, trouble=trouble)
        if configuration.api is not None:
            tasks.append(asyncio.create_task(serve_network(app, context, configuration.api, places, stop)))
        await serve(app, places.desk_socket, stop)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await exporter.stop()
        if desk is not None:
            await desk.close()
        if context.accounts is not None:
            context.accounts.close()


def _with_sign_in(configuration: Configuration, context: Context, places: Places) -> FastAPI:
    """Return the app; with a table [api] every person signs in. Accounts that cannot be read let nobody in."""
    context.sign_in = configuration.api is not None
    if configuration.api is not None and context.desk is not None:
        try:
            context.accounts = open_accounts(configuration.api, places, context.desk, context.clock)
        except AccountStoreFault as fault:
            log.get().error("accounts_unusable", detail=str(fault))
            context.trouble = str(fault)
    return make_app(context)


def _custody(desk: Desk | None) -> CustodyStatistics | None:
    """Return custody for the metrics; None where it cannot be read, which the status tells."""
    if desk is None:
        return None
    try:
        status = desk.custody_status()
    except CustodiansUnusable:
        return None
    people = tuple(CustodianKeyStatistics(one.custodian, one.shown_utc_ms) for one in status.custodians)
    return CustodyStatistics(people, status.earlier_sets, status.recovery_used)


def _requests(desk: Desk | None) -> RequestStatistics | None:
    """Return what the office must not forget, for the metrics; None without a register, which the status tells."""
    if desk is None:
        return None
    found = desk_reminders(desk)
    of_kind = Counter(one.kind for one in found)
    late = Counter(one.kind for one in found if one.late)
    return RequestStatistics(
        of_kind[ReminderKind.HANDOVER],
        of_kind[ReminderKind.HOLD],
        of_kind[ReminderKind.DOCUMENT],
        late[ReminderKind.DOCUMENT],
    )


async def _follow(reloads: Reloads, site: Site, desk: Desk | None) -> None:
    """Take over each newer configuration: cameras and people; the register notes what it did not know."""
    while True:
        site.adopt(Site.of(await reloads.next(), site.recorder_id))
        if desk is not None:
            try:
                await desk.cameras.follow_configuration()
            except DeskFault as fault:  # housekeeping tries again
                log.get().error("cameras_not_registered", detail=fault.english)


async def _keep_house(desk: Desk, stop: asyncio.Event) -> None:
    """Keep house; a register that must be opened anew ends the process, and the supervisor starts another."""
    await desk.keep_house(stop)
    stop.set()


async def _open_window(exporter: MetricsExporter, *, again: bool = False) -> bool:
    """Start the metrics page and tell whether it stands; a port that is taken costs the page, not the desk."""
    try:
        await exporter.start()
    except ListenRefused as refused:
        if not again:
            log.get().error("metrics_refused", detail=str(refused))
        return False
    return True


async def _open_window_later(exporter: MetricsExporter) -> None:
    """Start the metrics page as soon as its port is free; that it is not was told."""
    while True:
        await asyncio.sleep(WINDOW_RETRY_SECONDS)
        if await _open_window(exporter, again=True):
            log.get().info("metrics_shown", port=exporter.port)
            return


def _open(
    site: Site, places: Places, recorder: RecorderClient, take_still: TakeStill, clock: SystemClock
) -> tuple[Desk | None, str]:
    files = DeskPlaces.of(places)
    try:
        return Desk.open(site, files, recorder, run_worker, take_still, clock), ""
    except (RegisterFault, ApprovalStoreFault, CustodyStoreFault, CallStoreFault, DeviceKeyFault) as fault:
        log.get().error("register_unusable", detail=str(fault))
        return None, str(fault)


if __name__ == "__main__":
    run_process("desk", main)
