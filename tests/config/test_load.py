"""Loading: what is accepted, and how everything that is wrong is said at once, with file, key, found and expected."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_config.faults import ConfigurationFault, Problem
from kuramori_config.load import load_configuration, parse_configuration
from kuramori_config.schema import Configuration
from tests.fakes.configuration import CAMERA, MINIMAL, configuration_text

FILE = Path("/etc/kuramori/kuramori.toml")


def load_or_our_fault(content: bytes | str) -> None:
    """Load, and let pass only a configuration or a fault that names at least one problem."""
    outcome: Configuration | tuple[Problem, ...]
    try:
        outcome = parse_configuration(content, FILE)
    except ConfigurationFault as fault:
        outcome = fault.problems
    assert outcome


def problems_of(text: str) -> dict[str, str]:
    """Return what is wrong, by key."""
    with pytest.raises(ConfigurationFault) as caught:
        parse_configuration(text, FILE)
    return {problem.key: problem.text() for problem in caught.value.problems}


def with_camera(old: str, new: str) -> str:
    """Return a configuration whose camera differs in one line."""
    assert old in CAMERA
    return configuration_text(CAMERA.replace(old, new))


def test_a_whole_configuration_becomes_typed_values(tmp_path: Path) -> None:
    """A file becomes one frozen value; relative paths start at its folder."""
    file = tmp_path / "kuramori.toml"
    file.write_text(configuration_text(CAMERA), encoding="utf-8")
    configuration = load_configuration(file)
    assert isinstance(configuration, Configuration)
    assert configuration.storage.state_directory == tmp_path / "state"
    assert configuration.cameras[0].retention.days == 14
    assert configuration.cameras[0].floor.days == 7
    assert configuration.volumes[0].size.total_bytes == 64 * 2**20
    assert configuration.site.time_zone == "Asia/Tokyo"
    assert configuration.cameras[0].audio is None
    with pytest.raises(ValueError, match="frozen"):
        configuration.site.name = "other"  # type: ignore[misc]


def test_a_missing_file_is_named() -> None:
    """A file that is not there is one clear problem."""
    with pytest.raises(ConfigurationFault, match=r"/nowhere/kuramori\.toml: .*no readable file"):
        load_configuration("/nowhere/kuramori.toml")


def test_text_that_is_not_toml_says_where() -> None:
    """A syntax error names line and column."""
    assert "line 1" in problems_of("[site\n")["(file)"]


def test_an_unknown_key_suggests_the_known_one() -> None:
    """A typo is an error that names the key meant."""
    assert 'did you mean "installer"' in problems_of(MINIMAL.replace("installer", "instaler"))["site.instaler"]


def test_an_unknown_table_suggests_the_known_one() -> None:
    """A typo in a table's name is an error too."""
    assert (
        'did you mean "camera"' in problems_of(configuration_text(CAMERA.replace("[[camera]]", "[[camra]]")))["camra"]
    )


def test_several_problems_come_at_once() -> None:
    """Everything that is wrong is said in one go, each line with the file's name."""
    text = MINIMAL.replace('"64 MiB"', '"64"').replace('"HOK"', '"HOKK"').replace('contact = "000-000-0000"\n', "")
    with pytest.raises(ConfigurationFault) as caught:
        parse_configuration(text, FILE)
    assert {problem.key for problem in caught.value.problems} == {"volume[#1].size", "site.rule_set", "site.contact"}
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"{FILE}: ") for line in lines)


