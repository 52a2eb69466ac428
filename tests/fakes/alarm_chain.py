"""Prometheus, Alertmanager, a mail server and a webhook, joined as the shipped examples say, at a trial's short times.

Of the examples only addresses and times change; rules and texts are the shipped ones. For tests and the benchmark.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copy

import yaml

from kuramori_metrics.scaled_rules import scaled
from tests.fakes.mail_server import PASSWORD, MailServer
from tests.fakes.prometheus_server import Server, alertmanager, prometheus
from tests.fakes.webhook import Webhook

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "packaging" / "prometheus"
RULES = ROOT / "metrics" / "rules" / "kuramori.rules.yml"
FACTOR = 60.0
SCRAPE_SECONDS = 1.0
RESEND_FLAG = "--rules.alert.resend-delay=1s"  # Prometheus' own minute, divided as everything else
MECHANISMS_LEFT_OUT = ("LOGIN",)  # Alertmanager takes the first one offered, and knows other prompts than the server's


@dataclass(frozen=True, slots=True)
class Said:
    """What the shipped rule says of an alert, its label filled in."""

    name: str
    summary: str
    summary_ja: str
    description: str
    description_ja: str
    runbook: str

    @classmethod
    def of(cls, name: str, labels: Mapping[str, str]) -> "Said":
        """Read it from the rules."""
        groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
        (rule,) = [rule for group in groups for rule in group["rules"] if rule["alert"] == name]
        texts = {key: str(text) for key, text in rule["annotations"].items()}
        for label, value in labels.items():
            texts = {key: text.replace(f"{{{{ $labels.{label} }}}}", value) for key, text in texts.items()}
        assert not [text for text in texts.values() if "{{" in text], texts
        return cls(name, **texts)

    def is_told_by(self, text: str) -> bool:
        """Tell whether a mail tells that it began, completely: in both languages, what to do and where to read on."""
        lines = [line.strip() for line in text.splitlines()]
        wanted = [f"・{self.summary_ja}", self.description_ja, f"* {self.summary}", self.description]
        wanted += [f"手順: {self.runbook}", f"What to do: {self.runbook}"]
        since = [line for line in lines if line.startswith(("発生: ", "Since ")) and self.name in line]
        return all(line in lines for line in wanted) and len(since) >= 2

    def is_over_by(self, text: str) -> bool:
        """Tell whether a mail tells that it is over, in both languages, and nothing of the kind goes on."""
        lines = [line.strip() for line in text.splitlines()]
        over = f"・復旧: {self.summary_ja}" in lines and f"* Over: {self.summary}" in lines
        return over and f"* {self.summary}" not in lines


@dataclass(slots=True)
class AlarmChain:
    """The running programs."""

    folder: Path
    mails: MailServer
    webhook: Webhook
    alertmanager: Server
    metrics_port: int
    prometheus: Server | None = None
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start_prometheus(self) -> None:
        """Begin to watch."""
        configuration = _with(
            (EXAMPLES / "prometheus.example.yml").read_text("utf-8"),
            {
                "scrape_interval: 15s": f"scrape_interval: {SCRAPE_SECONDS:g}s",
                "scrape_timeout: 10s": f"scrape_timeout: {SCRAPE_SECONDS:g}s",
                "evaluation_interval: 15s": f"evaluation_interval: {SCRAPE_SECONDS:g}s",
                "127.0.0.1:9464": f"127.0.0.1:{self.metrics_port}",
                "127.0.0.1:9093": self.alertmanager.url.removeprefix("http://"),
            },
        )
        self.prometheus = await self._running.enter_async_context(prometheus(self.folder, configuration, RESEND_FLAG))

    async def stop_prometheus(self) -> None:
        """Let it end, as if its machine had failed."""
        await self._running.aclose()
        self._running, self.prometheus = AsyncExitStack(), None

    async def firing(self, name: str, labels: Mapping[str, str]) -> bool:
        """Tell whether Prometheus sees this alert, pending or firing, at the moment."""
        assert self.prometheus is not None
        wanted = ",".join(f'{key}="{value}"' for key, value in {"alertname": name, **labels}.items())
        return bool(await self.prometheus.query(f"ALERTS{{{wanted}}}"))


@asynccontextmanager
async def alarm_chain(folder: Path, metrics_port: int) -> AsyncIterator[AlarmChain]:
    """Run everything for the metrics page at this port of the loopback."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kuramori.rules.yml").write_text(
        scaled(RULES.read_text("utf-8"), FACTOR, SCRAPE_SECONDS), encoding="utf-8"
    )
    copy(EXAMPLES / "alarm-mails.tmpl", folder)
    password = folder / "mail_password"
    password.touch(mode=0o600)
    password.write_text(PASSWORD)
    async with AsyncExitStack() as stack:
        webhook = stack.enter_context(Webhook())
        mails = await stack.enter_async_context(MailServer(folder, "starttls", mechanisms_left_out=MECHANISMS_LEFT_OUT))
        shipped = scaled((EXAMPLES / "alertmanager.example.yml").read_text("utf-8"), FACTOR, SCRAPE_SECONDS)
        configuration = folder / "alertmanager.yml"
        addresses = {
            "mail.example.lg.jp:587": f"localhost:{mails.port}",
            "/etc/prometheus/kuramori_mail_password": str(password),
            "http://127.0.0.1:8080/": f"http://127.0.0.1:{webhook.port}/",
            "http://watcher.example.lg.jp:8080/": f"http://127.0.0.1:{webhook.port}/",
        }
        configuration.write_text(_with(shipped, addresses), encoding="utf-8")
        manager = await stack.enter_async_context(alertmanager(folder, configuration, mails.certificate))
        chain = AlarmChain(folder, mails, webhook, manager, metrics_port)
        stack.push_async_callback(chain.stop_prometheus)
        await chain.start_prometheus()
        yield chain


def _with(text: str, changes: Mapping[str, str]) -> str:
    """Return an example with each of these replaced, which must stand in it exactly once."""
    for old, new in changes.items():
        assert text.count(old) == 1, f"{old} stands {text.count(old)} times in the example"
        text = text.replace(old, new)
    return text
