"""`kuramori mask`: a masked copy of granted minutes is made, looked through and confirmed by another person, released.

A thin client: the pictures are masked at the recorder, and here only keys are put together and sheets written. Must not
know media.
"""

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, DeskClient, one_sentence
from kuramori.cli.options import As, AsJson, Config, request_path
from kuramori.texts import tr

POLL_SECONDS = 0.5
SHEET_NAME = "sheet-{:03}.jpg"

Number = Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))]
Copy = Annotated[int, typer.Argument(metavar="COPY", min=1, help=tr("Number of the copy.", "写しの号数"))]
Sheets = Annotated[Path, typer.Option("--sheets", help=tr("Folder of the sheets.", "一覧画像のフォルダー"))]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    text = tr("Masked copies for the person filmed.", "本人への開示(マスキング済み写し)")
    group = typer.Typer(no_args_is_help=True, help=text)
    commands: tuple[tuple[str, str, Callable[..., None]], ...] = (
        ("make", tr("Make one from a boxes file; waits until it is made.", "枠ファイルから写しを作成"), make),
        ("list", tr("List those of a request.", "写しの一覧"), listing),
        ("sheets", tr("Write the sheets to look through.", "一覧画像の保存"), sheets),
        ("confirm", tr("Say yes to what was looked through.", "確認済みとする(別の職員)"), confirm),
        ("reject", tr("Say no: the copy is destroyed.", "差戻し(写しは消去)"), reject),
        ("release", tr("Release a confirmed copy; it waits to be written.", "写しの提供"), release),
    )
    for name, said, command in commands:
        group.command(name, help=said)(command)
    app.add_typer(group, name="mask")


