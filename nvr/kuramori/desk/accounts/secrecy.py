"""The duty of secrecy as staff acknowledge it: at the first sign-in and on leaving (H3).

What is acknowledged is registered as it was shown. Must not know who acknowledges.
"""

STATEMENT_ENGLISH = (
    "I tell nobody what I learn from recordings, requests and the register, and use it for no purpose but my duty; "
    "neither now nor after I have left this duty."
)
STATEMENT_JAPANESE = (
    "録画された映像、請求及び記録簿から知り得た情報を他に漏らさず、職務以外の目的に使用しません。"
    "この職務を離れた後も同様とします。"
)


def statement(*, japanese: bool) -> str:
    """Return it in the language asked for."""
    return STATEMENT_JAPANESE if japanese else STATEMENT_ENGLISH
