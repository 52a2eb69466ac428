"""The options of `kuramori simulate`, with what they say of themselves. Nothing is done here."""

from pathlib import Path
from typing import Annotated

from typer import Option

from kuramori.texts import tr

DEFAULT_CACHE = Path("~/.cache/kuramori/simulator")

Cameras = Annotated[int, Option(min=1, max=512, help=tr("How many cameras.", "カメラの台数"))]
AudioOn = Annotated[
    int,
    Option(
        min=0, help=tr("How many of them offer sound, from the first.", "音声を提供するカメラの台数（1台目から数える）")
    ),
]
Host = Annotated[
    str, Option(help=tr("IP address of this machine on which they answer.", "応答に使うこの機器のIPアドレス"))
]
RtspPort = Annotated[
    int, Option(min=0, max=65535, help=tr("RTSP port of all; 0 = any.", "全カメラ共通のRTSPポート（0は自動）"))
]
OnvifPort = Annotated[
    int,
    Option(
        min=0,
        max=65535,
        help=tr(
            "ONVIF port of the first, the others follow; 0 = any.",
            "1台目のONVIFポート。2台目以降は続き番号（0は自動）",
        ),
    ),
]
User = Annotated[str | None, Option(help=tr("Account that the cameras ask for.", "カメラが求める利用者名"))]
PasswordFile = Annotated[
    Path | None,
    Option(dir_okay=False, help=tr("File with its password, mode 0600.", "そのパスワードのファイル（モード0600）")),
]
Bitrate = Annotated[str, Option(help=tr("Video bit rate, such as 4M or 500k.", "映像のビットレート（例: 4M、500k）"))]
Size = Annotated[str, Option(help=tr("Picture size.", "画像の大きさ"))]
FramesPerSecond = Annotated[int, Option(min=1, max=60, help=tr("Frames per second.", "毎秒のフレーム数"))]
GopSeconds = Annotated[
    float, Option(min=0.1, max=10.0, help=tr("Seconds between key frames.", "キーフレームの間隔（秒）"))
]
CodecName = Annotated[str, Option(help=tr("h264 or h265.", "h264 または h265"))]
SilentProfile = Annotated[
    bool,
    Option(
        help=tr("Cameras with sound also offer a profile without.", "音声のあるカメラが音声なしのプロファイルも提供")
    ),
]
OwnProfiles = Annotated[
    bool,
    Option(
        help=tr("Let media profiles be made and changed over ONVIF.", "ONVIFによるプロファイルの作成と変更を受け付ける")
    ),
]
Card = Annotated[
    str | None,
    Option(
        help=tr(
            "Memory cards: off, recording or failed.",
            "メモリーカードの状態: off（録画なし）、recording（録画中）、failed（故障）",
        )
    ),
]
CardAudio = Annotated[
    bool,
    Option(help=tr("Cards of cameras with sound record it.", "音声のあるカメラのカードに音声も録音")),
]
ClockOffset = Annotated[
    float, Option(help=tr("Seconds by which the cameras' clocks are ahead.", "カメラの時計の進み（秒）"))
]
Motion = Annotated[
    float,
    Option(
        min=0,
        help=tr("Seconds from one motion event to the next; 0 = none.", "動き検知の通知の間隔（秒、0は通知なし）"),
    ),
]
Tls = Annotated[
    bool,
    Option(help=tr("HTTPS and RTSPS, with a self-signed certificate.", "自己署名証明書によるHTTPSとRTSPS")),
]
Discovery = Annotated[bool, Option(help=tr("Let the cameras be found by WS-Discovery.", "WS-Discoveryの検索に応答"))]
Announced = Annotated[
    int,
    Option(
        min=0,
        max=1000,
        help=tr("Further devices that are only found.", "検索に応答するだけの機器の追加台数"),
    ),
]
Cache = Annotated[
    Path,
    Option(help=tr("Folder for the clips made at first use.", "初回に作る映像を保存するフォルダー")),
]
AsJson = Annotated[
    bool,
    Option("--json", help=tr("Print one line of JSON instead of a table.", "表の代わりにJSONを1行で表示")),
]
