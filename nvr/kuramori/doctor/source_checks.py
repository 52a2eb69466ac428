"""Checks of how cameras are read: what the compatibility source cannot promise.

This module must not know how either source works; what it says of them is proved by the tests of `capture`.
"""

from collections.abc import Iterator

from kuramori.doctor.examination import Case
from kuramori.doctor.finding import Finding, Severity, error
from kuramori.texts import tr
from kuramori_config.schema import Camera, Transport


def check_compatibility(case: Case) -> Iterator[Finding]:
    """Requirement R1: say for each camera that is read over UDP what holds for it less than for the others."""
    for camera in case.configuration.cameras:
        if camera.transport is not Transport.AV:
            continue
        if camera.rtsp is not None and camera.rtsp.url.startswith("rtsps:"):
            yield error(
                "av-speaks-no-tls",
                tr(
                    f"camera {camera.name}: transport av speaks no rtsps://, so it is not recorded",
                    f"カメラ {camera.name}: transport = av は rtsps:// に対応していないため、録画できません",
                ),
                tr("set transport = native", "transport = native に変更してください"),
            )
        else:
            yield _promised_less(camera)


def _promised_less(camera: Camera) -> Finding:
    """Return a finding that is no fault: it is how such a camera is."""
    return Finding(
        "av-promises-less",
        Severity.FINE,
        tr(
            f"camera {camera.name} is read over UDP through FFmpeg (transport av). Less is promised for it: lost "
            "packets are counted only as FFmpeg reports them, and the picture that is marked may be the one beside "
            "the damaged one; each picture is dated when it comes out of FFmpeg, not when its packets arrived, and "
            "the camera's own clock is not heard; packets are neither encrypted nor shown to come from the camera; "
            "sound is never recorded; a process of its own takes about 40 MB and several times the computing time",
            f"カメラ {camera.name} は FFmpeg により UDP で受信します(transport = av)。次の点は保証が弱くなります。"
            "欠落パケットは FFmpeg の報告分だけを数え、印の付く画像は前後にずれることがあります。"
            "時刻はパケット到着時ではなく FFmpeg の出力時のもので、カメラの時計は記録されません。"
            "パケットは暗号化されず、そのカメラから届いたことも確認できません。音声は録音できません。"
            "専用のプロセスが約40MBのメモリーと数倍の計算時間を使います",
        ),
        tr(
            "where the camera also sends over TCP, set transport = native",
            "TCPでも送信できるカメラでは transport = native に変更してください",
        ),
    )
