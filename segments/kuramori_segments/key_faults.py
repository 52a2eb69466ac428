"""What can go wrong around the keys of custodians and of the recovery sheet.

    KeyFault
      CardRefused               a public card cannot be taken
        CardUnreadable          not a card of this kind and version; names the field
        CardForged              a proof in it is wrong, or it was changed after it was made
      KeyFileRefused            a custodian's key file cannot be opened
        KeyFileUnreadable       not a key file, or damaged; names the field
        KeyFileCostly           asks for more memory or time than any honest file
        KeyFileWeak             protected by less than the least that is allowed
        PassphraseWrong         wrong passphrase, or the sealed part was altered
      PassphraseWeak            a new passphrase is too easy to guess; says what is expected
      SetRefused                people cannot be put together as a custodian set
        CustodianTwice          the same person or key more than once
        ThresholdRefused        k of n outside the limits
        CustodiansExpired       fewer than k cards are still valid
      ShareRefused              shares do not give a key
        ShareMalformed, ShareTwice, SharesTooFew, SharesDisagree
        SealNotOurs             a sealed share or key does not open: other key, other request, or altered
        BindingMismatch         segment and custodian set do not belong together
        NotACustodian           this key holds no share of that segment
        HandOnForged            what was handed on is not signed by whom it names
      ChangeRefused             a change of custodians does not count
        ChangeUnreadable        not a change, or damaged; names the field
        ChangeOfAnotherSet      it does not follow the set in use
        SignatureNotACustodians a signature on it is nobody's of the set before
        SignaturesTooFew        fewer than k of the set before have signed
        ChainBroken             the sets do not follow one another
      DrillRefused              a drill's challenge or answer does not count; says why
      TimeRefused               a statement of time, or a confirmation of it, does not count; has the reason
      WordsRefused              the words on paper do not give the recovery key
        WordsMisspelt, WordsTooFew, WordsTwice, WordsStrange, WordsOfAnotherKey

Messages are English, for logs; the hall says them to people. No message holds a secret.
"""

from enum import StrEnum


class KeyFault(Exception):
    """Something is wrong with a key, a card, a share or the words on paper."""


class CardRefused(KeyFault):
    """A public card cannot be taken."""


class CardUnreadable(CardRefused):
    """Not a card of the expected kind. `field` is empty for the document as a whole."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"card: {field or 'document'}: expected {expected}")
        self.field = field
        self.expected = expected


class CardForged(CardRefused):
    """A proof in the card does not hold. `proof` is "signature", "possession" or "key"."""

    def __init__(self, proof: str) -> None:
        super().__init__(f"card: its {proof} does not hold; it was altered, or not made by the holder of the keys")
        self.proof = proof


class KeyFileRefused(KeyFault):
    """A custodian's key file cannot be opened."""


class KeyFileUnreadable(KeyFileRefused):
    """Not a key file, or damaged. `field` is empty for the document as a whole."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"key file: {field or 'document'}: expected {expected}")
        self.field = field
        self.expected = expected


class KeyFileCostly(KeyFileRefused):
    """The file asks for more than an honest one does, so it was made to harm this machine."""

    def __init__(self, parameter: str, value: int, most: int) -> None:
        super().__init__(f"key file: {parameter} is {value}; at most {most} is accepted")
        self.parameter = parameter
        self.value = value
        self.most = most


class KeyFileWeak(KeyFileRefused):
    """The file is protected by less than the least that is allowed."""

    def __init__(self, parameter: str, value: int, least: int) -> None:
        super().__init__(f"key file: {parameter} is {value}; at least {least} is required")
        self.parameter = parameter
        self.value = value
        self.least = least


class PassphraseWrong(KeyFileRefused):
    """The passphrase does not open the file, or the file was altered: the two cannot be told apart."""

    def __init__(self) -> None:
        super().__init__("the passphrase does not open this key file")


class PassphraseWeak(KeyFault):
    """A new passphrase is too easy to guess."""

    def __init__(self, least_characters: int, least_different: int) -> None:
        super().__init__(
            f"a passphrase has at least {least_characters} characters, {least_different} of them different"
        )
        self.least_characters = least_characters
        self.least_different = least_different


class SetRefused(KeyFault):
    """These people cannot be put together as a custodian set."""


class CustodianTwice(SetRefused):
    """The same person, or the same key, more than once: one holder would have two shares."""

    def __init__(self, name: str, title: str) -> None:
        super().__init__(f"{name} ({title}) is in the set twice")
        self.name = name
        self.title = title


class ThresholdRefused(SetRefused):
    """k of n is outside the limits."""

    def __init__(self, k: int, n: int, least: int, most: int) -> None:
        super().__init__(f"{k} of {n}: at least {least} must open together, of at most {most} custodians")
        self.k = k
        self.n = n
        self.least = least
        self.most = most


class CustodiansExpired(SetRefused):
    """Fewer cards are valid than are needed to open anything."""

    def __init__(self, valid: int, needed: int) -> None:
        super().__init__(f"only {valid} custodian cards are valid; {needed} are needed")
        self.valid = valid
        self.needed = needed


class ShareRefused(KeyFault):
    """Shares do not give a key."""


class ShareMalformed(ShareRefused):
    """A share is not x from 1 to 255 and 32 bytes."""

    def __init__(self, x: int, length_bytes: int) -> None:
        super().__init__(f"share {x} of {length_bytes} bytes is none")
        self.x = x
        self.length_bytes = length_bytes


class ShareTwice(ShareRefused):
    """The same share number more than once."""

    def __init__(self, x: int) -> None:
        super().__init__(f"share {x} was given twice")
        self.x = x


class SharesTooFew(ShareRefused):
    """Fewer shares than needed."""

    def __init__(self, given: int, needed: int) -> None:
        super().__init__(f"{given} shares; {needed} are needed")
        self.given = given
        self.needed = needed


class SharesDisagree(ShareRefused):
    """More shares than needed were given, and they do not belong to one secret: at least one is wrong."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        super().__init__(f"shares {', '.join(map(str, numbers))} do not belong together")
        self.numbers = numbers


