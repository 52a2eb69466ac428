"""What is written down of a camera that is taken into service: how it is reached, and what it decided itself. Pure.

Used at the terminal and at the desk. Must not know either, nor how a camera is asked.
"""

from typing import Any

from kuramori.camera_trial import Trial

SLOWEST_MBIT_PER_SECOND = 0.02


def reached(url: str, user: str | None, secret: str | None) -> dict[str, Any]:
    """Return the keys that say how a camera is reached; None takes a key away where a table is changed."""
    key, other = ("rtsp", "onvif") if url.lower().startswith("rtsp") else ("onvif", "rtsp")
    return {key: url, other: None, "user": user, "password": secret, "tls_fingerprint": None, "tls_ca_file": None}


def learnt(trial: Trial, profile: str | None, pinned: str) -> dict[str, Any]:
    """Return the keys that the camera itself decided. `pinned`: its certificate, 64 hexadecimal digits, or ""."""
    found: dict[str, Any] = {"tls_fingerprint": f"sha256:{pinned}" if pinned else None, "profile": profile}
    token = profile or trial.proposed
    rate = next((one.bitrate_kbps for one in trial.profiles if one.token == token), None)
    if rate:
        found["expected_mbit_per_second"] = max(SLOWEST_MBIT_PER_SECOND, round(rate / 1000, 2))
    return found
