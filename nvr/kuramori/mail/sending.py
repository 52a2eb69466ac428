"""The loop that empties an outbox: one mail at a time, remembered before it is tried, tried again until it is taken.

Shared by the recorder's messenger and by the watch on another machine. This module must not know what mails say.
"""

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path

from kuramori import log
from kuramori.mail.delivery import DeliveryFault, ReadPassword, deliver
from kuramori.mail.letter import message_of
from kuramori.mail.mail_memory import MailMemory, MemoryUnreadable, boot_id, load_memory, revived, save_memory
from kuramori.mail.post import Moment, Post, PostRules
from kuramori_config.mail_table import Mail


class PostOffice:
    """A post room with its file and its way to the server."""

    def __init__(
        self, mail: Mail, rules: PostRules, path: Path, read_password: ReadPassword, now: Callable[[], Moment]
    ):
        self.mail = mail
        self._path = path
        self._read_password = read_password
        self._now = now
        self._saved: MailMemory | None = None
        self.last_fault = ""
        self.post = Post(rules, self._remembered(), self._make_id)

    def adopt(self, mail: Mail, rules: PostRules) -> None:
        """Go on by another configuration, and try the server at once."""
        self.mail = mail
        self.post.adopt(rules)
        self.post.outbox.try_now()

    async def remember(self) -> None:
        """Write down what has changed; a disk that takes nothing is told in the log, and mails go all the same."""
        memory = self.post.memory
        if memory == self._saved:
            return
        try:
            await asyncio.to_thread(save_memory, self._path, memory)
        except OSError as error:
            log.get().error("mail_memory_unwritable", path=str(self._path), detail=error.strerror)
            return
        self._saved = memory

    async def send_one(self) -> bool:
        """Try the oldest mail if it is time; return whether something was tried."""
        waiting = self.post.outbox.next(self._now().boot_ms)
        if waiting is None:
            return False
        message = message_of(waiting, self.mail.sender, self.mail.recipients)
        try:
            delivered = await deliver(self.mail, self._read_password, message)
        except DeliveryFault as fault:
            self.last_fault = fault.detail
            self.post.failed(waiting, self._now(), refused=fault.refused)
            log.get().error("mail_not_taken", detail=fault.detail, waiting=len(self.post.outbox.waiting))
        else:
            self.last_fault = "; ".join(delivered.refused)
            self.post.taken(waiting, self._now())
            log.get().info("mail_sent", message_id=waiting.message_id, refused=delivered.refused)
        await self.remember()
        return True

    def _remembered(self) -> MailMemory:
        try:
            memory = load_memory(self._path)
        except MemoryUnreadable as fault:
            log.get().error("mail_memory_unreadable", detail=str(fault))
            memory = MailMemory()
        return revived(memory, boot_id(), self._now().boot_ms)

    def _make_id(self) -> str:
        return f"<{secrets.token_hex(16)}@{self.mail.sender.rpartition('@')[2]}>"
