"""`kuramori init`: asks six questions, or takes a configuration or a file of answers, and sets the recorder up.

It must not know how anything is made; `kuramori.setup` does.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kuramori.cli.config import DEFAULT_FILE
from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori.setup import SetUpReport
    from kuramori.setup_answers import Answers
    from kuramori_config.schema import Configuration

CONFIGURATION_MODE = 0o640


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Set a recorder up: six questions, or --answers.", "録画機の初期設定（6つの質問、または --answers）")
    app.command("init", help=text)(init)


def init(
    config: Annotated[
        Path, typer.Option("--config", help=tr("The configuration; made if missing.", "設定ファイル（なければ作成）"))
    ] = DEFAULT_FILE,
    answers: Annotated[
        Path | None, typer.Option("--answers", help=tr("Answers in TOML instead of questions.", "質問への回答（TOML）"))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=tr("Report for a program.", "結果をJSONで表示"))] = False,
) -> None:
    """Set the recorder up. Refuses to touch one that is set up."""
    from kuramori.custodian_cards import CardsRefused
    from kuramori.service_account import ServiceAccount
    from kuramori.setup import set_up
    from kuramori.setup_faults import SetUpRefused
    from kuramori.timebase import SystemClock
    from kuramori_config.faults import ConfigurationFault

    begun = False
    try:
        configuration = _configuration(config, answers)
        report = set_up(configuration, SystemClock().utc_ms())
        account = ServiceAccount.of_this_machine()
        if account is not None:
            account.take_over(config, report.places)
            begun = config == DEFAULT_FILE and _begin_service(report)
    except ConfigurationFault as fault:
        _end(fault.text(japanese=japanese_wanted()))
    except (SetUpRefused, CardsRefused) as refusal:
        _end(str(refusal))
    if as_json:
        typer.echo(report.as_json())
    else:
        _tell(report, config, begun)


def _begin_service(report: "SetUpReport") -> bool:
    """Start the installed service; tell whether there is one."""
    from kuramori.service_unit import begin, let_write, unit_installed

    if not unit_installed():
        return False
    let_write(report.places)
    return begin()


def _end(sentence: str) -> None:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


def _configuration(file: Path, answers_file: Path | None) -> "Configuration":
    """Return the configuration at `file`, made from answers where it is missing."""
    from kuramori.durable_file import write_file
    from kuramori.setup_answers import AnswersRefused, configuration_text, read_answers
    from kuramori_config.load import load_configuration, parse_configuration

    if file.exists():
        if answers_file is not None:
            raise AnswersRefused(
                tr(
                    f"{file} exists, so there is nothing to answer: leave out --answers, or name another --config",
                    f"{file} が既にあります。--answers を指定しないか、別の --config を指定してください",
                )
            )
        return load_configuration(file)
    text = configuration_text(read_answers(answers_file) if answers_file is not None else _ask())
    configuration = parse_configuration(text, file)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_file(file, text.encode("utf-8"), CONFIGURATION_MODE)
    return configuration


def _ask() -> "Answers":
    """Ask the six questions on the terminal."""
    from kuramori.setup_answers import QUESTIONS, Answers

    given: dict[str, Any] = {}
    for number, question in enumerate(QUESTIONS, start=1):
        typer.echo(f"\n{number}/{len(QUESTIONS)}  {question.heading}")
        for part in question.parts:
            given[part.key] = typer.prompt(f"  {part.prompt}", default=part.offered or None, err=True)
    threshold = given.pop("threshold")
    return Answers(threshold=int(threshold) if threshold.isdecimal() else 0, for_trial=False, **given)


def _tell(report: "SetUpReport", config: Path, begun: bool) -> None:
    """Say what was made, what it is worth, and what comes next."""
    from kuramori.erasure_texts import tier_advice, tier_claim
    from kuramori.survival_texts import survival_advice, survival_claim
    from kuramori_config.quantities import Size

    custodians = report.custodian_set
    typer.echo(tr("The recorder is set up.", "録画機の初期設定が完了しました。"))
    typer.echo(tr("  recorder      ", "  録画機ID      ") + report.identity.recorder_id.hex())
    typer.echo(tr("  certificate   ", "  証明書SHA-256 ") + report.certificate_fingerprint)
    for path, size_bytes in zip(report.places.volumes, report.volume_bytes, strict=True):
        typer.echo(tr("  volume        ", "  記録領域      ") + f"{path} ({Size(size_bytes)})")
    typer.echo(
        tr(f"  custodians    {custodians.k} of {custodians.n}", f"  鍵管理者      {custodians.n}人中{custodians.k}人")
    )
    for card in sorted(custodians.custodians, key=lambda card: card.name):
        typer.echo(f"    {card.name} ({card.title}): {card.fingerprint}")
    typer.echo(tr("  recovery card ", "  復旧カード    ") + custodians.recovery.fingerprint)
    typer.echo("")
    typer.echo(tier_claim(report.assessment.tier))
    advice = tier_advice(report.assessment)
    if advice is not None:
        typer.echo(advice)
    typer.echo(f"{survival_claim(report.assessment)}\n{survival_advice()}")
    typer.echo("")
    typer.echo(
        tr(
            "Now compare each fingerprint above with its holder, in person: only that tells whose keys these are.",
            "上の指紋を、それぞれの所持者と対面で照合してください。誰の鍵であるかは、それでしか確かめられません。",
        )
    )
    if begun:
        typer.echo(
            tr(
                f"The service kuramori has been started. Add cameras to {config}, then: systemctl reload kuramori",
                f"kuramori サービスを開始しました。{config} にカメラを追加し、systemctl reload kuramori を実行します。",
            )
        )
    else:
        typer.echo(
            tr(
                f"Then add cameras to {config} and start with `kuramori run`.",
                f"次に {config} にカメラを追加し、`kuramori run` で開始します。",
            )
        )
    typer.echo(
        tr(
            "Recording begins when the first GiB of the volume is zero-filled; the rest follows in the background.\n"
            "`kuramori doctor` says how things are.",
            "記録領域の先頭1 GiBの初期化が終わると録画が始まり、残りは録画と並行して初期化されます。\n"
            "状態は `kuramori doctor` で確認できます。",
        )
    )
