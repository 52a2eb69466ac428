"""Setting a recorder up: everything at once or nothing that looks finished, and never over another one."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from kuramori import setup
from kuramori.custodian_cards import CardsRefused
from kuramori.device_certificate import common_name, new_certificate, new_device_key
from kuramori.identity import IdentityDamaged, NotSetUp, parse_identity, read_identity
from kuramori.places import Places
from kuramori.setup_faults import AlreadySetUp, PlaceUnusable, RingTooShort, SetUpRemains
from kuramori.setup_remains import Unfinished
from kuramori_config.load import parse_configuration
from kuramori_config.schema import Configuration
from kuramori_segments.boot_identity import read_boot_id
from kuramori_segments.custodian_key import LEAST_COST, new_custodian_key, seal_key_file
from kuramori_segments.custodian_set import read_set
from kuramori_segments.erasable_cell import open_file_cells
from kuramori_segments.keystore import Keystore
from kuramori_segments.ledger import Ledger
from kuramori_segments.store_files import DirectoryFiles
from kuramori_segments.volume import Volume
from tests.fakes.configuration import CAMERA, configuration_text
from tests.fakes.custodians import DAY_MS, make_custodians

NOW = 1_700_000_000_000


def configured(folder: Path, *additions: str) -> Configuration:
    """Return the small configuration, with its places in `folder`."""
    text = configuration_text(*additions).replace(
        'cell_directory = "cell"', 'cell_directory = "cell"\nfor_trial = true'
    )
    text = text.replace('secrets_directory = "secrets"', 'secrets_directory = "secrets"\nledger_mirror = "mirror.db"')
    return parse_configuration(text, folder / "kuramori.toml")


def everything_below(folder: Path) -> set[str]:
    """Return the names of all files below a folder but the cards."""
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in files if not name.startswith(("cards/", "recovery"))}


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


class TestASetUp:
    """What a finished set-up leaves."""

    def test_everything_opens_again(self, tmp_path: Path) -> None:
        """Identity, volume, keystore, ledger and custodian set can be opened and belong together."""
        make_custodians(tmp_path, NOW)
        configuration = configured(tmp_path)
        report = setup.set_up(configuration, NOW)
        places = Places.of(configuration)
        identity = read_identity(places.identity)
        assert identity == report.identity
        assert identity.site == "Test site"
        assert (identity.created_utc_ms, len(identity.recorder_id)) == (NOW, 16)
        volume = Volume.open_file(places.volumes[0])
        assert volume.superblock.recorder_id == identity.recorder_id
        volume.close()
        cells = open_file_cells(places.cell, places.volumes, for_trial=True)
        Keystore.open(DirectoryFiles(places.keystore), cells, boot_id=read_boot_id()).close()
        custodian_set = read_set(places.custodians.read_bytes())
        assert (custodian_set.k, custodian_set.n) == (2, 3)
        with Ledger.open(places.ledger, places.ledger_mirror) as ledger:
            in_use = ledger.custodian_set_in_use()
            assert in_use is not None
            assert in_use.custodian_set_id == custodian_set.set_id

    def test_no_private_thing_is_open_to_others(self, tmp_path: Path) -> None:
        """Keys, ledger and cell are readable by their owner only; the certificate is public."""
        make_custodians(tmp_path, NOW)
        configuration = configured(tmp_path)
        setup.set_up(configuration, NOW)
        places = Places.of(configuration)
        assert places.state.stat().st_mode & 0o777 == 0o700
        open_to_others = {
            str(path.relative_to(tmp_path))
            for folder in (places.state, places.cell)
            for path in folder.rglob("*")
            if path.stat().st_mode & 0o077
        }
        assert open_to_others == {"state/device_certificate.pem"}

    def test_no_note_of_an_unfinished_set_up_stays(self, tmp_path: Path) -> None:
        """The note goes when the identity is there."""
        make_custodians(tmp_path, NOW)
        configuration = configured(tmp_path)
        setup.set_up(configuration, NOW)
        assert not Places.of(configuration).unfinished.exists()

    def test_the_report_names_the_tier(self, tmp_path: Path) -> None:
        """A trial cell is E0, whatever the disks are, unless the place would be accepted anyway."""
        make_custodians(tmp_path, NOW)
        report = setup.set_up(configured(tmp_path), NOW)
        assert report.assessment.tier == "E0"
        assert '"erasure_tier": "E0"' in report.as_json()


class TestRefusals:
    """What is never done."""

    def test_a_finished_set_up_is_never_touched(self, tmp_path: Path) -> None:
        """A second set-up is refused, and every byte stays as it was."""
        make_custodians(tmp_path, NOW)
        configuration = configured(tmp_path)
        setup.set_up(configuration, NOW)
        before = {name: (tmp_path / name).read_bytes() for name in everything_below(tmp_path)}
        with pytest.raises(AlreadySetUp, match=r"set up in .* already"):
            setup.set_up(configuration, NOW + 1)
        assert {name: (tmp_path / name).read_bytes() for name in everything_below(tmp_path)} == before

    def test_a_lost_identity_does_not_open_the_way(self, tmp_path: Path) -> None:
        """Where only the identity is gone, keys are not replaced: restore it."""
        make_custodians(tmp_path, NOW)
        configuration = configured(tmp_path)
        setup.set_up(configuration, NOW)
        places = Places.of(configuration)
        places.identity.unlink()
        key = places.device_key.read_bytes()
        with pytest.raises(SetUpRemains, match="restore its identity"):
            setup.set_up(configuration, NOW)
        assert places.device_key.read_bytes() == key

    def test_a_cell_of_another_recorder_is_not_taken(self, tmp_path: Path) -> None:
        """A cell that holds a root belongs to somebody."""
        make_custodians(tmp_path, NOW)
        configuration = configured(tmp_path)
        setup.set_up(configuration, NOW)
        shutil.rmtree(Places.of(configuration).state)
        (tmp_path / "mirror.db").unlink()
        with pytest.raises(SetUpRemains, match="cell-a"):
            setup.set_up(configuration, NOW)

    def test_a_volume_that_is_there_is_not_overwritten(self, tmp_path: Path) -> None:
        """A file in the volume's place stays, and nothing else is left."""
        make_custodians(tmp_path, NOW)
        (tmp_path / "volume0").write_bytes(b"holiday pictures")
        with pytest.raises(PlaceUnusable, match="exists already"):
            setup.set_up(configured(tmp_path), NOW)
        assert (tmp_path / "volume0").read_bytes() == b"holiday pictures"
        assert everything_below(tmp_path) == {"volume0"}

    def test_a_mirror_that_is_there_is_not_overwritten(self, tmp_path: Path) -> None:
        """A file in the place of the ledger's mirror stays."""
        make_custodians(tmp_path, NOW)
        (tmp_path / "mirror.db").write_bytes(b"another ledger")
        with pytest.raises(SetUpRemains, match=r"mirror\.db"):
            setup.set_up(configured(tmp_path), NOW)
        assert (tmp_path / "mirror.db").read_bytes() == b"another ledger"

    def test_a_ring_that_is_too_short_is_refused_in_days(self, tmp_path: Path) -> None:
        """Requirement K3, before anything is made."""
        make_custodians(tmp_path, NOW)
        with pytest.raises(RingTooShort, match="days of the 14 days asked for"):
            setup.set_up(configured(tmp_path, CAMERA), NOW)
        assert everything_below(tmp_path) == set()


