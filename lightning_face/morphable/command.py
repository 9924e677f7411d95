"""The command ``lightning-face fit-3dmm``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import ConfigError, DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightning_face.morphable.landmark_file import VideoLandmarks
    from lightning_face.morphable.model import LinearFaceModel
    from lightning_face.morphable.video_fit import VideoFit

__all__ = ["main"]

_TILES = 6


def main(argv: list[str]) -> int:
    """Fit a face model to a video and write what was found.

    Writes ``coefficients.npz`` (``alphas``, ``identity``, ``camera_matrix``,
    ``camera_translation``, ``valid``, ``reprojection_error``), the picture ``overlay.png``, the
    landmarks as ``landmarks.npz`` where they were detected, and meshes if asked to.

    Args:
        argv: The words after ``fit-3dmm``.

    Returns:
        The exit status.

    Raises:
        ConfigError: An argument is wrong, or an optional package is missing.
        DataError: A file is missing or damaged, or there is no face to fit.
        WeightsError: A video is given without the model file of the detector.
    """
    arguments = _parser().parse_args(argv)

    from lightning_face.morphable.model_file import read_face_model
    from lightning_face.morphable.video_fit import fit_video

    model = read_face_model(arguments.bases, arguments.mean, arguments.landmark_vertices)
    source: Path = arguments.source
    is_file = source.suffix.lower() == ".npz"
    landmarks = _read_source(arguments, is_file)
    vertices = _vertices(model, arguments.landmarks_set, landmarks.landmarks.shape[1])
    fit = fit_video(
        landmarks.landmarks,
        model,
        vertices,
        valid=landmarks.valid,
        regularization=arguments.regularization,
        translate_components=arguments.legacy,
    )
    _write_coefficients(arguments.output / "coefficients.npz", fit)
    pictures = None if is_file else source
    _draw(arguments.output / "overlay.png", fit, model, landmarks, vertices, pictures)
    if arguments.meshes:
        _write_meshes(arguments.output / "meshes", arguments.meshes, fit, model)
    _report(fit)
    print(f"{arguments.output} holds coefficients.npz and overlay.png")
    return 0


def _parser() -> VerbParser:
    parser = VerbParser("fit-3dmm", "Fit a 3D morphable face model to the landmarks of a video.")
    parser.add_argument(
        "source",
        metavar="SOURCE",
        type=Path,
        help="landmark file (.npz with landmarks and valid), video, or folder of frames",
    )
    parser.add_argument(
        "--bases",
        metavar="FILE",
        type=Path,
        nargs="+",
        required=True,
        help=".npz or .mat with identity and expression basis, or one file for each in this order",
    )
    parser.add_argument(
        "--mean",
        metavar="FILE",
        type=Path,
        required=True,
        help="neutral face with the vertices of the bases: .ply, .obj, .npz or .mat",
    )
    parser.add_argument(
        "--landmark-vertices",
        metavar="FILE",
        type=Path,
        help="vertices of the landmarks, .npz (landmarks_NAME) or .npy; default: from the bases",
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True)
    parser.add_argument(
        "--landmarks-set",
        choices=("mediapipe478", "ibug68"),
        help="which landmarks SOURCE has; default: by their number",
    )
    parser.add_argument(
        "--regularization",
        metavar="NUMBER",
        type=float,
        default=100.0,
        help="penalty on the coefficients (default 100)",
    )
    parser.add_argument(
        "--legacy",
        action="store_true",
        help="compute coefficients like the published ones, translation added to components",
    )
    parser.add_argument(
        "--meshes", choices=("obj", "ply"), help="write the mesh of every frame in this format"
    )
    parser.add_argument(
        "--mediapipe-model",
        metavar="FILE",
        type=Path,
        help="face_landmarker_v2_with_blendshapes.task, for videos and folders",
    )
    return parser


def _read_source(arguments: Namespace, is_file: bool) -> VideoLandmarks:
    from lightning_face.morphable import detection
    from lightning_face.morphable.landmark_file import read_landmarks, write_landmarks

    source: Path = arguments.source
    if not source.exists():
        raise DataError(f"no file or folder {source}")
    if is_file:
        return read_landmarks(source)
    if arguments.landmarks_set == "ibug68":
        msg = "MediaPipe finds its own 478 points; give a landmark file (.npz) for ibug68"
        raise ConfigError(msg)
    with detection.mediapipe_detector(arguments.mediapipe_model) as detector:
        landmarks = detection.detect_landmarks(detection.read_frames(source), detector)
    write_landmarks(arguments.output / "landmarks.npz", landmarks)
    return landmarks


def _vertices(model: LinearFaceModel, name: str | None, points: int) -> NDArray[np.int64]:
    from lightning_face.morphable.model_file import LANDMARK_SETS

    name = name or LANDMARK_SETS.get(points)
    if name is None:
        known = " nor ".join(map(str, LANDMARK_SETS))
        raise DataError(f"the landmarks have {points} points, neither {known}")
    if name not in model.landmarks:
        msg = f"the bases' file does not say which vertices the {name} landmarks are"
        raise DataError(f"{msg}; give --landmark-vertices")
    return model.landmarks[name]


def _write_coefficients(path: Path, fit: VideoFit) -> None:
    import numpy as np

    from lightning_face.checkpoint.atomic import atomic_path

    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            alphas=fit.expression,
            identity=fit.identity,
            camera_matrix=fit.cameras.matrix,
            camera_translation=fit.cameras.translation,
            valid=fit.valid,
            reprojection_error=fit.reprojection_error,
        )


def _draw(
    path: Path,
    fit: VideoFit,
    model: LinearFaceModel,
    landmarks: VideoLandmarks,
    vertices: NDArray[np.int64],
    source: Path | None,
) -> None:
    from PIL import Image

    from lightning_face.checkpoint.atomic import atomic_path
    from lightning_face.morphable.detection import read_frames
    from lightning_face.morphable.overlay import choose_frames, overlay_grid

    chosen = choose_frames(fit.valid, _TILES).tolist()
    frames = enumerate(read_frames(source)) if source else ()
    pictures = {number: frame for number, frame in frames if number in chosen}
    grid = overlay_grid(fit, model, landmarks.landmarks, vertices, chosen, pictures)
    with atomic_path(path) as temporary:
        Image.fromarray(grid).save(temporary, format="PNG")


def _write_meshes(folder: Path, suffix: str, fit: VideoFit, model: LinearFaceModel) -> None:
    import numpy as np

    from lightning_face.mesh import Mesh, write_mesh

    for number in np.flatnonzero(fit.valid):
        shape = model.expression.deform(fit.identity_shape, fit.expression_total[number])
        write_mesh(folder / f"frame_{number:05d}.{suffix}", Mesh(shape, model.faces))


def _report(fit: VideoFit) -> None:
    import numpy as np

    error = fit.reprojection_error
    print(f"frames              {len(fit.valid)}, with a face {int(fit.valid.sum())}")
    print(f"reprojection error  mean {np.nanmean(error):.2f} px")
    print(f"                    worst {np.nanmax(error):.2f} px in frame {np.nanargmax(error)}")