def make(
    number: Number,
    boxes: Annotated[Path, typer.Option("--boxes", help=tr("What stays visible.", "枠ファイル"))],
    extraction_key: Annotated[
        Path, typer.Option("--extraction-key", help=tr("The key made when it was filed.", "請求時に作成した抽出鍵"))
    ],
    witness: Annotated[
        list[str] | None, typer.Option("--witness", help=tr("Staff present; repeatable.", "立会職員(複数可)"))
    ] = None,
    faces: Annotated[bool, typer.Option("--faces", help=tr("Look for faces, too.", "顔の検出も行う"))] = False,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Have a masked copy made; return when it waits to be looked through."""
    from kuramori.cli.keys_of_request import combined_deks, read_extraction_key
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.present import witnessing

    with one_sentence():
        key, drawn, present = read_extraction_key(extraction_key), _content_of(boxes), witness or []
        with desk_for(config, person) as desk:
            deks = combined_deks(desk, number, key)
            body = {"deks": deks, "boxes": drawn, "present": present, "look_for_faces": faces}
            path = request_path(number, "masked-copies")
            begun = witnessing(desk, number, "release", present, lambda: desk.post_json(path, body))
            _until_ended(desk, begun["job"])
            found = desk.get_json(f"{path}/{begun['number']}")
        if as_json:
            show_json(found)
        else:
            _tell_made(found)


def listing(number: Number, person: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """List the masked copies of a request."""
    from kuramori.cli.options import desk_for, show_json

    with one_sentence():
        with desk_for(config, person) as desk:
            found = desk.get_json(request_path(number, "masked-copies"))
        if as_json:
            show_json(found)
            return
        for one in found["masked_copies"]:
            who = tr(f"made for {one['drawn_by']}", f"作成 {one['drawn_by']}")
            judged = tr(f", looked through by {one['judged_by']}", f"、確認 {one['judged_by']}")
            reason = f" ({one['reason']})" if one["reason"] else ""
            state = f"{one['number']}  {one['camera']}  {_state(one['state'])}  {who}"
            typer.echo(state + (judged if one["judged_by"] else "") + reason)


def sheets(
    number: Number,
    copy: Copy,
    out: Annotated[Path, typer.Option("--out", help=tr("New folder.", "保存先(新しいフォルダー)"))],
    person: As = None,
    config: Config = None,
) -> None:
    """Write the sheets of a copy that waits into a new folder, readable by this account only."""
    from kuramori.cli.options import desk_for

    with one_sentence(), desk_for(config, person) as desk:
        path = request_path(number, f"masked-copies/{copy}")
        made = _waiting(desk.get_json(path))
        contents = [desk.get_file(f"{path}/sheets/{sheet}") for sheet in range(1, made["sheets"] + 1)]
        try:
            out.mkdir(mode=0o700)
            for place, content in enumerate(contents, 1):
                (out / SHEET_NAME.format(place)).write_bytes(content)
        except OSError as error:
            raise CommandFailure(
                tr(f"{out} cannot be written ({error.strerror})", f"{out} に保存できません（{error.strerror}）")
            ) from error
        typer.echo(
            tr(
                f"{len(contents)} sheets in {out}. Look through every one, then: "
                f"kuramori mask confirm {number} {copy} --sheets {out}   (or: kuramori mask reject … --reason WHY). "
                "Delete the folder afterwards.",
                f"一覧画像{len(contents)}枚を {out} に保存しました。全て確認の上、次を実行してください: "
                f"kuramori mask confirm {number} {copy} --sheets {out}(差戻しは kuramori mask reject … --reason 理由)。"
                "終了後はフォルダーを削除してください。",
            )
        )


def confirm(
    number: Number, copy: Copy, sheets: Sheets, person: As = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Confirm a copy, naming the digests of what lies in the folder that was looked through."""
    _judge(number, copy, sheets, {"confirmed": True}, person, config, as_json=as_json)


def reject(
    number: Number,
    copy: Copy,
    sheets: Sheets,
    reason: Annotated[str, typer.Option("--reason", help=tr("Why, in one line.", "理由(1行)"))],
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Reject a copy: it is destroyed."""
    _judge(number, copy, sheets, {"confirmed": False, "reason": reason}, person, config, as_json=as_json)


def release(number: Number, copy: Copy, person: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """Release a confirmed copy: its bundle waits to be written."""
    from kuramori.cli.options import desk_for, show_json

    with one_sentence():
        with desk_for(config, person) as desk:
            found = desk.post_json(request_path(number, f"masked-copies/{copy}/release"))
        if as_json:
            show_json(found)
        else:
            typer.echo(
                tr(
                    f"Released and registered: masked copy no. {copy} of request {number} waits to be written.",
                    f"提供を登録しました。請求 {number} のマスキング済み写し第{copy}号は書込み待ちです。",
                )
            )


def _judge(
    number: str,
    copy: int,
    folder: Path,
    said: dict[str, Any],
    person: str | None,
    config: Path | None,
    *,
    as_json: bool,
) -> None:
    from kuramori.cli.options import desk_for, show_json

    with one_sentence(), desk_for(config, person) as desk:
        path = request_path(number, f"masked-copies/{copy}")
        made = _waiting(desk.get_json(path))
        digests = {"file_sha256": made["file_sha256"], "strips_sha256": _digest_of(folder, made["sheets"])}
        found = desk.post_json(f"{path}/confirmation", {**said, **digests})
        if as_json:
            show_json(found)
        else:
            typer.echo(
                tr(
                    f"Registered: masked copy no. {copy} of request {number} is {found['state']}.",
                    f"登録しました。請求 {number} のマスキング済み写し第{copy}号: {_state(found['state'])}",
                )
            )


def _digest_of(folder: Path, count: int) -> str:
    """Return the digest of the sheets as they lie in the folder: those that were looked at, not those at the desk."""
    from kuramori.masking.strip_sheets import digest_of

    try:
        return digest_of(tuple((folder / SHEET_NAME.format(place)).read_bytes() for place in range(1, count + 1))).hex()
    except OSError as error:
        raise CommandFailure(
            tr(
                f"The sheets that were looked through cannot be read ({error.filename}); "
                "fetch them with: kuramori mask sheets",
                f"確認した一覧画像を読み取れません（{error.filename}）。kuramori mask sheets で取得してください。",
            )
        ) from error


def _until_ended(desk: DeskClient, job: str) -> None:
    """Wait for the end of a job, showing how far it is. Raises CommandFailure where it failed."""
    told = -1
    while (found := desk.get_json(job))["state"] == "running":
        percent = int(found["progress"] * 100)
        if percent >= told + 10:
            told = percent
            typer.echo(f"{percent} %", err=True)
        time.sleep(POLL_SECONDS)
    if found["state"] != "done":
        raise CommandFailure(found["detail"] or tr("The copy was stopped.", "写しの作成は中止されました。"))


def _waiting(found: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] | None = found["made"]
    if made is None:
        raise CommandFailure(
            tr(
                f"Masked copy no. {found['number']} does not wait: it is {found['state']}.",
                f"マスキング済み写し第{found['number']}号は確認待ちではありません（{_state(found['state'])}）。",
            )
        )
    return made


def _content_of(path: Path) -> str:
    from kuramori.masking.boxes import FILE_BYTES_MOST

    try:
        with path.open("rb") as file:
            return base64.b64encode(file.read(FILE_BYTES_MOST + 1)).decode("ascii")
    except OSError as error:
        raise CommandFailure(
            tr(f"{path} cannot be read ({error.strerror})", f"{path} を読み取れません（{error.strerror}）")
        ) from error


def _tell_made(found: dict[str, Any]) -> None:
    made, number, copy = _waiting(found), found["request_id"], found["number"]
    typer.echo(
        tr(
            f"Masked copy no. {copy} of request {number}: {made['pictures']} pictures, "
            f"{made['undecodable']} that could not be decoded, {made['sheets']} sheets. SHA-256 {made['file_sha256']}",
            f"請求 {number} のマスキング済み写し第{copy}号: 画像{made['pictures']}枚、復号不能{made['undecodable']}枚、"
            f"一覧画像{made['sheets']}枚。SHA-256 {made['file_sha256']}",
        )
    )
    if made["faces_looked_for"]:
        count = len(made["faces"])
        typer.echo(tr(f"Faces seen inside the boxes: {count} (--json)", f"枠内で検出した顔: {count}(--json)"))
    else:
        typer.echo(tr("Nobody looked for faces.", "顔の検出は行っていません。"))
    typer.echo(
        tr(
            f"Another person looks through it within a day: kuramori mask sheets {number} {copy} --out FOLDER, "
            "then kuramori mask confirm.",
            f"24時間以内に別の職員が確認してください: kuramori mask sheets {number} {copy} --out FOLDER、"
            "その後 kuramori mask confirm。",
        )
    )


def _state(state: str) -> str:
    japanese = {
        "making": "作成中",
        "waiting": "確認待ち",
        "confirmed": "確認済み",
        "released": "提供済み",
        "rejected": "差戻し",
        "gone": "消失",
    }
    return tr(state, japanese.get(state, state))
