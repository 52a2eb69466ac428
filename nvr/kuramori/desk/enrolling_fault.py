"""What the desk answers where a camera cannot be taken into service over the API. Codes never change.

DeskFault
  CameraExists              a camera of that name stands, or stood, in the configuration
  CameraTrialFailed         the camera did not answer, refused, or offers nothing that can be recorded
  CertificateUnknown        it shows a certificate that nobody has named
  BeyondLocalNetwork        the address leads out of the networks of the cameras
  CameraUnsound             the configuration with this camera would not be sound
"""

from typing import ClassVar

from kuramori.desk.fault import DeskFault


class CameraExists(DeskFault):
    """A camera of that name stands, or stood, in the configuration: names are never used again."""

    code: ClassVar[str] = "camera-exists"

    def __init__(self, camera: str) -> None:
        super().__init__(
            f"There is, or was, a camera {camera} already; choose another name.",
            f"カメラ名 {camera} は既に使用されています。別の名前を付けてください。",
        )


class CameraTrialFailed(DeskFault):
    """The camera did not answer, refused, or offers nothing that can be recorded. `detail` says which."""

    code: ClassVar[str] = "camera-trial-failed"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, detail)


class CertificateUnknown(DeskFault):
    """The camera shows a certificate that nobody has named: it has to be compared first."""

    code: ClassVar[str] = "certificate-unknown"

    def __init__(self, fingerprint: str) -> None:
        super().__init__(
            f"The camera shows the certificate sha256:{fingerprint}: compare it with the camera's own page or label, "
            "then name it as fingerprint.",
            f"カメラの証明書は sha256:{fingerprint} です。カメラの設定画面やラベルの表示と照合し、fingerprint に"
            "指定してください。",
        )


class BeyondLocalNetwork(DeskFault):
    """The address leads out of the networks of the cameras; the desk asks nobody there."""

    code: ClassVar[str] = "camera-not-local"

    def __init__(self) -> None:
        super().__init__(
            "This address is not in the networks of the cameras (network.local_networks, network.vpn).",
            "このアドレスはカメラのネットワーク(network.local_networks、network.vpn)の範囲外です。",
        )


class CameraUnsound(DeskFault):
    """The configuration with this camera would not be sound, or cannot be written; nothing was changed."""

    code: ClassVar[str] = "camera-unsound"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, sentence)