class TestCustodians:
    """Without a valid custodian set nothing is set up."""

    def refused(self, folder: Path, match: str) -> None:
        """Expect a refusal, and nothing left."""
        with pytest.raises(CardsRefused, match=match):
            setup.set_up(configured(folder), NOW)
        assert not (folder / "state").exists()

    def test_no_folder_of_cards(self, tmp_path: Path) -> None:
        """A missing folder is named with the key that names it."""
        self.refused(tmp_path, r"custody\.cards_directory")

    def test_too_few_cards(self, tmp_path: Path) -> None:
        """One card cannot be two of n."""
        make_custodians(tmp_path, NOW, count=1)
        self.refused(tmp_path, "1 custodian cards")

    def test_one_custodian_twice(self, tmp_path: Path) -> None:
        """The same person in two files would hold two shares."""
        made = make_custodians(tmp_path, NOW, count=2)
        (made.cards_directory / "again.card").write_bytes(made.keys[0].card.to_bytes())
        self.refused(tmp_path, "Custodian 1 .* twice")

    def test_expired_cards(self, tmp_path: Path) -> None:
        """Nobody is sealed to who could not open any more."""
        make_custodians(tmp_path, NOW - 400 * DAY_MS, valid_days=30)
        self.refused(tmp_path, "still valid")

    def test_an_altered_card(self, tmp_path: Path) -> None:
        """A card whose name was changed after it was made is refused by its proof."""
        made = make_custodians(tmp_path, NOW)
        card = made.cards_directory / "custodian-1.card"
        card.write_bytes(card.read_bytes().replace(b"Custodian 1", b"Custodian 9"))
        self.refused(tmp_path, "proof in the card does not hold")

    def test_a_file_that_is_no_card(self, tmp_path: Path) -> None:
        """A card that cannot be read is never passed over."""
        made = make_custodians(tmp_path, NOW)
        (made.cards_directory / "notes.txt").write_text("call Suzuki")
        self.refused(tmp_path, r"notes\.txt is not a custodian card")

    def test_a_private_key_file(self, tmp_path: Path) -> None:
        """A custodian's private key on the recorder is pointed out, not used."""
        made = make_custodians(tmp_path, NOW)
        key = new_custodian_key("Careless", "Office", NOW, NOW + 30 * DAY_MS)
        content = seal_key_file(key, "correct horse battery", LEAST_COST)
        (made.cards_directory / "careless.key").write_bytes(content)
        self.refused(tmp_path, "private key file")

    def test_no_recovery_card(self, tmp_path: Path) -> None:
        """Without the recovery card there would be no way in when custodians are gone."""
        make_custodians(tmp_path, NOW).recovery_card.unlink()
        self.refused(tmp_path, r"recovery\.card")

    def test_the_recovery_card_may_lie_beside_the_others(self, tmp_path: Path) -> None:
        """A recovery card in the same folder is not taken for a custodian's."""
        made = make_custodians(tmp_path, NOW)
        shutil.move(made.recovery_card, made.cards_directory / "recovery.card")
        text = configuration_text().replace('"recovery.card"', '"cards/recovery.card"')
        text = text.replace('cell_directory = "cell"', 'cell_directory = "cell"\nfor_trial = true')
        setup.set_up(parse_configuration(text, tmp_path / "kuramori.toml"), NOW)


