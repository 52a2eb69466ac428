"""`kuramori simulate`: cameras to try the recorder on, and to size a machine with.

Found by discovery, asked over ONVIF, streamed over RTSP; nothing of it is recorded by anybody. It must not know the
recorder.
"""

import asyncio
import json
import re
import signal
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from kuramori.cli import simulate_options as options
from kuramori.cli.client import fail
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori.simulator.challenge import Account
    from kuramori.simulator.fleet import FleetPlan, RunningCamera

MOST_PIXELS = 4096
MOST_BITS_PER_SECOND = 50_000_000
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}


TABLE_COLUMNS = 200  # addresses are copied: never folded


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        help=tr(
            "Run simulated ONVIF cameras until Ctrl-C or SIGTERM.",
            "模擬のONVIFカメラを動かします。Ctrl-C または SIGTERM で終了します。",
        )
    )
    def simulate(
        cameras: options.Cameras = 2,
        audio_on: options.AudioOn = 1,
        host: options.Host = "127.0.0.1",
        rtsp_port: options.RtspPort = 0,
        onvif_port: options.OnvifPort = 0,
        user: options.User = None,
        password_file: options.PasswordFile = None,
        bitrate: options.Bitrate = "2M",
        size: options.Size = "1280x720",
        fps: options.FramesPerSecond = 15,
        gop: options.GopSeconds = 1.0,
        codec: options.CodecName = "h264",
        silent_profile: options.SilentProfile = False,
        own_profiles: options.OwnProfiles = False,
        card: options.Card = None,
        card_audio: options.CardAudio = False,
        clock_offset: options.ClockOffset = 0,
        motion: options.Motion = 0,
        tls: options.Tls = False,
        discovery: options.Discovery = True,
        announced: options.Announced = 0,
        cache: options.Cache = options.DEFAULT_CACHE,
        as_json: options.AsJson = False,
    ) -> None:
        """Check the options, then run."""
        from kuramori.capture.source import Codec
        from kuramori.simulator.card import CardState
        from kuramori.simulator.fleet import FleetPlan
        from kuramori.simulator.source_clip import ClipSettings

        if card not in (None, *(one.value for one in CardState)):
            fail(tr("--card is off, recording or failed.", "--card は off、recording、failed のいずれかです。"))
        if codec not in (one.value for one in Codec):
            fail(tr("--codec is h264 or h265.", "--codec は h264 または h265 です。"))
        width, height = _size(size)
        clip = ClipSettings(Codec(codec), width, height, fps, _bits_per_second(bitrate), gop)
        plan = FleetPlan(
            cameras=cameras,
            audio_on=audio_on,
            host=host,
            rtsp_port=rtsp_port,
            onvif_port=onvif_port,
            account=_account(user, password_file),
            clip=clip,
            cache_directory=cache,
            silent_profile=silent_profile,
            profiles_can_be_made=own_profiles,
            card=CardState(card) if card is not None else None,
            card_audio=card_audio,
            clock_offset_seconds=clock_offset,
            motion_seconds=motion,
            tls=tls,
            discovery=discovery,
            announced=announced,
        )
        asyncio.run(_run(plan, as_json))


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (64 <= width <= MOST_PIXELS and 64 <= height <= MOST_PIXELS) or width % 2 or height % 2:
        fail(
            tr(
                f"--size is WIDTHxHEIGHT, even numbers from 64 to {MOST_PIXELS}, such as 1280x720.",
                f"--size は 1280x720 のように、64から{MOST_PIXELS}までの偶数で指定してください。",
            )
        )
    return width, height


def _bits_per_second(text: str) -> int:
    match = re.fullmatch(r"(\d{1,8}(?:\.\d{1,3})?)([kKmM]?)", text)
    value = round(float(match[1]) * _FACTORS[match[2].lower()]) if match else 0
    if not 10_000 <= value <= MOST_BITS_PER_SECOND:
        fail(
            tr(
                "--bitrate is between 10k and 50M, such as 4M or 500k.",
                "--bitrate は 4M、500k のように、10k から 50M の間で指定してください。",
            )
        )
    return value


def _account(user: str | None, password_file: Path | None) -> "Account | None":
    from kuramori.simulator.challenge import Account
    from kuramori_config.faults import SecretRefused
    from kuramori_config.secrets import read_secret

    if (user is None) != (password_file is None):
        fail(
            tr(
                "--user and --password-file go together.",
                "--user と --password-file は両方指定してください。",
            )
        )
    if user is None or password_file is None:
        return None
    try:
        secret = read_secret(password_file.name, credentials_directory=None, secrets_directory=password_file.parent)
    except SecretRefused as refused:
        fail(str(refused))
    return Account(user, secret.reveal())


async def _run(plan: "FleetPlan", as_json: bool) -> None:
    from kuramori.simulator.fleet import Fleet, FleetFault

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    fleet = Fleet(plan)
    try:
        await asyncio.to_thread(fleet.prepare)
        cameras = await fleet.start()
    except (OSError, FleetFault) as error:
        fail(
            tr(
                f"The cameras cannot be started: {error}",
                f"カメラを起動できません: {error}",
            )
        )
    try:
        _print(cameras, as_json)
        await stop.wait()
    finally:
        await fleet.stop()


def _print(cameras: "tuple[RunningCamera, ...]", as_json: bool) -> None:
    if as_json:
        print(json.dumps({"cameras": [asdict(camera) for camera in cameras]}), flush=True)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    headings = (
        tr("camera", "カメラ"),
        tr("ONVIF address", "ONVIFアドレス"),
        tr("RTSP address", "RTSPアドレス"),
        tr("sound offered", "音声の提供"),
        tr("card", "メモリーカード"),
    )
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for camera in cameras:
        sound = tr("no", "なし") if camera.audio == "none" else camera.audio
        table.add_row(camera.name, camera.onvif_url, camera.rtsp_url, sound, _card_words(camera.card))
    console = Console(width=TABLE_COLUMNS)
    console.print(table)
    if cameras and cameras[0].certificate:
        console.print(tr("Certificate (SHA-256):", "証明書 (SHA-256):"), cameras[0].certificate)
    console.print(tr("Running until Ctrl-C.", "Ctrl-C で終了します。"))


def _card_words(card: str) -> str:
    words = {
        "": tr("none", "なし"),
        "off": tr("records nothing", "録画なし"),
        "recording": tr("recording", "録画中"),
        "failed": tr("failed", "故障"),
    }
    return words[card]
