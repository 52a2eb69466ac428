"""What the keys of a configuration must be together: the rules that no single key can keep. Pure.

Each rule is one function that yields problems; `consistency_problems` asks them all, so that an operator sees
everything at once. This file must not read files or resolve names.
"""

from collections.abc import Callable, Iterator

from kuramori_config.addresses import may_travel_unencrypted
from kuramori_config.api_table import api_problems
from kuramori_config.faults import Problem, Wording
from kuramori_config.mail_table import mail_problems
from kuramori_config.requests_table import requests_problems
from kuramori_config.rules import may_decide_longer, retention_rule
from kuramori_config.schema import Camera, CellKind, Configuration, Role

Rule = Callable[[Configuration], Iterator[Problem]]
CameraRule = Callable[[Configuration, Camera, str], Iterator[Problem]]

_NOTHING = Wording("nothing", "記載なし")


def _quoted(value: object) -> Wording:
    return Wording(f'"{value}"', f'"{value}"')


def consistency_problems(configuration: Configuration) -> tuple[Problem, ...]:
    """Return everything that does not fit together, in the order of the file."""
    return tuple(problem for rule in _RULES for problem in rule(configuration))


def _manager_is_a_person(configuration: Configuration) -> Iterator[Problem]:
    site = configuration.site
    named = [("site.manager", site.manager, Role.MANAGER)]
    named += [("site.deputies", deputy, Role.DEPUTY) for deputy in site.deputies]
    for key, name, role in named:
        person = configuration.person_named(name)
        if person is None or role not in person.roles:
            expected = Wording(
                f'the name of a [[person]] with the role "{role.value}"',
                f"roles に {role.value} を持つ [[person]] の氏名",
            )
            yield Problem(key, _quoted(name), expected)


def _duties_are_named_in_the_site(configuration: Configuration) -> Iterator[Problem]:
    site = configuration.site
    for person in configuration.people:
        if Role.MANAGER in person.roles and person.name != site.manager:
            expected = Wording(
                "one manager only, the one that site.manager names", "管理責任者は site.manager の1名のみ"
            )
            yield Problem(f"person[{person.name}].roles", _quoted(Role.MANAGER.value), expected)
        if Role.DEPUTY in person.roles and person.name not in site.deputies:
            expected = Wording("the name to stand in site.deputies too", "site.deputies にも氏名を記載すること")
            yield Problem(f"person[{person.name}].roles", _quoted(Role.DEPUTY.value), expected)


def _names_are_unique(configuration: Configuration) -> Iterator[Problem]:
    lists: tuple[tuple[str, list[str]], ...] = (
        ("person", [person.name for person in configuration.people]),
        ("camera", [camera.name for camera in configuration.cameras]),
        ("retired_camera", [camera.name for camera in configuration.retired_cameras]),
    )
    for kind, names in lists:
        for name in sorted({name for name in names if names.count(name) > 1}):
            expected = Wording("each name once", "名前の重複なし")
            yield Problem(f"{kind}[{name}].name", Wording(f'"{name}" more than once', f'"{name}" の重複'), expected)
    paths = [str(volume.path) for volume in configuration.volumes]
    for path in sorted({path for path in paths if paths.count(path) > 1}):
        yield Problem("volume.path", _quoted(path), Wording("each path once", "パスの重複なし"))


def _retired_names_rest(configuration: Configuration) -> Iterator[Problem]:
    """A name stands for one camera for ever: recordings, register and hand-overs speak of it."""
    retired = {camera.name for camera in configuration.retired_cameras}
    for camera in configuration.cameras:
        if camera.name in retired:
            expected = Wording(
                "a name that no removed camera had (see [[retired_camera]])",
                "撤去したカメラと異なる名前（[[retired_camera]] を参照）",
            )
            yield Problem(f"camera[{camera.name}].name", _quoted(camera.name), expected)


def _there_is_a_volume(configuration: Configuration) -> Iterator[Problem]:
    if not configuration.volumes:
        yield Problem("volume", _NOTHING, Wording("at least one [[volume]]", "[[volume]] が1つ以上"))


