"""`kuramori simulate` and `kuramori discover` as a user types them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = "from kuramori.cli.main import run; run()"
SMALL = ("--size", "160x90", "--fps", "5", "--bitrate", "50k")


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-c", PROGRAM, *arguments]


def _environment(language: str) -> dict[str, str]:
    return {**os.environ, "LC_ALL": language, "LANG": language}


def _crowd(devices: list[dict[str, str]]) -> int:
    """How many devices were found that are only announced."""
    return len([device for device in devices if device["address"].startswith("http://127.1.0.")])


def _found_on_the_loopback(wanted: set[str], crowd: int = 0) -> list[dict[str, str]]:
    """Search until these identities were found: quick on an idle machine, patient on a busy one."""
    for seconds in ("0.6", "2", "6"):
        command = _command("discover", "--interface", "lo", "--seconds", seconds, "--json")
        devices: list[dict[str, str]] = json.loads(subprocess.check_output(command, timeout=60))["devices"]
        if wanted <= {device["endpoint_id"] for device in devices} and _crowd(devices) >= crowd:
            break
    return devices


def test_cameras_run_until_told_to_stop_and_are_found_meanwhile(tmp_path: Path) -> None:
    """One line of JSON with every address; discovery finds them; SIGTERM ends them cleanly at once."""
    command = _command("simulate", "--cameras", "2", "--audio-on", "1", "--cache", str(tmp_path), "--json", *SMALL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as simulator:
        assert simulator.stdout is not None
        cameras = json.loads(simulator.stdout.readline())["cameras"]
        found = _found_on_the_loopback({camera["endpoint_id"] for camera in cameras})
        simulator.send_signal(signal.SIGTERM)
        _, errors = simulator.communicate(timeout=10)
    assert (simulator.returncode, errors) == (0, "")
    assert [(camera["name"], camera["audio"]) for camera in cameras] == [("camera-1", "aac"), ("camera-2", "none")]
    by_endpoint = {device["endpoint_id"]: device for device in found}
    for camera in cameras:
        device = by_endpoint[camera["endpoint_id"]]
        assert (device["vendor"], device["model"], device["address"]) == (
            "Kuramori",
            "Simulated camera",
            camera["onvif_url"],
        )


@pytest.mark.parametrize(("language", "heading"), [("C.UTF-8", "ONVIF address"), ("ja_JP.UTF-8", "ONVIFアドレス")])
def test_the_table_is_in_the_users_language(tmp_path: Path, language: str, heading: str) -> None:
    """English, or Japanese where LANG says so; Ctrl-C ends it."""
    command = _command("simulate", "--cameras", "1", "--cache", str(tmp_path), "--no-discovery", *SMALL)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=_environment(language)
    ) as simulator:
        assert simulator.stdout is not None
        assert heading in simulator.stdout.readline()
        assert "rtsp://127.0.0.1:" in simulator.stdout.readline()
        simulator.send_signal(signal.SIGINT)
        simulator.communicate(timeout=10)
    assert simulator.returncode == 0


def test_cards_clocks_certificates_and_a_crowd_are_options(tmp_path: Path) -> None:
    """What is switched on shows in the line of JSON, and the crowd is found beside the cameras."""
    options = (
        "--card",
        "recording",
        "--card-audio",
        "--tls",
        "--motion",
        "5",
        "--clock-offset",
        "60",
        "--own-profiles",
    )
    command = _command("simulate", "--cameras", "1", "--announced", "20", "--json", "--cache", str(tmp_path), *options)
    with subprocess.Popen([*command, *SMALL], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as simulator:
        assert simulator.stdout is not None
        (camera,) = json.loads(simulator.stdout.readline())["cameras"]
        found = _found_on_the_loopback({camera["endpoint_id"]}, 20)
        simulator.send_signal(signal.SIGTERM)
        _, errors = simulator.communicate(timeout=10)
    assert (simulator.returncode, errors) == (0, "")
    assert (camera["card"], len(camera["certificate"]), camera["onvif_url"][:8]) == ("recording", 64, "https://")
    assert _crowd(found) >= 20


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--size", "big"), "--size is WIDTHxHEIGHT"),
        (("--bitrate", "4 apples"), "--bitrate is between"),
        (("--codec", "vp9"), "--codec is h264 or h265"),
        (("--card", "full"), "--card is off, recording or failed"),
        (("--announced", "3", "--host", "192.0.2.1"), "live on the loopback"),
        (("--user", "operator"), "go together"),
        (("--user", "operator", "--password-file", "/nonexistent/password"), "cannot be read"),
    ],
)
def test_a_wrong_option_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    """Exit code 1, nothing started."""
    command = _command("simulate", "--cache", str(tmp_path), *arguments)
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=_environment("C.UTF-8"), check=False
    )
    assert result.returncode == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_the_help_is_in_the_users_language() -> None:
    """Every option of the simulator says in Japanese what it is for, where LANG says so."""
    command = _command("simulate", "--help")
    text = subprocess.check_output(command, text=True, timeout=60, env=_environment("ja_JP.UTF-8"), encoding="utf-8")
    assert "模擬のONVIFカメラ" in text
    assert "メモリーカード" in text
    assert "How many" not in text


def test_searching_nowhere_is_one_sentence() -> None:
    """An interface that does not exist."""
    command = _command("discover", "--interface", "nowhere0")
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=_environment("ja_JP.UTF-8"), check=False
    )
    assert result.returncode == 1
    assert "カメラを検索できません" in result.stderr
