"""The cameras that were taken into service at the desk: a second file, in the state directory, with cameras only.

The service's own account may write it, and nothing else of the configuration: who is manager or custodian, and where
pictures lie, stays in the operator's file. This file must not know who enrols.
"""

from pathlib import Path

from kuramori_config.base_table import Table
from kuramori_config.camera_table import Camera
from kuramori_config.option import table
from kuramori_config.schema import Configuration
from kuramori_config.written_acts import RetiredCamera

ENROLLED_NAME = "enrolled_cameras.toml"
ENROLLED_SECRETS_NAME = "enrolled-secrets"
ENROLLED_SECRET_PREFIX = "enrolled."  # noqa: S105 -- no secret: how the names of those that lie there begin


class EnrolledCameras(Table):
    """The whole second file."""

    cameras: tuple[Camera, ...] = table("Cameras taken into service at the desk.", default=(), alias="camera")
    retired_cameras: tuple[RetiredCamera, ...] = table("Cameras removed.", default=(), alias="retired_camera")


def enrolled_path(configuration: Configuration) -> Path:
    """Return where the second file of a configuration lies, there or not."""
    return configuration.storage.state_directory / ENROLLED_NAME


def with_enrolled(configuration: Configuration, enrolled: EnrolledCameras) -> Configuration:
    """Return the configuration with the cameras of the second file behind its own."""
    if not enrolled.cameras and not enrolled.retired_cameras:
        return configuration
    return configuration.model_copy(
        update={
            "cameras": configuration.cameras + enrolled.cameras,
            "retired_cameras": configuration.retired_cameras + enrolled.retired_cameras,
        }
    )