def test_a_problem_says_what_was_found_and_what_was_expected() -> None:
    """Found and expected stand side by side, in both languages."""
    with pytest.raises(ConfigurationFault) as caught:
        parse_configuration(with_camera('"14 days"', '"2 months"'), FILE)
    assert 'camera[gate].retention: found "2 months"; expected a duration' in caught.value.text()
    assert "camera[gate].retention: 現在の記載は" in caught.value.text(japanese=True)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"gate"', '"Gate"', "camera[Gate].name"),
        ('"gate"', '"' + "a" * 33 + '"', "camera[" + "a" * 33 + "].name"),
        ('"14 days"', "14", "camera[gate].retention"),
        ('"14 days"', '"2 hours"', "camera[gate].retention"),
        ('"14 days"', '"6 days"', "camera[gate].retention"),
        ('"rtsp://127.0.0.1:554/stream1"', '"http://127.0.0.1/"', "camera[gate].rtsp"),
        ('"rtsp://127.0.0.1:554/stream1"', '"rtsp://127.0.0.1:70000/"', "camera[gate].rtsp"),
        ('"rtsp://127.0.0.1:554/stream1"', '"rtsp:///x"', "camera[gate].rtsp"),
        ('name = "gate"', 'name = "gate"\ntransport = "udp"', "camera[gate].transport"),
        ('name = "gate"', 'name = "gate"\nexpected_mbit_per_second = "4"', "camera[gate].expected_mbit_per_second"),
        ('name = "gate"', 'name = "gate"\ntls_fingerprint = "sha256:12"', "camera[gate].tls_fingerprint"),
        ('name = "gate"', 'name = "gate"\nuser = "admin"', "camera[gate].password"),
        ('name = "gate"', 'name = "gate"\npassword = "gate"', "camera[gate].user"),
        ('name = "gate"', 'name = "gate"\nprofile = "main"', "camera[gate].profile"),
        ('name = "gate"', 'name = "gate"\nonvif = "http://127.0.0.1/x"', "camera[gate].rtsp"),
        ('name = "gate"', 'name = "gate"\ntls_ca_file = "ca.pem"', "camera[gate].tls_ca_file"),
        ('rtsp = "rtsp://127.0.0.1:554/stream1"', "", "camera[gate].rtsp"),
    ],
)
def test_an_impossible_camera_is_refused(old: str, new: str, key: str) -> None:
    """Each impossible value of a camera is an error at its key, and the only one."""
    assert list(problems_of(with_camera(old, new))) == [key]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"64 MiB"', '"1 MiB"', "volume[#1].size"),
        ('manager = "Sato Hanako"', 'manager = "Nobody"', "site.manager"),
        ('roles = ["manager"]', 'roles = ["manager", "king"]', "person[Sato Hanako].roles[#2]"),
        ('roles = ["manager"]', 'roles = ["manager", "deputy"]', "person[Sato Hanako].roles"),
        ('rule_set = "HOK"', 'rule_set = "HOK"\ntime_zone = "Asia/Edo"', "site.time_zone"),
        ('rule_set = "HOK"', 'rule_set = "HOK"\ndeputies = ["Nobody"]', "site.deputies"),
        ('cell_directory = "cell"', 'cell_directory = "state/cell"', "keystore.cell_directory"),
        ('cell_directory = "cell"', 'cell = "file"', "keystore.cell_directory"),
        ('cell_directory = "cell"', 'cell = "tmp"', "keystore.cell"),
        ('cell_directory = "cell"', 'cell = "tpm"\ntpm_nv_index = "0x81000001"', "keystore.tpm_nv_index"),
        (
            'cell_directory = "cell"',
            'cell_directory = "cell"\nfallback_cell_directory = "cell"',
            "keystore.fallback_cell_directory",
        ),
        (
            'cell_directory = "cell"',
            'cell = "tpm"\nfallback_cell_directory = "state/f"',
            "keystore.fallback_cell_directory",
        ),
        ('cards_directory = "cards"', 'cards_directory = "cards"\nthreshold = 1', "custody.threshold"),
        ('[[volume]]\npath = "volume0"\nsize = "64 MiB"\n', "", "volume"),
    ],
)
def test_an_impossible_site_is_refused(old: str, new: str, key: str) -> None:
    """Each impossible value outside the cameras is an error at its key."""
    assert old in MINIMAL
    assert key in problems_of(MINIMAL.replace(old, new))


def test_two_cameras_of_one_name_are_refused() -> None:
    """A camera's name is unique."""
    assert "more than once" in problems_of(configuration_text(CAMERA, CAMERA))["camera[gate].name"]


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    """A password in a URL is an error whose text does not hold it."""
    for address in ("rtsp://admin:geheim@127.0.0.1/", "rtsp://127.0.0.1/?user=admin&password=geheim"):
        text = problems_of(with_camera('"rtsp://127.0.0.1:554/stream1"', f'"{address}"'))["camera[gate].rtsp"]
        assert "geheim" not in text
        assert "secret" in text


