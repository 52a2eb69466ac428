"""Every fault of a camera's ONVIF side in one sentence for a person, with what to do.

Callers choose by type; here a type becomes a sentence in both languages. A camera's own words stay as it wrote them.
This module must not know how cameras are asked.
"""

from collections.abc import Callable
from typing import Any

from kuramori.texts import Said, tr
from kuramori_onvif import errors

Sentences = Callable[[Any], tuple[str, str]]

_SENTENCES: dict[type[errors.OnvifError], Sentences] = {
    errors.CameraUnreachable: lambda f: (
        f"The camera at {f.camera} cannot be reached ({f.why}); check its power, cable and address.",
        f"カメラ {f.camera} に接続できません（{f.why}）。電源、配線、アドレスを確認してください。",
    ),
    errors.ConnectionClosed: lambda f: (
        f"The camera at {f.camera} cannot be reached ({f.why}); check its power, cable and address.",
        f"カメラ {f.camera} が応答せずに接続を閉じました。電源、配線、アドレスを確認してください。",
    ),
    errors.DeadlineExceeded: lambda f: (
        (
            f"The camera at {f.camera} did not finish its answer to {f.operation} within {f.seconds:g} s; "
            "it is overloaded, or the line is bad."
        ),
        (
            f"カメラ {f.camera} の {f.operation} への応答が {f.seconds:g} 秒以内に終わりませんでした。"
            "カメラの過負荷か、回線の不良です。"
        ),
    ),
    errors.CertificateUntrusted: lambda f: (
        str(f),
        (
            f"カメラ {f.camera} の証明書を信頼できません（{f.why}）。"
            + (f"提示された証明書は sha256:{f.presented}" if f.presented else "証明書は提示されていません")
            + (f"、登録済みの証明書は sha256:{f.expected} です。" if f.expected else "。")
            + "カメラ又は証明書を意図して交換した場合は、新しい指紋を承認してください。"
            "心当たりがない場合は、通信が中継されているおそれがあります。"
        ),
    ),
    errors.AnswerTooLarge: lambda f: (
        (
            f"The answer of the camera at {f.camera} to {f.operation} has more than {f.limit} {f.what}; "
            "it was dropped. Check that this is a camera."
        ),
        (
            f"カメラ {f.camera} の {f.operation} への応答が上限（{f.limit} {f.what}）を超えたため破棄しました。"
            "カメラであることを確認してください。"
        ),
    ),
    errors.AnswerMalformed: lambda f: (
        (
            f"The answer of the camera at {f.camera} to {f.operation} cannot be understood ({f.why}); "
            "nothing is concluded from it. A firmware update may help."
        ),
        (
            f"カメラ {f.camera} の {f.operation} への応答を解釈できません（{f.why}）。"
            "この応答は使用しません。ファームウェアの更新で改善する場合があります。"
        ),
    ),
    errors.AnswerRedirected: lambda f: (
        (
            f"The camera at {f.camera} answers {f.operation} with a redirect (HTTP {f.status}), which is never "
            "followed; enter the address at which it really answers."
        ),
        (
            f"カメラ {f.camera} は {f.operation} に転送（HTTP {f.status}）で応答しました。転送には従いません。"
            "実際に応答するアドレスを設定してください。"
        ),
    ),
    errors.AddressRefused: lambda f: (
        f"The address that the camera at {f.camera} gave for {f.operation} is not used ({f.why}).",
        f"カメラ {f.camera} が {f.operation} で示したアドレスは使用しません（{f.why}）。",
    ),
    errors.CameraFault: lambda f: (
        (
            f"The camera at {f.camera} refuses {f.operation}: {f.reason or 'no reason given'} "
            f"({' / '.join(errors.quoted(part) for part in f.codes) or 'no code'})."
        ),
        (
            f"カメラ {f.camera} が {f.operation} を拒否しました: {f.reason or '理由の記載なし'}"
            f"（{' / '.join(errors.quoted(part) for part in f.codes) or 'コードなし'}）。"
        ),
    ),
    errors.CredentialsMissing: lambda f: (
        f"The camera at {f.camera} asks for a user and password for {f.operation}; enter them for this camera.",
        f"カメラ {f.camera} の {f.operation} には利用者名とパスワードが必要です。このカメラに設定してください。",
    ),
    errors.CredentialsRefused: lambda f: (
        (
            f"The camera at {f.camera} refuses the user and password for {f.operation} "
            f"(tried: {', '.join(f.tried)}); check both, and the camera's clock."
        ),
        (
            f"カメラ {f.camera} が {f.operation} の利用者名とパスワードを拒否しました（試行: {', '.join(f.tried)}）。"
            "両方とカメラの時計を確認してください。"
        ),
    ),
    errors.EventsUnsupported: lambda f: (
        f"The camera at {f.camera} reports no events ({f.why}); its recording is not concerned.",
        f"カメラ {f.camera} はイベントを通知しません（{f.why}）。録画には影響しません。",
    ),
    errors.SubscriptionLost: lambda f: (
        (
            f"The camera at {f.camera} no longer knows our subscription to its events ({f.why}); "
            "it probably restarted. A new one is made."
        ),
        (
            f"カメラ {f.camera} のイベント購読が失われました（{f.why}）。"
            "カメラが再起動したと思われます。自動で購読し直します。"
        ),
    ),
    errors.CardUnsupported: lambda f: (
        f"The camera at {f.camera} has no {f.service} service; what its own card holds cannot be fetched.",
        f"カメラ {f.camera} には {f.service} サービスがないため、カメラ内カードの録画を取得できません。",
    ),
    errors.NoSuitableProfile: lambda f: (
        (
            f"The camera at {f.camera} has {_missing(f)}; "
            f"it offers: {', '.join(errors.quoted(name) for name in f.offered) or 'none'}."
        ),
        (
            f"カメラ {f.camera} に"
            + (f"名称 {errors.quoted(f.wanted)} の" if f.wanted else "H.264・H.265の")
            + "メディアプロファイルがありません"
            f"（提供: {'、'.join(errors.quoted(name) for name in f.offered) or 'なし'}）。"
        ),
    ),
    errors.DiscoveryImpossible: lambda f: (
        f"Cameras cannot be searched for: {f.why}.",
        f"カメラを検索できません: {f.why}。",
    ),
}


def camera_fault_text(fault: errors.OnvifError) -> Said:
    """Return the sentence of a fault; one of a finer kind than is known here is said as its kind."""
    sentences = next((_SENTENCES[kind] for kind in type(fault).__mro__ if kind in _SENTENCES), None)
    return tr(*sentences(fault)) if sentences is not None else tr(str(fault), str(fault))


def _missing(fault: errors.NoSuitableProfile) -> str:
    if fault.wanted:
        return f"no media profile named {errors.quoted(fault.wanted)}"
    return "no media profile with H.264 or H.265"