def _cells_lie_outside_the_state(configuration: Configuration) -> Iterator[Problem]:
    keystore, state = configuration.keystore, configuration.storage.state_directory
    expected = Wording(
        "a path outside storage.state_directory, best on a device of its own",
        "storage.state_directory の外のパス（できれば専用の装置）",
    )
    named = (
        ("keystore.cell_directory", keystore.cell_directory),
        ("keystore.fallback_cell_directory", keystore.fallback_cell_directory),
    )
    for key, cell in named:
        if cell is not None and (cell == state or state in cell.parents):
            yield Problem(key, _quoted(cell), expected)


def _a_cell_in_a_file_has_a_folder(configuration: Configuration) -> Iterator[Problem]:
    keystore = configuration.keystore
    if keystore.cell is CellKind.FILE and keystore.cell_directory is None:
        expected = Wording('the folder of the cell (or cell = "tpm")', '消去可能領域のフォルダー（又は cell = "tpm"）')
        yield Problem("keystore.cell_directory", _NOTHING, expected)
    if keystore.cell_directory is not None and keystore.cell_directory == keystore.fallback_cell_directory:
        expected = Wording("another folder than cell_directory", "cell_directory とは別のフォルダー")
        yield Problem("keystore.fallback_cell_directory", _quoted(keystore.cell_directory), expected)


def _back_off_is_ordered(configuration: Configuration) -> Iterator[Problem]:
    recorder = configuration.recorder
    if recorder.back_off_first_seconds > recorder.back_off_most_seconds:
        most = f"{recorder.back_off_most_seconds:g}"
        found = Wording(f"{recorder.back_off_first_seconds:g}", f"{recorder.back_off_first_seconds:g}")
        expected = Wording(f"at most back_off_most_seconds ({most})", f"back_off_most_seconds（{most}）以下")
        yield Problem("recorder.back_off_first_seconds", found, expected)


def _one_address(_: Configuration, camera: Camera, key: str) -> Iterator[Problem]:
    expected = Wording("exactly one of rtsp and onvif", "rtsp と onvif のどちらか一方のみ")
    if camera.rtsp is None and camera.onvif is None:
        yield Problem(f"{key}.rtsp", _NOTHING, expected)
    if camera.rtsp is not None and camera.onvif is not None:
        yield Problem(f"{key}.rtsp", Wording("both rtsp and onvif", "rtsp と onvif の両方"), expected)
    if camera.profile is not None and camera.rtsp is not None:
        expected = Wording("profile only together with onvif", "profile は onvif と併用する場合のみ")
        yield Problem(f"{key}.profile", _quoted(camera.profile), expected)


def _credentials_are_whole(_: Configuration, camera: Camera, key: str) -> Iterator[Problem]:
    if camera.password is not None and camera.user is None:
        yield Problem(
            f"{key}.user", _NOTHING, Wording("the user that the password belongs to", "password に対応する user")
        )
    if camera.user is not None and camera.password is None:
        expected = Wording("the name of the secret with the user's password", "user のパスワードを収めた秘密情報の名前")
        yield Problem(f"{key}.password", _NOTHING, expected)


def _trust_is_unambiguous(_: Configuration, camera: Camera, key: str) -> Iterator[Problem]:
    if camera.tls_fingerprint is not None and camera.tls_ca_file is not None:
        expected = Wording("one of tls_fingerprint and tls_ca_file", "tls_fingerprint と tls_ca_file のどちらか一方")
        yield Problem(f"{key}.tls_ca_file", _quoted(camera.tls_ca_file), expected)
    trusts = camera.tls_fingerprint or camera.tls_ca_file
    if trusts is not None and camera.rtsp is not None and not camera.rtsp.encrypted:
        name = "tls_fingerprint" if camera.tls_fingerprint else "tls_ca_file"
        expected = Wording("an rtsps:// address to go with it", "rtsps:// のアドレスとの併用")
        yield Problem(f"{key}.{name}", Wording("an rtsp:// address", "rtsp:// のアドレス"), expected)


