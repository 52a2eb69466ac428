"""Opens the desk to sign-in and to other machines as the table [api] says, beside the Unix socket.

A port that is taken, or a certificate that does not serve, costs the network and not the desk: it is told in the
status, and tried again. Must not know resources.
"""

import asyncio
from contextlib import suppress

from fastapi import FastAPI

from kuramori import log
from kuramori.api.context import Context
from kuramori.api.server import bind_tcp, serve_tcp
from kuramori.api.tls import TlsFault, ensure_own, server_context
from kuramori.desk.accounts.account_store import AccountStore
from kuramori.desk.accounts.accounts import Accounts
from kuramori.desk.desk import Desk
from kuramori.places import Places
from kuramori.texts import tr
from kuramori.timebase import Clock
from kuramori_config.api_table import Api

RETRY_SECONDS = 5.0


def open_accounts(api: Api, places: Places, desk: Desk, clock: Clock) -> Accounts:
    """Open the accounts. Blocking. Raises AccountStoreFault."""
    store = AccountStore.open(places.accounts)
    idle_seconds = api.idle_minutes * 60
    return Accounts(site=desk.site, journal=desk.journal, store=store, clock=clock, idle_seconds=idle_seconds)


async def serve_network(app: FastAPI, context: Context, api: Api, places: Places, stop: asyncio.Event) -> None:
    """Serve on the ports of the table until `stop`."""
    ports = []
    if api.listen is not None:
        ports.append(_serve_tls(app, context, api, api.listen, places, stop))
    if api.loopback is not None:
        ports.append(_serve_plain(app, context, api.loopback, stop))
    await asyncio.gather(*ports)


async def _serve_tls(
    app: FastAPI, context: Context, api: Api, listen: str, places: Places, stop: asyncio.Event
) -> None:
    certificate, key = api.certificate or places.api_certificate, api.key or places.api_key
    host = listen.rpartition(":")[0].strip("[]")
    while not stop.is_set():
        try:
            if api.certificate is None:
                site = context.site
                ensure_own(certificate, key, site.name, site.recorder_id, host, context.clock.utc_ms())
            tls = server_context(certificate, key)
            listener = bind_tcp(listen)
        except (OSError, TlsFault) as fault:
            await _tell_and_wait(context, listen, fault, stop)
            continue
        context.network_trouble = ""
        log.get().info("network_open", listen=listen)
        await serve_tcp(app, listener, tls, stop)


async def _serve_plain(app: FastAPI, context: Context, listen: str, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            listener = bind_tcp(listen)
        except OSError as fault:
            await _tell_and_wait(context, listen, fault, stop)
            continue
        context.network_trouble = ""
        await serve_tcp(app, listener, None, stop)


async def _tell_and_wait(context: Context, listen: str, fault: Exception, stop: asyncio.Event) -> None:
    if not context.network_trouble:
        log.get().error("network_refused", listen=listen, detail=str(fault))
    context.network_trouble = tr(
        f"Other programs cannot reach the desk on {listen} ({fault}).",
        f"{listen} で受付(desk)に接続できません({fault})。",
    )
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), RETRY_SECONDS)
