"""``lightning-face emovoca evaluate``: predicted sequences against those of a data set."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_face.errors import ConfigError, DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightning_face_emovoca.data.variant_source import Variant, VariantSource
    from lightning_face_emovoca.metrics.evaluation import Evaluation, Predict

__all__ = ["add_arguments", "run"]

_PARTS = ("train", "validation", "test")
_UNITS = {
    "mve": "1e-3 m",
    "lve": "1e-5 m^2",
    "fdd": "1e-7 m^2",
    "fdd_abs": "1e-7 m^2",
    "mve_vertexmax_sq": "1e-5 m^2",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="true sequences: a data set of `build`, or a folder in the published layout",
    )
    parser.add_argument(
        "--template",
        type=Path,
        metavar="FOLDER",
        help="mesh hierarchy and landmarks, where a folder does not have them in src/template",
    )
    predicted = parser.add_argument_group("what is evaluated (default: the bundled networks)")
    predicted.add_argument(
        "--prediction",
        type=Path,
        metavar="DATA",
        help="predicted sequences under the names of the true ones, in the same forms",
    )
    predicted.add_argument("--es2l", type=Path, metavar="W", help="weights, speech to landmarks")
    predicted.add_argument("--es2d", type=Path, metavar="W", help="weights, landmarks to vertices")
    parser.add_argument("--part", choices=_PARTS, default="test", help="default test")
    parser.add_argument("--actors", nargs="+", metavar="NAME", help="in place of those of a part")
    parser.add_argument(
        "--lips",
        type=Path,
        metavar="FILE",
        help="numbers of the lips' vertices (.npy, .mat; default: found by the landmarks)",
    )
    parser.add_argument(
        "--upper", type=Path, metavar="FILE", help="the same of the upper face, for fdd"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to a file")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default auto)")


def run(options: Namespace) -> int:
    """Compare and print the table.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If options do not go together.
        DataError: If sequences are missing or damaged.
        WeightsError: If weights belong to another network.
    """
    if (options.es2l is None) != (options.es2d is None):
        raise ConfigError("--es2l and --es2d go together: the landmarks of one move the other")
    if options.prediction is not None and options.es2l is not None:
        raise ConfigError("--prediction and --es2l are two things to evaluate: give one of them")
    from lightning_face_emovoca.data.splits import SPLIT
    from lightning_face_emovoca.data.variant_source import open_variants
    from lightning_face_emovoca.metrics.evaluation import evaluate

    truth = open_variants(options.data.expanduser(), options.template, needs_vertices=True)
    actors = options.actors or SPLIT[options.part]
    variants = truth.variants(actors)
    if not variants:
        raise DataError(
            f"{options.data} has no sequence of {', '.join(actors)}: name others with --part or "
            "--actors"
        )
    predict, variants = _predictions(options, truth, variants)
    lips, upper = (_mask(path, truth) for path in (options.lips, options.upper))
    done = 0

    def progress(variant: Variant) -> None:
        nonlocal done
        done += 1
        print(f"{done} of {len(variants)}: {variant.name}", file=sys.stderr, flush=True)

    found = evaluate(truth, variants, predict, lips, upper, progress)
    print(f"{len(variants)} sequences of {len({each.actor for each in variants})} actors")
    print(_text(found))
    if options.json is not None:
        from lightning_face.checkpoint.atomic import atomic_path

        with atomic_path(options.json.expanduser()) as temporary:
            temporary.write_text(f"{json.dumps(asdict(found), indent=1)}\n")
    return 0


def _predictions(
    options: Namespace, truth: VariantSource, variants: list[Variant]
) -> tuple[Predict, list[Variant]]:
    """Say where predictions come from, and of which sequences there are some."""
    from lightning_face_emovoca.metrics.evaluation import generated, stored

    if options.prediction is not None:
        from lightning_face_emovoca.data.variant_source import open_variants

        source = open_variants(options.prediction.expanduser(), options.template, True)
        actors = {variant.actor for variant in variants}
        present = {variant.name for variant in source.variants(actors)}
        shared = [variant for variant in variants if variant.name in present]
        if not shared:
            raise DataError(
                f"{options.prediction} has none of the {len(variants)} sequences, such as "
                f"{variants[0].name}"
            )
        if len(shared) < len(variants):
            print(f"{len(variants) - len(shared)} sequences have no prediction and are left out")
        return stored(source), shared
    from lightning_face.cli.device import choose_device
    from lightning_face_emovoca.generator_files import load_emotional_generator, sample_generator

    device = choose_device(options.device)
    if options.es2l is None:
        generator = sample_generator()
    else:
        template = options.template or options.data / "src" / "template"
        generator = load_emotional_generator(options.es2l, options.es2d, template)
    vertices = len(truth.template(variants[0].actor))
    if generator.es2d.tables.level_sizes[0] != vertices:
        raise DataError(
            f"the heads of {options.data} have {vertices} vertices, the networks are for "
            f"{generator.es2d.tables.level_sizes[0]}: give --es2l and --es2d that were trained "
            "with such heads"
        )
    generator.es2l.to(device)
    generator.es2d.to(device)
    return generated(generator, truth), variants


def _mask(path: Path | None, truth: VariantSource) -> NDArray[np.int64] | None:
    from lightning_face.mesh.vertex_mask import read_mask

    if path is None:
        return None
    return read_mask(path.expanduser(), truth.hierarchy.level_sizes[0])


def _text(found: Evaluation) -> str:
    """Write the rows, and a table of errors for each measure by label."""
    width = max(map(len, found.rows))
    lines = [
        f"  {name:{width}}  {value:10.4f} {_UNITS.get(name, '')}".rstrip()
        for name, value in found.rows.items()
    ]
    first = max(map(len, found.emotions))
    for name, table in found.tables.items():
        heads = "".join(f"{strength:>10g}" for strength in found.intensities)
        lines += ["", f"{name}, {_UNITS[name]}, by emotion and intensity", f"  {'':{first}}{heads}"]
        for emotion, row in zip(found.emotions, table, strict=True):
            lines.append(f"  {emotion:{first}}" + "".join(f"{value:10.4f}" for value in row))
    return "\n".join(lines)