def _pictures_stay_local(configuration: Configuration, camera: Camera, key: str) -> Iterator[Problem]:
    """Requirement O5, as far as it can be told without resolving a name; see `addresses`.

    A camera that is asked over http:// streams from the same host, and signs in, unencrypted.
    """
    address, network = camera.rtsp or camera.onvif, configuration.network
    if address is None or address.encrypted:
        return
    if address.literal_ip is not None:
        fits = may_travel_unencrypted(address.literal_ip, network.local_networks, network.vpn)
    else:
        fits = network.vpn is not None or bool(network.local_networks) or address.host == "localhost"
    if not fits:
        encrypted = "rtsps" if camera.rtsp is not None else "https"
        expected = Wording(
            f"an {encrypted}:// address, or an address inside network.local_networks, or network.vpn naming the VPN "
            "that carries it (pictures cross no network in the clear)",
            f"{encrypted}:// のアドレス、network.local_networks 内のアドレス、または network.vpn の記載"
            "（画像を暗号化せずに外部の回線へ流さないため）",
        )
        yield Problem(f"{key}.{'rtsp' if camera.rtsp is not None else 'onvif'}", _quoted(address), expected)


def _retention_keeps_the_rules(configuration: Configuration, camera: Camera, key: str) -> Iterator[Problem]:
    """Requirement K2: floor <= retention <= ceiling, longer only with the right person's decision."""
    rule = retention_rule(configuration.site.rule_set)
    found = _quoted(camera.retention)
    if camera.retention < camera.floor:
        expected = Wording(f'at least the camera\'s floor, "{camera.floor}"', f'下限（floor）"{camera.floor}" 以上')
        yield Problem(f"{key}.retention", found, expected)
    decision = camera.retention_decision
    if camera.retention <= rule.ceiling:
        return
    longest = f'"{rule.ceiling}"'
    if decision is None:
        expected = Wording(
            f"at most {longest} under rule set {rule.rule_set.value} ({rule.source.english}), or a table "
            f"[camera.retention_decision] with who ({rule.longer_decided_by.english}), date and reason",
            f"規則 {rule.rule_set.value} の上限 {longest} 以下（{rule.source.japanese}）。延長する場合は "
            f"[camera.retention_decision] に who（{rule.longer_decided_by.japanese}）・date・reason を記載",
        )
        yield Problem(f"{key}.retention", found, expected)
    elif not may_decide_longer(rule, decision.who, configuration.site.manager):
        expected = Wording(
            f"who may decide under rule set {rule.rule_set.value}: {rule.longer_decided_by.english}",
            f"規則 {rule.rule_set.value} で延長を決定できる者: {rule.longer_decided_by.japanese}",
        )
        yield Problem(f"{key}.retention_decision.who", _quoted(decision.who), expected)


def _mail_fits(configuration: Configuration) -> Iterator[Problem]:
    if configuration.mail is not None:
        yield from mail_problems(configuration.mail)


def _api_fits(configuration: Configuration) -> Iterator[Problem]:
    if configuration.api is not None:
        yield from api_problems(configuration.api)


def _grounds_fit(configuration: Configuration) -> Iterator[Problem]:
    yield from requests_problems(configuration.requests, configuration.site.rule_set)


_CAMERA_RULES: tuple[CameraRule, ...] = (
    _one_address,
    _credentials_are_whole,
    _trust_is_unambiguous,
    _pictures_stay_local,
    _retention_keeps_the_rules,
)


def _cameras_keep_their_rules(configuration: Configuration) -> Iterator[Problem]:
    for camera in configuration.cameras:
        for rule in _CAMERA_RULES:
            yield from rule(configuration, camera, f"camera[{camera.name}]")


_RULES: tuple[Rule, ...] = (
    _manager_is_a_person,
    _duties_are_named_in_the_site,
    _names_are_unique,
    _retired_names_rest,
    _there_is_a_volume,
    _cells_lie_outside_the_state,
    _a_cell_in_a_file_has_a_folder,
    _back_off_is_ordered,
    _mail_fits,
    _api_fits,
    _grounds_fit,
    _cameras_keep_their_rules,
)
