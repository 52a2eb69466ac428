"""The examples for Prometheus and Alertmanager: taken by their own checkers; mails say everything in two languages."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.metrics.test_rules import NAMES, RULES
from tests.peers import require_program

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "packaging" / "prometheus"
ROUTES = yaml.safe_load((EXAMPLES / "alertmanager.example.yml").read_text("utf-8"))


def run(*command: str) -> str:
    result = subprocess.run([require_program(command[0]), *command[1:]], capture_output=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.decode()


def mail(part: str, firing: list[str], resolved: list[str], folder: Path, **labels: str) -> str:
    """What Alertmanager's own templates make of these alerts of the shipped rules."""
    data = {
        "status": "firing" if firing else "resolved",
        "receiver": "office",
        "alerts": [alert(name, "firing") for name in firing] + [alert(name, "resolved") for name in resolved],
        "groupLabels": {},
        "commonLabels": {"severity": "critical", **labels},
        "commonAnnotations": {},
        "externalURL": "http://127.0.0.1:9093",
    }
    (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
    call = f'{{{{ template "kuramori.{part}" . }}}}'
    glob = f"--template.glob={EXAMPLES / 'alarm-mails.tmpl'}"
    return run(
        "amtool", "template", "render", glob, f"--template.text={call}", f"--template.data={folder / 'data.json'}"
    )


def alert(name: str, status: str) -> dict[str, Any]:
    (rule,) = [rule for rule in RULES if rule["alert"] == name]
    return {
        "status": status,
        "labels": {"alertname": name, "instance": "recorder:9464", **rule["labels"]},
        "annotations": rule["annotations"],
        "startsAt": "2026-11-23T01:02:03Z",
        "endsAt": "2026-11-23T04:05:06Z" if status == "resolved" else "0001-01-01T00:00:00Z",
    }


def test_prometheus_takes_its_example(tmp_path: Path) -> None:
    """promtool check config, with the rules beside it as the example says."""
    for file in (EXAMPLES / "prometheus.example.yml", ROOT / "metrics" / "rules" / "kuramori.rules.yml"):
        shutil.copy(file, tmp_path)
    assert "1 rule files found" in run("promtool", "check", "config", str(tmp_path / "prometheus.example.yml"))


def test_alertmanager_takes_its_example() -> None:
    """amtool check-config, templates included."""
    assert "1 templates" in run("amtool", "check-config", str(EXAMPLES / "alertmanager.example.yml"))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("alertname=KuramoriWatchdog", "severity=none"), "dead-mans-switch"),
        (("alertname=KuramoriNotRecording", "severity=critical"), "office-and-duty"),
        (("alertname=KuramoriStorageWear", "severity=warning"), "office"),
    ],
)
def test_an_alarm_goes_where_it_belongs(labels: tuple[str, ...], receiver: str) -> None:
    """The dead-man's switch out of the house, what cannot wait to whoever is on duty, the rest to the office."""
    file = f"--config.file={EXAMPLES / 'alertmanager.example.yml'}"
    assert run("amtool", "config", "routes", "test", file, *labels).split() == [receiver]


def test_what_one_cause_silences_are_alerts_that_exist() -> None:
    """A renamed alert would silence nothing, or be silenced by nothing."""
    matchers = [one for route in ROUTES["route"]["routes"] for one in route["matchers"]]
    for rule in ROUTES["inhibit_rules"]:
        matchers += rule["source_matchers"] + rule["target_matchers"]
    named = [re.fullmatch(r'alertname=~?"Kuramori\(?([\w|]+)\)?"', one) for one in matchers if "alertname" in one]
    assert len(named) == 1 + 2 * len(ROUTES["inhibit_rules"])
    assert {f"Kuramori{name}" for found in named if found for name in found[1].split("|")} <= set(NAMES)
    assert all(named)


def test_mails_are_text_with_our_templates_and_tell_the_end_too() -> None:
    """Every mail receiver: no HTML, subject and text from the template file, and a mail when it is over."""
    mails = [one for receiver in ROUTES["receivers"] for one in receiver.get("email_configs", ())]
    assert len(mails) == 2
    for one in mails:
        assert one["html"] == ""
        assert one["send_resolved"] is True
        assert "kuramori.text" in one["text"]
        assert "kuramori.subject" in one["headers"]["Subject"]


def test_a_mail_says_everything_in_both_languages(tmp_path: Path) -> None:
    """What, since when, what to do and where to read on; what is over, and when it began and ended."""
    text = mail("text", ["KuramoriStorageFailing", "KuramoriTamper"], ["KuramoriRecorderDown"], tmp_path)
    for name in ("KuramoriStorageFailing", "KuramoriTamper"):
        assert all(words in text for words in alert(name, "firing")["annotations"].values())
    over = alert("KuramoriRecorderDown", "resolved")["annotations"]
    assert over["summary"] in text
    assert over["summary_ja"] in text
    assert over["description"] not in text
    assert text.index("発生中の警報（2件）") < text.index("FIRING (2)")
    assert "<no value>" not in text


@pytest.mark.parametrize(
    ("firing", "resolved", "subject"),
    [
        (["KuramoriRecorderDown"], [], "[Kuramori honcho] 警報 ALARM: 録画装置が応答しません"),
        ([], ["KuramoriRecorderDown"], "[Kuramori honcho] 復旧 RESOLVED: 録画装置が応答しません"),
    ],
)
def test_a_subject_is_one_line_that_says_it_all(
    firing: list[str], resolved: list[str], subject: str, tmp_path: Path
) -> None:
    """The site, whether it begins or is over, and what."""
    told = mail("subject", firing, resolved, tmp_path, site="honcho").rstrip("\n")
    assert told.startswith(subject)
    assert "\n" not in told
    assert mail("subject", ["KuramoriTamper"] * 3, [], tmp_path).rstrip().endswith("(3)")
