"""What each kind of entry of the register is called, for whoever reads it. Light: a client on any machine imports it.

Must not know what entries mean.
"""

from kuramori.texts import Said, tr

KINDS_JAPANESE: dict[str, str] = {
    "filed": "請求受付",
    "amended": "請求変更",
    "decided": "決裁",
    "approved": "承認",
    "opened": "開封",
    "released": "提供",
    "bundle_written": "媒体書込み",
    "masked_copy_begun": "マスキング済み写しの作成",
    "masked_copy_confirmed": "マスキング済み写しの確認",
    "masked_copy_rejected": "マスキング済み写しの差戻し",
    "returned": "消去・返却報告",
    "refused": "受付拒否",
    "hold_placed": "保存期間延長",
    "hold_lifted": "延長解除",
    "hold_refused": "延長不可",
    "erase_ordered": "消去指示",
    "erased": "消去",
    "time_confirmed": "時刻確認",
    "custody_changed": "鍵管理者変更",
    "custody_proposed": "鍵管理者変更提案",
    "custody_withdrawn": "鍵管理者変更取下げ",
    "handed_on": "鍵の引継ぎ",
    "hand_on_discarded": "引継ぎの取消し",
    "custodians_released": "鍵管理者の解任",
    "custody_drilled": "鍵の訓練",
    "recovery_begun": "復旧鍵の使用開始",
    "recovery_opened": "復旧鍵による開封",
    "camera_enrolled": "カメラ登録",
    "camera_retired": "カメラ撤去",
    "camera_paused": "録画の一時停止",
    "camera_resumed": "録画再開",
    "aimed": "画角調整",
    "view_confirmed": "画角確認",
    "certificate_accepted": "証明書承認",
    "backed_up": "バックアップ作成",
    "restored": "バックアップからの復元",
    "retirement_ordered": "記録媒体の廃止指示",
    "volume_retired": "記録媒体の鍵の破棄",
    "disposal_completed": "廃棄記録の完了",
    "medium_permitted": "記録媒体の持出許可",
    "medium_missed": "記録媒体の不在",
    "medium_back": "記録媒体の復帰",
    "medium_accepted": "交換した記録媒体の承認",
    "approval_refused": "承認の拒否",
    "presence_confirmed": "立会いの確認",
    "viewing_begun": "閲覧の開始",
    "viewing_ended": "閲覧の終了",
    "documented": "文書の追完",
    "identity_checked": "本人確認",
    "user_added": "利用者の登録",
    "secrecy_acknowledged": "守秘義務の確認",
    "user_left": "利用者の登録終了",
    "recovery_code_made": "管理者復旧コードの作成",
    "recovery_code_used": "管理者復旧コードの使用",
    "token_made": "機器用トークンの発行",
    "token_revoked": "機器用トークンの失効",
    "complaint_received": "苦情・問合せの受付",
    "complaint_answered": "苦情・問合せへの回答",
    "bodies_deleted": "記録本文の廃棄",
}


def kind_text(kind: str) -> Said:
    """Return the name of a kind in both languages; a kind from a newer desk is named as it is."""
    return tr(kind.replace("_", " "), KINDS_JAPANESE.get(kind, kind))
