"""What the desk refuses about signing in and accounts. Like `fault`: stable codes, one sentence in both languages.

DeskFault
  SignInMissing        nobody is signed in, or not any more
  SignInRefused        name, password or code is wrong; never says which
  SignInSlowed         too many tries; says when the next one is taken
  EnrolmentUnfinished  the first sign-in is not finished
  EnrolmentRefused     the first sign-in lacks something; says what
  PersonDiffers        somebody else is named as acting than who is signed in
  ScopeMissing         a machine's token is not for this
  AccountUnknown       that person has no account, or has left
  AccountThere         that person has an account
  AccountKept          not for this person to change
  TokenUnknown         no token of that number
  LocalOnly            on the recorder itself only
  AccountsOff          this recorder has no sign-in

Must not know HTTP.
"""

from kuramori.desk.accounts.password import LEAST_CHARACTERS, LEAST_DIFFERENT
from kuramori.desk.fault import DeskFault


class SignInMissing(DeskFault):
    """Nobody is signed in, or not any more."""

    code = "sign-in-missing"

    def __init__(self) -> None:
        super().__init__(
            "Nobody is signed in, or the sign-in has ended; sign in with: kuramori sign-in",
            "サインインしていないか、有効時間が過ぎました。kuramori sign-in でサインインしてください。",
        )


class SignInRefused(DeskFault):
    """Name, password or code is wrong, or there is no such account: which of these is not said."""

    code = "sign-in-refused"

    def __init__(self) -> None:
        super().__init__(
            "Name, password or code is not right; after several tries the next one has to wait.",
            "氏名、パスワード又は確認コードが正しくありません。繰り返すと、次の入力まで待つ必要があります。",
        )


class SignInSlowed(DeskFault):
    """Too many tries by this way."""

    code = "sign-in-slowed"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"Too many tries from here: the next one is taken in {seconds} s. A machine on which this person has "
            "signed in before, and the recorder itself, are not concerned.",
            f"入力の誤りが続いたため、{seconds} 秒後まで受け付けません。本人が以前サインインした端末と録画機本体からは"
            "サインインできます。",
        )
        self.seconds = seconds


class EnrolmentUnfinished(DeskFault):
    """The first sign-in is not finished: nothing else is allowed."""

    code = "enrolment-unfinished"

    def __init__(self) -> None:
        super().__init__(
            "The first sign-in is not finished; do it with: kuramori sign-in",
            "初回のサインインが完了していません。kuramori sign-in で完了してください。",
        )


_LEAST = f"{LEAST_CHARACTERS} characters, {LEAST_DIFFERENT} of them different"
_LEAST_JAPANESE = f"{LEAST_CHARACTERS}文字以上(うち{LEAST_DIFFERENT}種類以上)"
_LACKS = {
    "password": (
        f"The new password needs {_LEAST}, and may not be the start password.",
        f"新しいパスワードは{_LEAST_JAPANESE}とし、初回用とは別のものにしてください。",
    ),
    "code": (
        "This is not the code that the authenticator shows now; check its clock and the key typed into it.",
        "確認コードが一致しません。認証アプリの時計と、登録した鍵を確認してください。",
    ),
    "secrecy": (
        "The duty of secrecy has to be acknowledged before anything else.",
        "守秘義務の確認が必要です。",
    ),
}


class EnrolmentRefused(DeskFault):
    """The first sign-in lacks something. `reason` is stable: password, code or secrecy."""

    code = "enrolment-refused"

    def __init__(self, reason: str) -> None:
        english, japanese = _LACKS[reason]
        super().__init__(english, japanese)
        self.reason = reason


class PersonDiffers(DeskFault):
    """Somebody else is named as acting than who is signed in."""

    code = "person-differs"

    def __init__(self, person: str) -> None:
        super().__init__(
            f"{person} is signed in here; nobody acts in another's name.",
            f"{person} がサインインしています。他の職員の名前では操作できません。",
        )


class ScopeMissing(DeskFault):
    """A machine's token is not for this."""

    code = "scope-missing"

    def __init__(self) -> None:
        super().__init__("This token is not for that.", "このトークンではこの操作はできません。")


class AccountUnknown(DeskFault):
    """That person has no account, or has left."""

    code = "account-unknown"

    def __init__(self) -> None:
        super().__init__(
            "That person has no account here; see: kuramori user list",
            "その職員のアカウントはありません。kuramori user list で確認してください。",
        )


class AccountThere(DeskFault):
    """That person has an account."""

    code = "account-there"

    def __init__(self) -> None:
        super().__init__(
            "That person has an account; a new start password comes with: kuramori user reset",
            "その職員のアカウントは登録済みです。初回用パスワードの再発行は kuramori user reset で行います。",
        )


class AccountKept(DeskFault):
    """An administrator keeps no accounts of those who decide, handle or hold keys."""

    code = "account-kept"

    def __init__(self, person: str) -> None:
        super().__init__(
            f"Only the manager or a deputy changes the account of {person}, or the recovery code from the safe.",
            f"{person} のアカウントは、管理責任者・代理者又は金庫の復旧コードでのみ変更できます。",
        )


class TokenUnknown(DeskFault):
    """No token of that number."""

    code = "token-unknown"

    def __init__(self) -> None:
        super().__init__(
            "There is no such token; see: kuramori user tokens",
            "そのトークンはありません。kuramori user tokens で確認してください。",
        )


class LocalOnly(DeskFault):
    """On the recorder itself only."""

    code = "local-only"

    def __init__(self) -> None:
        super().__init__(
            "The recovery code, and copies for a backup, are taken on the recorder itself only.",
            "復旧コードの使用とバックアップ用の複製は、録画機本体でのみ行えます。",
        )


class AccountsOff(DeskFault):
    """This recorder has no sign-in."""

    code = "accounts-off"

    def __init__(self) -> None:
        super().__init__(
            "This recorder has no sign-in: its configuration has no table [api].",
            "この録画機ではサインインを使用していません(設定に [api] がありません)。",
        )
