"""Checks of what people decided: the size of the ring, duties, secrets of cameras, decisions on audio."""

from collections.abc import Iterator

from kuramori.doctor.examination import Case
from kuramori.doctor.finding import Finding, error, fine, warning
from kuramori.sound import decision_of
from kuramori.texts import japanese_wanted, tr
from kuramori_config.capacity import plan_of, shortfall
from kuramori_config.faults import SecretRefused
from kuramori_config.schema import Role, Transport
from kuramori_config.secrets import read_secret

STAFF_LEAST = 2  # at a viewing or hand-over two named staff confirm their presence (H4)


def check_configuration(case: Case) -> Iterator[Finding]:
    """The file loads (or there would be no case); say how many cameras it has."""
    count = len(case.configuration.cameras)
    yield fine("configuration", tr(f"{case.file}: valid, {count} cameras", f"{case.file}: 誤りなし、カメラ{count}台"))
    if count == 0:
        yield warning(
            "no-cameras",
            tr("no camera is configured", "カメラが設定されていません"),
            tr("add a [[camera]] table for each", "カメラごとに [[camera]] を追加してください"),
        )


def check_capacity(case: Case) -> Iterator[Finding]:
    """Requirement K3: the volumes hold the retention asked for."""
    missing = shortfall(case.configuration)
    if missing is not None:
        yield warning(
            "ring-too-short",
            missing.text(japanese=japanese_wanted()),
            tr(
                "until then the oldest pictures are overwritten before their retention ends",
                "それまでは、保存期間の終了前に古い画像から上書きされます",
            ),
        )
    elif case.configuration.cameras:
        plan = plan_of(case.configuration)
        yield fine(
            "ring",
            tr(
                f"the volumes hold the retention asked for: {plan.needed_slots} of {plan.volume_slots} slots",
                f"保存領域は指定の保存期間に足ります: {plan.volume_slots}スロット中{plan.needed_slots}",
            ),
        )


def check_people(case: Case) -> Iterator[Finding]:
    """Requirements H3 and H4: somebody files requests, and two named staff can be present."""
    people = case.configuration.people
    if not any(Role.HANDLER in person.roles for person in people):
        yield warning(
            "no-handler",
            tr("no handler is named, so nobody can file a request", "取扱担当者がいないため、請求を登録できません"),
            tr(
                'name one: a [[person]] with the role "handler"',
                "roles に handler を持つ [[person]] を追加してください",
            ),
        )
    staff = {p.name for p in people if {Role.MANAGER, Role.DEPUTY, Role.HANDLER}.intersection(p.roles)}
    if len(staff) < STAFF_LEAST:
        yield warning(
            "too-few-staff",
            tr(
                f"{len(staff)} person may attend viewing and hand-over; {STAFF_LEAST} must",
                f"閲覧・提供に立ち会える職員が{len(staff)}名です（{STAFF_LEAST}名必要）",
            ),
            tr("name a deputy or another handler", "代理者または取扱担当者を追加してください"),
        )


def check_secrets(case: Case) -> Iterator[Finding]:
    """Every secret that a camera names can be read, and by nobody else."""
    for camera in case.configuration.cameras:
        if camera.password is None:
            continue
        try:
            read_secret(
                camera.password,
                credentials_directory=case.credentials,
                secrets_directory=camera.secrets_directory or case.places.secrets,
            )
        except SecretRefused as refused:
            yield error(
                "secret-refused",
                tr(f"camera {camera.name}: ", f"カメラ {camera.name}: ") + refused.text(japanese=japanese_wanted()),
                tr("the camera cannot be recorded until then", "解決するまでこのカメラは録画できません"),
            )


def check_audio(case: Case) -> Iterator[Finding]:
    """Requirement R3: say which cameras record sound, by whose decision; and where a decision has no effect."""
    for camera in case.configuration.cameras:
        decision = decision_of(camera)
        if decision is None:
            continue
        said = f"{decision.who}, {decision.date}: {decision.reason}"
        if camera.transport is Transport.AV:
            yield warning(
                "audio-decision-without-effect",
                tr(
                    f"camera {camera.name}: sound was decided ({said}), but transport av takes pictures only",
                    f"カメラ {camera.name}: 録音の決定がありますが({said})、transport = av では音声を記録できません",
                ),
                tr("use transport native, or remove [camera.audio]", "native を使用するか [camera.audio] を削除"),
            )
        else:
            yield fine(
                "audio-decided",
                tr(
                    f"camera {camera.name}: sound is recorded by written decision ({said})",
                    f"カメラ {camera.name}: 書面による決定に基づき録音します({said})",
                ),
            )