def test_a_password_in_place_of_a_name_is_not_repeated() -> None:
    """Where a password was written instead of a secret's name, no message holds it."""
    text = with_camera('name = "gate"', 'name = "gate"\nuser = "admin"\npassword = "Geheim!7"')
    assert "Geheim" not in str(problems_of(text))


def test_an_unknown_key_does_not_show_its_value() -> None:
    """The value of an unknown key stays out of messages."""
    assert "Geheim" not in str(problems_of(with_camera('name = "gate"', 'name = "gate"\npasword = "Geheim"')))


class TestRetention:
    """Requirement K2."""

    @pytest.mark.parametrize(
        ("rule_set", "days", "accepted"),
        [
            ("HOK", 30, True),
            ("HOK", 31, False),
            ("CHI", 31, True),
            ("CHI", 32, False),
            ("ISE", 30, True),
            ("ISE", 31, False),
        ],
    )
    def test_each_rule_set_has_its_ceiling(self, rule_set: str, days: int, accepted: bool) -> None:
        """ISE and HOK end at 30 days, CHI at 31."""
        text = with_camera("14 days", f"{days} days").replace('"HOK"', f'"{rule_set}"')
        if accepted:
            assert parse_configuration(text, FILE).cameras[0].retention.days == days
        else:
            assert f"rule set {rule_set}" in problems_of(text)["camera[gate].retention"]

    @pytest.mark.parametrize(
        ("rule_set", "who", "accepted"),
        [
            ("HOK", "mayor Yamada Taro", True),
            ("HOK", "市長 山田太郎", True),
            ("HOK", "Sato Hanako", False),
            ("ISE", "Sato Hanako", True),
            ("ISE", "mayor Yamada Taro", False),
            ("CHI", "Tanaka", True),
        ],
    )
    def test_longer_needs_the_right_persons_decision(self, rule_set: str, who: str, accepted: bool) -> None:
        """Beyond the ceiling the rule set says who decides: ISE the manager, HOK the mayor."""
        decision = f'[camera.retention_decision]\nwho = "{who}"\ndate = 2026-04-01\nreason = "incidents"\n'
        text = (with_camera("14 days", "60 days") + decision).replace('"HOK"', f'"{rule_set}"')
        if accepted:
            decided = parse_configuration(text, FILE).cameras[0].retention_decision
            assert decided is not None
            assert decided.date.isoformat() == "2026-04-01"
        else:
            assert list(problems_of(text)) == ["camera[gate].retention_decision.who"]

    def test_a_decision_needs_date_and_reason(self) -> None:
        """Who alone is not a decision."""
        text = with_camera("14 days", "60 days") + '[camera.retention_decision]\nwho = "mayor"\n'
        assert set(problems_of(text)) == {
            "camera[gate].retention_decision.date",
            "camera[gate].retention_decision.reason",
        }


class TestNetworks:
    """Requirement O5: unencrypted RTSP stays in declared networks."""

    @pytest.mark.parametrize(
        ("address", "network", "accepted"),
        [
            ("rtsp://192.168.10.21/", "", False),
            ("rtsp://192.168.10.21/", 'local_networks = ["192.168.10.0/24"]', True),
            ("rtsp://192.168.11.21/", 'local_networks = ["192.168.10.0/24"]', False),
            ("rtsp://192.168.11.21/", 'vpn = "city"', True),
            ("rtsps://203.0.113.9/", "", True),
            ("rtsp://camera.example/", "", False),
            ("rtsp://camera.example/", 'local_networks = ["192.168.10.0/24"]', True),
            ("rtsp://[fd00::5]/", 'local_networks = ["fd00::/64"]', True),
            ("rtsp://[::1]:8554/", "", True),
            ("rtsp://localhost:8554/", "", True),
        ],
    )
    def test_unencrypted_rtsp_stays_local(self, address: str, network: str, accepted: bool) -> None:
        """A literal address must lie in a declared network unless a VPN is named; a name needs a declared network."""
        text = with_camera("rtsp://127.0.0.1:554/stream1", address) + f"[network]\n{network}\n"
        if accepted:
            parse_configuration(text, FILE)
        else:
            assert "in the clear" in problems_of(text)["camera[gate].rtsp"]

    @pytest.mark.parametrize("network", ["0.0.0.0/0", "192.168.10.1/24", "192.168.10.0", "::/0", "here"])
    def test_the_internet_is_not_local(self, network: str) -> None:
        """A network that is too wide, has host bits or is none is refused."""
        assert "network.local_networks[#1]" in problems_of(MINIMAL + f'[network]\nlocal_networks = ["{network}"]\n')


