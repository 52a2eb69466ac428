"""`kuramori recovery`: makes the recovery key on paper, and tests sheets later, on a machine that is not the recorder.

The words are shown once, one sheet at a time, and typed back once; only then the public card is written. Nothing else
of the key is ever stored. Imports nothing that exists on Linux only and no media library. Must not know the recorder.

For automation and trials `--words-file` and `--typed-back-from` replace the screen and the keyboard ("-" is standard
output or input, one sheet a line): words in a file are a key that anybody with the file can use.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.cli import recovery_use
from kuramori.cli.client import CommandFailure, one_sentence
from kuramori.cli.options import WordsFrom
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori_segments.recovery_key import RecoveryCard, RecoverySheets

MOST_ATTEMPTS = 3
WORDS_PER_LINE = 3
MAX_WORDS_BYTES = 65536
STANDARD = "-"
SHORT_ID_CHARACTERS = 8

_CLEAR = "\x1b[2J\x1b[3J\x1b[H"  # screen, what was scrolled away, cursor home


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help=tr("The recovery key on paper.", "紙に控える復旧鍵"))
    group.command("new", help=tr("Make a recovery key and its sheets.", "復旧鍵と用紙の作成"))(new)
    group.command("show", help=tr("Check a recovery card and show it.", "復旧カードの検証と表示"))(show)
    group.command("check", help=tr("Prove that sheets give the key.", "用紙から復旧鍵が得られることの確認"))(check)
    recovery_use.register(group)
    app.add_typer(group, name="recovery")


def new(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help=tr("Where the card goes.", "カードの保存先"))],
    shares: Annotated[int, typer.Option("--shares", help=tr("How many sheets.", "用紙の枚数"))] = 3,
    threshold: Annotated[int, typer.Option("--threshold", help=tr("How many open.", "開封に必要な枚数"))] = 2,
    words_file: Annotated[
        str | None,
        typer.Option(
            "--words-file", metavar="FILE", help=tr("Automation only: words go there.", "自動処理用: 語の出力先")
        ),
    ] = None,
    typed_back_from: Annotated[
        str | None,
        typer.Option(
            "--typed-back-from", metavar="FILE", help=tr("Automation only: words come back.", "自動処理用: 語の入力元")
        ),
    ] = None,
) -> None:
    """Make a recovery key: words shown once, typed back once, card written."""
    from kuramori.cli.options import now_utc_ms
    from kuramori.key_texts import key_sentence
    from kuramori_segments.key_faults import KeyFault
    from kuramori_segments.recovery_key import new_recovery_key

    with one_sentence():
        if words_file is None or typed_back_from is None:
            _require_terminal()
        try:
            sheets = new_recovery_key(threshold, shares, now_utc_ms())
        except KeyFault as fault:
            raise CommandFailure(key_sentence(fault)) from fault
        if words_file is None:
            _show_sheets(sheets)
        else:
            _put_words(words_file, sheets.words)
        _require_typed_back(sheets, typed_back_from)
        _tell(sheets.card, _write_card(out, sheets.card))


def show(card: Annotated[Path, typer.Argument(metavar="CARD", help=tr("A recovery card.", "復旧カード"))]) -> None:
    """Check a recovery card's proof and show it."""
    with one_sentence():
        _tell(read_card(card), None)


def check(
    card: Annotated[Path, typer.Argument(metavar="CARD", help=tr("The recovery card.", "復旧カード"))],
    words_from: WordsFrom = None,
) -> None:
    """Type sheets, and see whether they give the card's key. Nothing is stored."""
    from kuramori.key_texts import key_sentence
    from kuramori_segments.key_faults import KeyFault
    from kuramori_segments.recovery_key import restore

    with one_sentence():
        found = read_card(card)
        typed = typed_sheets(found, words_from)
        try:
            restore(found, typed)
        except KeyFault as fault:
            raise CommandFailure(key_sentence(fault)) from fault
        typer.echo(
            tr("These sheets give the recovery key of this card.", "用紙から、このカードの復旧鍵が得られました。")
        )
        _tell(found, None)


def typed_sheets(card: "RecoveryCard", words_from: str | None) -> list[str]:
    """Return as many sheets as open the key, typed at the terminal or from a file. Raises CommandFailure."""
    if words_from is not None:
        return _take_words(words_from)
    _require_terminal()
    typed = [_type_sheet(number, card.threshold) for number in range(1, card.threshold + 1)]
    _clear_screen()
    return typed


# ---- showing and typing ------------------------------------------------------------------------------------


def _require_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandFailure(
            tr(
                "The words are shown and typed at a terminal; for automation see --help.",
                "語の表示と入力には端末が必要です。自動処理については --help を参照してください。",
            )
        )


def _clear_screen() -> None:
    """Take the words off the screen and out of what can be scrolled back to."""
    sys.stdout.write(_CLEAR)
    sys.stdout.flush()


def _show_sheets(sheets: "RecoverySheets") -> None:
    total = len(sheets.words)
    for number, words in enumerate(sheets.words, start=1):
        _clear_screen()
        typer.echo(
            tr(
                f"Sheet {number} of {total}. Write these words on paper, in order. They are never shown again.\n",
                f"用紙 {number}／{total}　次の語を順番どおりに紙へ書き写してください。再表示はできません。\n",
            )
        )
        typer.echo(_columns(words.split()))
        _ask(tr("\nWritten? Press Enter.", "\n書き終えたらEnterを押してください。"))
    _clear_screen()


def _columns(words: Sequence[str]) -> str:
    cells = [f"{number:3}. {word:<12}" for number, word in enumerate(words, start=1)]
    lines = (cells[start : start + WORDS_PER_LINE] for start in range(0, len(cells), WORDS_PER_LINE))
    return "\n".join("".join(line).rstrip() for line in lines)


