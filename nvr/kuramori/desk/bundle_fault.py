"""What the desk refuses about opened bundles. Like `fault`: stable codes, one sentence in both languages.

DeskFault
  BundleMissing    no opened bundle of this request waits
  BundlesWaiting   so many opened bundles wait already that no further one is opened

Must not know HTTP.
"""

from kuramori.desk.fault import DeskFault


class BundleMissing(DeskFault):
    """None was opened, or it was written, given up, or ended with the desk."""

    code = "bundle-missing"

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"No opened bundle of request {request_id} waits; open it with: kuramori bundle open {request_id}",
            f"請求 {request_id} の開封済みの提供データはありません。"
            f"kuramori bundle open {request_id} で開封してください。",
        )


class BundlesWaiting(DeskFault):
    """The recorder keeps only so many at once."""

    code = "bundles-waiting"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most} opened bundles wait to be written, which is the limit: write one (kuramori bundle write) or give "
            "it up (kuramori bundle erase) first.",
            f"書込み待ちの提供データが上限の {most} 件に達しています。先に書込み(kuramori bundle write)又は"
            "消去(kuramori bundle erase)を行ってください。",
        )
        self.most = most
