"""The notice beside a camera (防犯カメラ作動中): who is responsible, the contact, how long pictures stay, no sound.

One for each camera, or one for all of a site; on A4, or small ones to cut out. Pure. Must not know pages.
"""

from enum import StrEnum

from kuramori.desk.office import OfficeCamera
from kuramori.desk.paper_fault import PaperUnknown
from kuramori.paper.document import Block, Document, Large, NewPage, Paragraph
from kuramori.paper.language import Language
from kuramori.paper.paper_facts import PaperFacts
from kuramori.paper.rules_paper import NOTICE_ENGLISH, NOTICE_JAPANESE

LARGE_POINTS = 58.0
LARGE_LATIN_POINTS = 26.0
LINE_POINTS = 20.0
SMALL_POINTS = 24.0
SMALL_LATIN_POINTS = 12.0
SMALL_ON_A_PAGE = 4


class NoticeSize(StrEnum):
    """How large."""

    A4 = "a4"
    SMALL = "small"


def notice(facts: PaperFacts, say: Language, size: NoticeSize, camera: str = "") -> Document:
    """Return the notice of one camera, or of every camera of the site, each on its own. Raises PaperUnknown."""
    cameras = tuple(one for one in facts.office.cameras if camera in ("", one.name))
    if not cameras:
        raise PaperUnknown(camera)
    blocks: list[Block] = []
    for number, one in enumerate(cameras):
        if number:
            blocks.append(NewPage())
        blocks += _small(facts, say, one) if size is NoticeSize.SMALL else _large(facts, say, one)
    return Document(say(NOTICE_ENGLISH, NOTICE_JAPANESE), say, tuple(blocks), shows_title=False)


def _large(facts: PaperFacts, say: Language, camera: OfficeCamera) -> list[Block]:
    """Both languages in large letters: whoever passes by reads one of them."""
    lines = [Large(text, LINE_POINTS) for text in _lines(facts, say, camera)]
    return [*_headline(LARGE_POINTS, LARGE_LATIN_POINTS, say), *lines]


def _small(facts: PaperFacts, say: Language, camera: OfficeCamera) -> list[Block]:
    one = [*_headline(SMALL_POINTS, SMALL_LATIN_POINTS, say), *map(Paragraph, _lines(facts, say, camera))]
    cut = Paragraph("- " * 60)
    return [block for number in range(SMALL_ON_A_PAGE) for block in ([cut, *one] if number else one)]


def _headline(points: float, latin_points: float, say: Language) -> list[Block]:
    japanese, english = Large(NOTICE_JAPANESE, points), Large(NOTICE_ENGLISH, latin_points)
    return [japanese, english] if say is Language.JAPANESE else [english, japanese]


def _lines(facts: PaperFacts, say: Language, camera: OfficeCamera) -> list[str]:
    retention = say.duration(camera.retention)
    if camera.audio is None:
        sound = say("No sound is recorded.", "音声は記録していません。")
    else:
        sound = say(
            f"Sound is recorded (decided by {camera.audio.who}, {say.day(camera.audio.date)}).",
            f"音声を記録しています({say.day(camera.audio.date)} {camera.audio.who}決定)。",
        )
    return [
        say(
            f"Purpose: {camera.purpose or facts.office.purpose}", f"設置目的: {camera.purpose or facts.office.purpose}"
        ),
        say(f"Responsible: {facts.operator}", f"設置者: {facts.operator}"),
        say(f"Contact: {facts.office.contact}", f"連絡先: {facts.office.contact}"),
        say(
            f"Pictures are kept encrypted for {retention}, then erased. {sound}",
            f"画像は暗号化して{retention}保存し、その後消去します。{sound}",
        ),
        say(f"Place: {camera.place} ({camera.name})", f"設置場所: {camera.place}({camera.name})"),
    ]
