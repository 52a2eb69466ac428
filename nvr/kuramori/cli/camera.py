"""`kuramori camera`: a camera's life, one command for each step of it; this file lists them and shows the cameras.

Must not know how any step is done.
"""

import typer

from kuramori.cli import camera_add, camera_aim, camera_ask, camera_certificate, camera_pause, camera_remove
from kuramori.cli.options import AsJson, Config
from kuramori.texts import tr


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        no_args_is_help=True, help=tr("Cameras: from the first to the last day.", "カメラの登録から撤去まで")
    )
    group.command("add", help=tr("Try a camera and take it into service.", "カメラの動作確認と登録"))(camera_add.add)
    group.command("list", help=tr("List the cameras.", "カメラの一覧"))(listing)
    group.command("aim", help=tr("Show one still to the installer (R4).", "画角調整用の静止画の表示"))(camera_aim.aim)
    group.command("confirm-view", help=tr("Confirm: no private space visible.", "私的空間が映らないことの確認"))(
        camera_aim.confirm_view
    )
    group.command("pause", help=tr("Record nothing of it for a while.", "保守のための録画の一時停止"))(
        camera_pause.pause
    )
    group.command("resume", help=tr("End a pause now.", "録画の再開"))(camera_pause.resume)
    group.command("replace", help=tr("Put another device in its place.", "機器の交換"))(camera_add.replace)
    group.command("accept-certificate", help=tr("Trust its new certificate.", "新しい証明書の承認"))(
        camera_certificate.accept_certificate
    )
    group.command("ask", help=tr("Have it asked again now.", "カメラへの再確認"))(camera_ask.ask)
    group.command("remove", help=tr("Take a camera out of service for good.", "カメラの撤去"))(camera_remove.remove)
    app.add_typer(group, name="camera")


def listing(config: Config = None, as_json: AsJson = False) -> None:
    """List the cameras: state, date of the confirmed view, stills, memory card."""
    from kuramori.cli.camera_common import refusing
    from kuramori.cli.camera_view import camera_rows, show_cameras
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.zone import zone_of_site

    with refusing(), desk_for(config) as desk:
        found, facts = desk.get_json("/v1/cameras"), desk.get_json("/v1/cameras/facts")
        if as_json:
            show_json(found | {"facts": facts["cameras"], "problems": facts["problems"]})
            return
        show_cameras(camera_rows(found, facts, zone_of_site(config)), found["removed"])
        for problem in facts["problems"]:
            typer.echo(tr(f"PROBLEM: {problem}", f"異常: {problem}"))