class SealNotOurs(ShareRefused):
    """A sealed share or key does not open: meant for another key or another purpose, or altered."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the sealed {what} does not open with this key for this segment and request")
        self.what = what


class BindingMismatch(ShareRefused):
    """The segment's header names another custodian set than the one at hand."""

    def __init__(self, field: str) -> None:
        super().__init__(f"segment and custodian set differ in {field}")
        self.field = field


class NotACustodian(ShareRefused):
    """This key holds no share of that segment."""

    def __init__(self, custodian_id: bytes) -> None:
        super().__init__(f"custodian {custodian_id.hex()} holds no share of this segment")
        self.custodian_id = custodian_id


class HandOnForged(ShareRefused):
    """What was handed on is not whole, or not signed by the custodian whom it names."""

    def __init__(self, name: str) -> None:
        super().__init__(f"what was handed on in the name of {name} is altered or not theirs")
        self.name = name


class ChangeRefused(KeyFault):
    """A change of custodians does not count."""


class ChangeUnreadable(ChangeRefused):
    """Not a change of custodians, or damaged. `field` is empty for the document as a whole."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"change: {field or 'document'}: expected {expected}")
        self.field = field
        self.expected = expected


class ChangeOfAnotherSet(ChangeRefused):
    """The change does not follow the set that is in use: another recorder's, an older one, or done already."""

    def __init__(self) -> None:
        super().__init__("the change does not follow the custodian set in use")


class SignatureNotACustodians(ChangeRefused):
    """A signature is not by a custodian of the set before. `name` is empty for a stranger."""

    def __init__(self, name: str) -> None:
        super().__init__(f"a signature on the change is not {name or 'any custodian'}'s")
        self.name = name


class SignaturesTooFew(ChangeRefused):
    """Fewer than k custodians of the set before have signed."""

    def __init__(self, given: int, needed: int) -> None:
        super().__init__(f"{given} custodians signed the change; {needed} are needed")
        self.given = given
        self.needed = needed


class ChainBroken(ChangeRefused):
    """The sets do not follow one another. `number` is the change concerned, 0 where none can be named."""

    def __init__(self, number: int) -> None:
        super().__init__("the custodian sets do not follow one another")
        self.number = number


class DrillRefused(KeyFault):
    """A drill's challenge or answer does not count. `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"drill: {detail}")
        self.detail = detail


class TimeRefusedReason(StrEnum):
    """Why a statement of time, or custodians' confirmations of it, do not count. Stable."""

    UNREADABLE = "unreadable"
    NOT_YET = "not-yet"  # the signer's own clock has not passed the date
    OTHER_RECORDER = "other-recorder"
    OTHER_CUSTODIANS = "other-custodians"  # of another set than the one in use
    STRANGER = "stranger"
    FORGED = "forged"
    DIFFERENT = "different"  # the confirmations are of different statements
    TWICE = "twice"  # two by one custodian
    TOO_FEW = "too-few"


class TimeRefused(KeyFault):
    """A statement of time does not count. `needed` and `given` count custodians where there are too few."""

    def __init__(self, reason: TimeRefusedReason, needed: int = 0, given: int = 0) -> None:
        super().__init__(f"time statement: {reason.value}")
        self.reason = reason
        self.needed = needed
        self.given = given


class WordsRefused(KeyFault):
    """The words on paper do not give the recovery key. No message repeats a word."""


class WordsMisspelt(WordsRefused):
    """A sheet was not typed right: a word is not in the list, is missing, or the check words do not fit."""

    def __init__(self, sheet: int) -> None:
        super().__init__(f"the words of sheet {sheet} are not complete and right")
        self.sheet = sheet


class WordsTooFew(WordsRefused):
    """Fewer sheets than needed."""

    def __init__(self, given: int, needed: int) -> None:
        super().__init__(f"{given} sheets; {needed} are needed")
        self.given = given
        self.needed = needed


class WordsTwice(WordsRefused):
    """The same sheet was typed twice."""

    def __init__(self, sheet: int) -> None:
        super().__init__(f"sheet {sheet} is one that was typed before")
        self.sheet = sheet


class WordsStrange(WordsRefused):
    """The sheets belong to different recovery keys."""

    def __init__(self) -> None:
        super().__init__("these sheets do not belong together")


class WordsOfAnotherKey(WordsRefused):
    """The sheets are whole, but give another key than the card names."""

    def __init__(self) -> None:
        super().__init__("these sheets belong to another recovery key than the card")
