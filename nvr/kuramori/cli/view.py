"""`kuramori view`: the handler looks at granted minutes on this screen, and nothing is kept.

Puts the custodians' shares together on this machine, begins a viewing at the desk, and shows its pictures on a page of
this machine until it is ended. Must not know media.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, DeskClient, DeskProblem, one_sentence
from kuramori.cli.keys_of_request import combined_deks, read_extraction_key
from kuramori.cli.options import As, AsJson, Config, request_path
from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori.viewing.page_server import Asked, PageServer

POLL_SECONDS = 0.5
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Look at an approved request on this screen.", "承認された請求の映像を画面で閲覧する(保存なし)")
    app.command("view", help=text)(view)


def view(
    number: Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))],
    extraction_key: Annotated[
        Path, typer.Option("--extraction-key", help=tr("The key made when it was filed.", "請求時に作成した抽出鍵"))
    ],
    storyboard: Annotated[
        bool, typer.Option("--storyboard", help=tr("Small pictures only, one per 10 s.", "縮小一覧のみ(10秒に1枚)"))
    ] = False,
    witness: Annotated[
        list[str] | None, typer.Option("--witness", help=tr("Staff present; repeatable.", "立会職員(複数可)"))
    ] = None,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Look at the granted minutes until the page, the command or the desk ends it."""
    from kuramori.cli.options import desk_for, show_json
    from kuramori.clips.confinement import stay_off_disk

    stay_off_disk()
    with one_sentence(), desk_for(config, person) as desk:
        deks = combined_deks(desk, number, read_extraction_key(extraction_key))
        detail = "storyboard" if storyboard else "full"
        body = {"deks": deks, "detail": detail, "present": witness or []}
        begun = desk.post_json(request_path(number, "viewings"), body)
        path = request_path(number, f"viewings/{begun['viewing']}")
        shown: list[dict[str, Any]] = []
        try:
            _show(desk, path, begun, as_json)
        finally:
            with suppress(DeskProblem):  # the desk has ended it by itself
                shown = desk.post_json(f"{path}/end")["shown"]
        if as_json:
            show_json({"viewing": begun["viewing"], "shown": shown})
        else:
            _tell_end()


def _show(desk: DeskClient, path: str, begun: dict[str, Any], as_json: bool) -> None:
    from kuramori.viewing.page_server import PageServer

    def fetch(asked: "Asked") -> tuple[bytes, int]:
        return _pictures(desk, path, asked)

    with PageServer(_facts(begun), fetch) as server, _ended_by_signals(server.ended.set):
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        _tell_address(server.address, as_json)
        while not server.ended.wait(POLL_SECONDS) and not _is_idle(server, begun["idle_seconds"]):
            pass
        server.ended.set()
        server.shutdown()
        serving.join()


def _is_idle(server: "PageServer", idle_seconds: float) -> bool:
    return monotonic() - server.asked_seconds > idle_seconds


def _pictures(desk: DeskClient, path: str, asked: "Asked") -> tuple[bytes, int]:
    from kuramori.api.headers import NEXT_HEADER
    from kuramori.viewing.page_server import PicturesMissing

    names = {"camera": asked.camera, "detail": asked.detail}
    times = {"from_utc_ms": asked.from_utc_ms, "to_utc_ms": asked.to_utc_ms}
    try:
        answer = desk.get_answer(f"{path}/pictures", {**names, **times})
        return answer.content, int(answer.headers.get(NEXT_HEADER, ""))
    except CommandFailure as failure:
        raise PicturesMissing(str(failure)) from failure
    except ValueError as error:
        raise PicturesMissing(tr("The desk's answer cannot be read.", "受付(desk)の応答を解釈できません。")) from error


def _facts(begun: dict[str, Any]) -> dict[str, Any]:
    """Return what the page shows around the pictures."""
    names = ", ".join(begun["present"])
    number, viewing = begun["request_id"], begun["viewing"]
    return {
        "site": begun["site"],
        "time_zone": begun["time_zone"],
        "language": "ja" if japanese_wanted() else "en",
        "detail": begun["detail"],
        "from_utc_ms": begun["from_utc_ms"],
        "to_utc_ms": begun["to_utc_ms"],
        "cameras": [{"name": one["name"], "place": one["place"]} for one in begun["cameras"]],
        "what": tr(
            f"Request {number}, viewing {viewing}. Present: {names}", f"請求 {number} 閲覧 {viewing} 立会い: {names}"
        ),
        "texts": {
            "rule": tr(
                "Looking only: nothing is kept. Do not photograph the screen. This viewing is registered.",
                "閲覧のみです。映像は保存されません。画面の撮影は禁止です。この閲覧は記録簿に登録されます。",
            ),
            "gap": tr("Nothing is recorded here:", "この間の記録はありません:"),
            "play": tr("Play", "再生"),
            "pause": tr("Pause", "一時停止"),
            "back": tr("Back 10 s", "10秒戻る"),
            "forth": tr("Next picture", "次のコマ"),
            "end": tr("End the viewing", "閲覧を終了"),
            "ended": tr("The viewing has ended; nothing was kept.", "閲覧を終了しました。映像は残っていません。"),
        },
    }


@contextmanager
def _ended_by_signals(end: Callable[[], None]) -> Iterator[None]:
    """End in order on Ctrl-C, and when the machine or the terminal goes."""
    before = {number: signal.signal(number, lambda *_: end()) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell_address(address: str, as_json: bool) -> None:
    said = tr(
        f"Open on this machine, once: {address}\nThe viewing ends with the page, or here with Ctrl-C.",
        f"この端末で1回だけ開けます: {address}\nページを閉じるか、ここで Ctrl-C を押すと終了します。",
    )
    typer.echo(said, err=as_json)


def _tell_end() -> None:
    typer.echo(tr("The viewing has ended; it is in the register.", "閲覧を終了し、記録簿に登録しました。"))