def _require_typed_back(sheets: "RecoverySheets", typed_back_from: str | None) -> None:
    """Compare every sheet with what comes back; at a terminal with some attempts."""
    from kuramori_segments.recovery_key import same_words

    total = len(sheets.words)
    if typed_back_from is not None:
        typed = _take_words(typed_back_from, total)
        wrong = [
            n
            for n, (one, other) in enumerate(zip(typed, sheets.words, strict=False), start=1)
            if not same_words(one, other)
        ]
        if wrong or len(typed) != total:
            raise _not_typed_back(wrong[0] if wrong else len(typed) + 1)
        return
    for number, words in enumerate(sheets.words, start=1):
        for attempt in range(1, MOST_ATTEMPTS + 1):
            if same_words(_type_sheet(number, total), words):
                break
            if attempt == MOST_ATTEMPTS:
                raise _not_typed_back(number)
            typer.echo(
                tr("That is not what was shown; once more.", "表示された語と異なります。もう一度入力してください。")
            )
        _clear_screen()


def _type_sheet(number: int, total: int) -> str:
    """Ask for the words of a sheet, in as many lines as the person likes."""
    from kuramori_segments.recovery_key import WORDS_PER_SHEET

    typer.echo(
        tr(
            f"Type sheet {number} of {total}: {WORDS_PER_SHEET} words, in any number of lines.",
            f"用紙 {number}／{total} の{WORDS_PER_SHEET}語を入力してください（改行可）。",
        )
    )
    words: list[str] = []
    while len(words) < WORDS_PER_SHEET:
        line = _ask(f"{len(words) + 1:3}> ")
        if not line.strip() and words:
            break
        words += line.split()
    return " ".join(words)


def _ask(prompt: str) -> str:
    try:
        return input(prompt)
    except (EOFError, KeyboardInterrupt):
        raise CommandFailure(tr("Nothing was written.", "中止しました。何も保存していません。")) from None


def _not_typed_back(sheet: int) -> CommandFailure:
    return CommandFailure(
        tr(
            f"Sheet {sheet} did not come back as it was shown: nothing was written; destroy the sheets and start anew.",
            f"用紙{sheet}が表示と一致しません。何も保存していません。用紙を破棄し、最初からやり直してください。",
        )
    )


# ---- files -------------------------------------------------------------------------------------------------


def _put_words(target: str, words: Sequence[str]) -> None:
    from kuramori.new_file import write_new_file

    content = "".join(f"{sheet}\n" for sheet in words)
    if target == STANDARD:
        typer.echo(content, nl=False)
        sys.stdout.flush()
        return
    try:
        write_new_file(Path(target), content.encode("ascii"))
    except OSError as error:
        raise _unwritable(target, error) from error


def _take_words(source: str, most_lines: int | None = None) -> list[str]:
    """Return the sheets of a file, one a line; from standard input no more lines than are wanted."""
    if source == STANDARD and most_lines is not None:
        return [sys.stdin.readline(MAX_WORDS_BYTES).strip() for _ in range(most_lines)]
    try:
        if source == STANDARD:
            text = sys.stdin.read(MAX_WORDS_BYTES)
        else:
            with Path(source).open(encoding="utf-8") as file:
                text = file.read(MAX_WORDS_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "UTF-8"
        raise CommandFailure(
            tr(f"{source} cannot be read ({reason}).", f"{source} を読み取れません（{reason}）。")
        ) from error
    return [line for line in text.splitlines() if line.strip()]


def read_card(path: Path) -> "RecoveryCard":
    """Return a recovery card, its proof checked. Raises CommandFailure."""
    from kuramori.key_texts import key_sentence
    from kuramori_segments.custodian_card import MAX_CARD_BYTES
    from kuramori_segments.key_faults import KeyFault
    from kuramori_segments.recovery_key import read_recovery_card

    try:
        with path.open("rb") as file:
            return read_recovery_card(file.read(MAX_CARD_BYTES + 1))
    except OSError as error:
        raise CommandFailure(
            tr(f"{path} cannot be read ({error.strerror}).", f"{path} を読み取れません（{error.strerror}）。")
        ) from error
    except KeyFault as fault:
        raise CommandFailure(f"{path}: {key_sentence(fault)}") from fault


def _write_card(out: Path, card: "RecoveryCard") -> Path:
    from kuramori.new_file import PUBLIC_MODE, write_new_file

    path = out / f"recovery-{card.opening_key.hex()[:SHORT_ID_CHARACTERS]}.card.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_new_file(path, card.to_bytes(), PUBLIC_MODE)
    except OSError as error:
        raise _unwritable(str(path), error) from error
    return path


def _unwritable(path: str, error: OSError) -> CommandFailure:
    return CommandFailure(
        tr(f"{path} cannot be written ({error.strerror}).", f"{path} に保存できません（{error.strerror}）。")
    )


def _tell(card: "RecoveryCard", path: Path | None) -> None:
    typer.echo(
        tr(
            f"  sheets       any {card.threshold} of {card.sheets}",
            f"  用紙         {card.sheets}枚のうち任意の{card.threshold}枚",
        )
    )
    typer.echo(tr(f"  fingerprint  {card.fingerprint}", f"  指紋         {card.fingerprint}"))
    if path is None:
        return
    typer.echo(tr(f"  card         {path}", f"  復旧カード   {path}"))
    typer.echo(
        tr(
            "Put each sheet into another safe. Their use is break-glass: it is registered, and the key is replaced.",
            "用紙は1枚ずつ別の金庫に保管してください。使用は非常時に限り、登録のうえ復旧鍵を作り直します。",
        )
    )
