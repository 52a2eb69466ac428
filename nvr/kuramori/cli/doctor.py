"""`kuramori doctor`: what is set up, which tier, what is wrong and what to do; the exit code is the worst finding's.

0: all well. 1: somebody should act. 2: it does not record, does not erase, or could not be opened. It must not know
what is checked.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.cli.config import DEFAULT_FILE
from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori.doctor.finding import Finding


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Say what is wrong with this recorder and what to do.", "録画機の診断（問題と対処を表示）")
    app.command("doctor", help=text)(doctor)


def doctor(
    config: Annotated[Path, typer.Option("--config", help=tr("The configuration.", "設定ファイル"))] = DEFAULT_FILE,
    as_json: Annotated[bool, typer.Option("--json", help=tr("Findings for a program.", "結果をJSONで表示"))] = False,
) -> None:
    """Look at everything; change nothing."""
    from kuramori.doctor.finding import worst

    findings = _findings(config)
    if as_json:
        typer.echo(_as_json(findings))
    else:
        for finding in findings:
            typer.echo(f"{finding.severity.mark:<8} {finding.text}")
            if finding.advice:
                typer.echo(f"{'':<8}   → {finding.advice}")
    raise typer.Exit(int(worst(findings)))


def _findings(config: Path) -> "list[Finding]":
    from kuramori.doctor.checks import ALL_CHECKS
    from kuramori.doctor.examination import Case, examine
    from kuramori.doctor.finding import error
    from kuramori.doctor.machine import Machine
    from kuramori.places import Places
    from kuramori.timebase import SystemClock
    from kuramori_config.faults import ConfigurationFault
    from kuramori_config.load import load_configuration
    from kuramori_config.secrets import credentials_directory

    try:
        configuration = load_configuration(config)
    except ConfigurationFault as fault:
        lines = fault.text(japanese=japanese_wanted()).splitlines()
        advice = tr("correct the configuration", "設定を修正してください")
        return [error("configuration", line, advice) for line in lines]
    machine = Machine.look(SystemClock().utc_ms())
    case = Case(config, configuration, Places.of(configuration), machine, credentials_directory())
    return examine(case, ALL_CHECKS)


def _as_json(findings: "list[Finding]") -> str:
    from kuramori.doctor.finding import worst

    entries = [
        {"code": one.code, "severity": one.severity.name.lower(), "text": one.text, "advice": one.advice}
        for one in findings
    ]
    return json.dumps({"worst": worst(findings).name.lower(), "findings": entries}, ensure_ascii=False, indent=1)