STEPS = ("_make_device_key", "_make_keystore", "_make_volume", "_make_ledger")


class PowerCut(BaseException):
    """Stands for the end of the process: nothing after it runs, not even cleaning up."""


class TestInterruption:
    """A stop at any moment leaves nothing that looks finished, and the next try succeeds."""

    @pytest.mark.parametrize("step", STEPS)
    def test_a_failure_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
        """A step that fails takes back everything before it."""
        make_custodians(tmp_path, NOW)

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device", str(tmp_path))

        monkeypatch.setattr(setup, step, fail)
        with pytest.raises(PlaceUnusable, match="No space left"):
            setup.set_up(configured(tmp_path), NOW)
        assert everything_below(tmp_path) == set()

    @pytest.mark.parametrize("step", STEPS)
    def test_a_power_cut_leaves_what_the_next_try_discards(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        """After a stop behind any step there is no identity; the next set-up begins anew and succeeds."""
        make_custodians(tmp_path, NOW)
        configuration = configured(tmp_path)
        original = getattr(setup, step)

        def stop(*arguments: object) -> None:
            original(*arguments)
            raise PowerCut

        with monkeypatch.context() as patched:
            patched.setattr(setup, step, stop)
            patched.setattr(setup, "discard", lambda *_: None)
            with pytest.raises(PowerCut):
                setup.set_up(configuration, NOW)
        places = Places.of(configuration)
        assert places.unfinished.exists()
        with pytest.raises(NotSetUp):
            read_identity(places.identity)
        setup.set_up(configuration, NOW + 1)
        assert read_identity(places.identity).created_utc_ms == NOW + 1
        assert not places.unfinished.exists()

    def test_a_volume_of_another_recorder_is_not_discarded(self, tmp_path: Path) -> None:
        """Discarding removes only a volume that bears the unfinished recorder's id."""
        make_custodians(tmp_path, NOW)
        configuration = configured(tmp_path)
        places = Places.of(configuration)
        Volume.create_file(
            places.volumes[0],
            size_bytes=64 * 2**20,
            volume_id=b"v" * 16,
            recorder_id=b"other recorder..",
            created_utc_ms=1,
        ).close()
        places.state.mkdir()
        places.unfinished.write_bytes(Unfinished.of(b"this recorder...", places).to_bytes())
        with pytest.raises(PlaceUnusable, match="exists already"):
            setup.set_up(configuration, NOW)
        assert places.volumes[0].exists()


class TestTheCertificate:
    """The device certificate names the recorder and serves CMS."""

    def test_it_names_site_and_recorder_within_64_characters(self) -> None:
        """The common name holds the whole id and as much of the site as fits."""
        name = common_name("A" * 200, bytes(range(16)))
        assert len(name) == 64
        assert name.endswith(bytes(range(16)).hex())

    def test_it_is_valid_for_twenty_years(self) -> None:
        """Twenty years from its creation, signed by itself."""
        key = new_device_key()
        certificate = new_certificate(key, "北小学校 通学路", b"r" * 16, NOW)
        lasts = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        assert lasts.days == 20 * 365 + 5
        certificate.verify_directly_issued_by(certificate)

    @pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
    def test_openssl_accepts_what_it_signed(self, tmp_path: Path) -> None:
        """`openssl cms -verify` takes a signature by this certificate with default settings."""
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.serialization import pkcs7

        key = new_device_key()
        certificate: x509.Certificate = new_certificate(key, "Site", b"r" * 16, NOW)
        (tmp_path / "c.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (tmp_path / "data").write_bytes(b"manifest")
        signed = (
            pkcs7.PKCS7SignatureBuilder()
            .set_data(b"manifest")
            .add_signer(certificate, key, hashes.SHA256())
            .sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])
        )
        (tmp_path / "data.p7s").write_bytes(signed)
        command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "data.p7s", "-content", "data"]
        done = subprocess.run(
            [*command, "-CAfile", "c.pem", "-out", os.devnull], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"kuramori":"identity","version":1,"recorder_id":"00","created_utc_ms":1,"site":"x"}',
    ],
)
def test_a_damaged_identity_is_said_to_be_damaged(content: bytes) -> None:
    """Whatever stands in the file, it is an identity or a clear fault."""
    with pytest.raises(IdentityDamaged, match="restore it from a copy"):
        parse_identity(content, Path("/identity.json"))