@given(st.binary(max_size=400))
def test_any_bytes_give_a_configuration_or_our_fault(content: bytes) -> None:
    """Whatever the file holds, loading ends in a configuration or a fault that names the file."""
    load_or_our_fault(content)


_TOML_VALUES = st.sampled_from(
    ['""', '"x"', "0", "-1", "1.5", "true", "[]", "[1]", "{}", "2026-01-01", '"\\u0000"', '"@"']
)


@given(st.sampled_from(["site", "storage", "keystore", "custody", "network", "metrics", "recorder"]), st.data())
def test_any_value_at_any_key_gives_a_configuration_or_our_fault(table: str, data: st.DataObject) -> None:
    """Whatever type stands at a known key, loading ends in a configuration or our fault."""
    model = Configuration.model_fields[table].annotation
    assert model is not None
    key = data.draw(st.sampled_from(sorted(model.model_fields)))
    text = f"[{table}]\n{key} = {data.draw(_TOML_VALUES)}\n"
    with pytest.raises(ConfigurationFault):
        parse_configuration(text, FILE)


@given(st.text(max_size=60))
def test_any_address_gives_an_address_or_our_fault(address: str) -> None:
    """Whatever stands for an address, loading ends in a configuration or our fault."""
    escaped = "".join(f"\\U{ord(c):08x}" if not 0xD800 <= ord(c) <= 0xDFFF else "?" for c in address)
    load_or_our_fault(with_camera("rtsp://127.0.0.1:554/stream1", "rtsp://" + escaped))


RETIRED = """
[[retired_camera]]
name = "old-gate"
place = "North gate"
removed = 2026-04-01
retention = "14 days"
"""


def test_the_name_of_a_removed_camera_is_never_given_again() -> None:
    """A removed camera stays in the file; another camera of its name is refused, and so is removing it twice."""
    assert parse_configuration(configuration_text(CAMERA + RETIRED), FILE).retired_cameras[0].name == "old-gate"
    found = problems_of(with_camera('name = "gate"', 'name = "old-gate"') + RETIRED)
    assert "a name that no removed camera had" in found["camera[old-gate].name"]
    assert (
        "each name once" in problems_of(configuration_text(CAMERA + RETIRED + RETIRED))["retired_camera[old-gate].name"]
    )


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("rtsp://203.0.113.7/s", True),
        ("rtsp://192.168.10.4/s", False),
        ("rtsp://camera.example/s", False),  # where it leads is asked at each connection
        ("rtsps://203.0.113.7/s", False),
        ("http://203.0.113.7/onvif/device_service", True),  # its stream comes from there too
        ("http://192.168.10.4/onvif/device_service", False),
        ("https://203.0.113.7/onvif/device_service", False),
    ],
)
def test_unencrypted_pictures_stay_in_declared_networks(address: str, refused: bool) -> None:
    """A literal address outside the declared networks is refused, unless a VPN is named (O5)."""
    key = "onvif" if address.startswith("http") else "rtsp"
    line = f'{key} = "{address}"'
    text = (
        with_camera('rtsp = "rtsp://127.0.0.1:554/stream1"', line)
        + '\n[network]\nlocal_networks = ["192.168.10.0/24"]\n'
    )
    if refused:
        assert "pictures cross no network in the clear" in problems_of(text)[f"camera[gate].{key}"]
    else:
        parse_configuration(text, FILE)
    assert parse_configuration(text + 'vpn = "city"\n', FILE)
