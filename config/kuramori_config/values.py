"""The types of single values in the configuration file: how each is read, and its shape in words.

A value that does not fit raises `Unfit`, which says the shape in both languages. This file must not know which keys
there are, nor which values go together.
"""

import ipaddress
import re
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainValidator, StringConstraints, ValidationInfo
from pydantic.types import Strict

from kuramori_config.addresses import ONVIF_SHAPE, RTSP_SHAPE, CameraAddress, IPNetwork, parse_address, parse_network
from kuramori_config.faults import NOT_SHOWN, Unfit, Wording
from kuramori_config.option import PATH, TEXT
from kuramori_config.quantities import Duration, Size
from kuramori_config.rules import SHORTEST_RETENTION

CAMERA_NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,31}$"
SECRET_NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"  # noqa: S105 -- the pattern of a name
TEXT_CHARACTERS_MOST = 200
SMALLEST_VOLUME = Size(64 * 2**20)

SECRET_NAME = Wording(
    "the name of a secret, never the password itself: at most 64 of lower-case letters, digits, dot, dash, underscore",
    "秘密情報の名前（英小文字・数字・.-_、64文字以内。パスワードそのものは書かない）",
)
CAMERA_NAME = Wording(
    "lower-case letters, digits and dashes, beginning with a letter or digit, at most 32",
    "英小文字・数字・ハイフン、先頭は英小文字か数字、32文字以内",
)
FINGERPRINT = Wording(
    'the SHA-256 of the certificate: "sha256:" and 64 hexadecimal digits',
    "証明書のSHA-256（sha256: に続く16進64桁）",
)
ZONE = Wording('a time zone of the IANA list, such as "Asia/Tokyo"', "IANAの時間帯名（例: Asia/Tokyo）")
TPM_INDEX = Wording(
    'an index for owners in hexadecimal, "0x01800000" to "0x01bffffe"',
    '所有者用の索引(16進、"0x01800000" から "0x01bffffe" まで)',
)
LISTEN = Wording('an IP address and a port, such as "127.0.0.1:9464"', "IPアドレスとポート（例: 127.0.0.1:9464）")


def _path(value: object, info: ValidationInfo) -> Path:
    """Return an absolute path; a relative one starts at the folder given as validation context."""
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        raise Unfit(PATH)
    base = (info.context or {}).get("folder")
    path = Path(value)
    return path if path.is_absolute() or base is None else Path(base) / path


def _zone(value: object) -> str:
    try:
        ZoneInfo(value if isinstance(value, str) else "")
    except (ValueError, OSError, LookupError) as cause:
        raise Unfit(ZONE) from cause
    return str(value)


def _retention(value: object) -> Duration:
    duration = Duration.parse(value)
    if duration < SHORTEST_RETENTION:
        raise Unfit(Wording(f"{SHORTEST_RETENTION} or longer", "3時間以上"))
    return duration


def _volume_size(value: object) -> Size:
    size = Size.parse(value)
    if size < SMALLEST_VOLUME:
        raise Unfit(Wording(f"{SMALLEST_VOLUME} or more", f"{SMALLEST_VOLUME}以上"))
    return size


def _fingerprint(value: object) -> str:
    text = value.strip().lower() if isinstance(value, str) else ""
    prefix, _, digits = text.rpartition("sha256:")
    digits = digits.replace(":", "")
    if prefix or "sha256:" not in text or len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
        raise Unfit(FINGERPRINT)
    return f"sha256:{digits}"


def _secret_name(value: object) -> object:
    """Keep a password that was written here by mistake out of every message."""
    if not isinstance(value, str) or not re.fullmatch(SECRET_NAME_PATTERN, value):
        raise Unfit(SECRET_NAME, NOT_SHOWN)
    return value


def _listen(value: object) -> str:
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    try:
        ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        if not 1 <= int(port) <= 65535:
            raise Unfit(LISTEN)
    except ValueError as cause:
        raise Unfit(LISTEN) from cause
    return str(value)


def _tpm_index(value: object) -> str:
    text = value.strip().lower() if isinstance(value, str) else ""
    if not re.fullmatch(r"0x[0-9a-f]{1,8}", text) or not 0x0180_0000 <= int(text, 16) < 0x01BF_FFFF:
        raise Unfit(TPM_INDEX)
    return text


def _rtsp(value: object) -> CameraAddress:
    return parse_address(value, ("rtsp", "rtsps"), RTSP_SHAPE)


def _onvif(value: object) -> CameraAddress:
    return parse_address(value, ("http", "https"), ONVIF_SHAPE)


def _text(value: object) -> str:
    """Return a text without blanks around it; control characters are refused, since it is printed and shown."""
    text = value.strip() if isinstance(value, str) else ""
    if not 1 <= len(text) <= TEXT_CHARACTERS_MOST or not text.isprintable():
        raise Unfit(TEXT)
    return text


Text = Annotated[str, PlainValidator(_text)]
Location = Annotated[Path, PlainValidator(_path)]
Count = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Switch = Annotated[bool, Strict()]
Span = Annotated[Duration, PlainValidator(Duration.parse)]
Retention = Annotated[Duration, PlainValidator(_retention)]
Amount = Annotated[Size, PlainValidator(Size.parse)]
VolumeSize = Annotated[Size, PlainValidator(_volume_size)]
SecretName = Annotated[str, BeforeValidator(_secret_name)]
CameraName = Annotated[str, StringConstraints(pattern=CAMERA_NAME_PATTERN)]
TimeZone = Annotated[str, PlainValidator(_zone)]
Fingerprint = Annotated[str, PlainValidator(_fingerprint)]
ListenAddress = Annotated[str, PlainValidator(_listen)]
TpmIndex = Annotated[str, PlainValidator(_tpm_index)]
LocalNetwork = Annotated[IPNetwork, PlainValidator(parse_network)]
RtspAddress = Annotated[CameraAddress, PlainValidator(_rtsp)]
OnvifAddress = Annotated[CameraAddress, PlainValidator(_onvif)]
