"""What operators read of damage that reading back found, in two languages. It must not know how it is found."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from kuramori.scrubbing.damage_book import DamagedSegment
from kuramori.texts import tr

_MS = 1000


def damage_sentence(count: int, camera: str, last: DamagedSegment, time_zone: str) -> str:
    """Return the problem: how many segments are damaged, which was found last, and what to do."""
    begin, end = (_local(utc_ms, time_zone) for utc_ms in (last.times[0][0], last.times[-1][1]))
    return tr(
        f"{count} recorded segments are damaged on their medium, the last found: camera {camera}, {begin} to {end}. "
        "Everything around them still opens. Look at the medium and plan to replace it.",
        f"記録済みの {count} 区間が媒体上で破損しています。最後に見つかったもの: "
        f"カメラ {camera}、{begin} から {end} まで。"
        "前後の録画は引き続き開くことができます。記録媒体を点検し、交換を検討してください。",
    )


def _local(utc_ms: int, time_zone: str) -> str:
    moment = datetime.fromtimestamp(utc_ms // _MS, UTC).astimezone(ZoneInfo(time_zone))
    return moment.strftime("%Y-%m-%d %H:%M:%S")
