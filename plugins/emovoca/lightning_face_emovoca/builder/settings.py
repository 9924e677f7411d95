"""What a build is told: the words of its configuration file and of its command line."""

from __future__ import annotations

import itertools
import json
import math
from argparse import ArgumentError
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lightning_face.errors import ConfigError
from lightning_face_emovoca.builder.envelope import Envelope
from lightning_face_emovoca.data.emotions import NEUTRAL, find_emotion, select_emotions
from lightning_face_emovoca.verification.settings import VerificationSettings

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from lightning_face_emovoca.builder.store_format import StoredEmotion

__all__ = ["BuildSettings", "parse_settings"]

_LARGEST_STEP = 1e-3


@dataclass(frozen=True)
class BuildSettings:
    """What to build, of what.

    Args:
        out: Folder of the store to make. Other settings need another folder.
        root: Folder with ``Dataset`` and ``New_Conditions`` of the published layout; null is the
            bundled sample.
        template: Folder of mesh hierarchy and landmarks; null is ``src/template`` below ``root``.
        generator: Checkpoint, folder of imported weights, or published file of the DE-SD; null is
            the bundled one, which was trained on the sample.
        storage: ``array`` stores the motion of every variant, ``virtual`` only what it is decoded
            of when it is asked for.
        actors: Names of those who speak; null is everyone.
        sentences: Names of sentences, such as ``sentence01``; null is all.
        emotions: Names of emotions, such as ``Happy``; null is all eleven.
        neutral: Whether to add a class without any expression.
        mixtures: Emotions made of others, by name: shares by the names of the others.
        intensities: Strengths of the expressions, growing; 2 is as recorded.
        talking_strength: Factor of the latents of speech, 2 as published.
        expression_neutral: Neutral faces of the expressions are read (``file``), or the ``mean``
            of all expressions of a person stands in for one, for trials.
        expression_motion: Expressions rest at their ``apex``, or go through the frames of a
            ``sequence`` at the beginning of every sentence and rest in its last.
        donors: Identities whose expressions actors get, by the names of the actors; others get
            those of the same person.
        envelope: How expressions grow and fade within a sentence, in seconds ``attack``, ``hold``
            and ``release``; null is full strength throughout.
        region: ``.npy`` file with a weight in 0..1 for every vertex by which expressions move it;
            null is 1 for all.
        step: Steps of the stored displacements in metres. A sentence that moves too far for them
            gets coarser ones.
        check: Whether to check every sentence while it is built; those of a virtual store are
            checked by ``lightning-face emovoca verify`` alone.
        verification: Limits of the checks.

    Raises:
        ConfigError: A value is out of its range.
    """

    out: Path = Path("runs/emovoca/store.zarr")
    root: Path | None = None
    template: Path | None = None
    generator: Path | None = None
    storage: Literal["array", "virtual"] = "array"
    actors: list[str] | None = None
    sentences: list[str] | None = None
    emotions: list[str] | None = None
    neutral: bool = False
    mixtures: dict[str, dict[str, float]] = field(default_factory=dict)
    intensities: list[float] = field(default_factory=lambda: [1.0, 2.0, 3.0])
    talking_strength: float = 2.0
    expression_neutral: Literal["file", "mean"] = "file"
    expression_motion: Literal["apex", "sequence"] = "apex"
    donors: dict[str, str] = field(default_factory=dict)
    envelope: Envelope | None = None
    region: Path | None = None
    step: float = 1e-6
    check: bool = True
    verification: VerificationSettings = field(default_factory=VerificationSettings)

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not self.intensities or not all(
            math.isfinite(each) and each >= 0 for each in self.intensities
        ):
            raise ConfigError(f"intensities {self.intensities}: numbers of at least 0 are needed")
        if any(a >= b for a, b in itertools.pairwise(self.intensities)):
            raise ConfigError(f"intensities {self.intensities}: each has to be above the last")
        if not (math.isfinite(self.talking_strength) and self.talking_strength > 0):
            raise ConfigError(f"talking_strength {self.talking_strength}: it has to be above 0")
        if not 0 < self.step <= _LARGEST_STEP:
            raise ConfigError(f"step {self.step}: metres above 0 and at most {_LARGEST_STEP}")
        for name in ("actors", "sentences"):
            given = getattr(self, name)
            if given is not None and not given:
                raise ConfigError(f"{name}: leave the setting out for all of them")
        self.emotion_axis()

    def emotion_axis(self) -> tuple[StoredEmotion, ...]:
        """Return the emotions of the store: those named, then none, then mixtures.

        Raises:
            ConfigError: An emotion does not exist, or a mixture is of none or has a taken name.
        """
        from lightning_face_emovoca.builder.store_format import StoredEmotion

        chosen = [each for each in select_emotions(self.emotions) if each != NEUTRAL]
        if self.neutral:
            chosen.append(NEUTRAL)
        axis = [StoredEmotion(each.name, each.file_name, each.label) for each in chosen]
        taken = {word for each in axis for word in (each.name.lower(), each.file_name.lower())}
        for name, shares in self.mixtures.items():
            if name.lower() in taken or not name.isalnum():
                raise ConfigError(
                    f"mixtures.{name}: a name of its own, of letters and digits, is needed"
                )
            if not shares or not all(math.isfinite(share) for share in shares.values()):
                raise ConfigError(f"mixtures.{name}: a share of at least one emotion is needed")
            parts = {find_emotion(part).name: share for part, share in shares.items()}
            if len(parts) != len(shares):
                raise ConfigError(f"mixtures.{name}: an emotion is named twice")
            taken.add(name.lower())
            axis.append(StoredEmotion(name, name, None, parts))
        return tuple(axis)

    def content(self) -> dict[str, Any]:
        """Return the settings that change the numbers, as values that JSON can hold.

        Files are left out: what is in them counts, not where they lie.
        """
        words = asdict(self)
        for name in ("out", "root", "template", "generator", "region"):
            del words[name]
        # as they come back from a file, tuples as lists
        plain: dict[str, Any] = json.loads(json.dumps(words))
        return plain


def parse_settings(
    verb: str, argv: Sequence[str], add_options: Callable[[ArgumentParser], None]
) -> tuple[BuildSettings, Namespace]:
    """Read settings from files (``--config``) and words of the command line (``--storage ...``).

    Args:
        verb: The words behind ``lightning-face``.
        argv: The words behind the verb.
        add_options: Adds the options of the verb.

    Returns:
        The settings, and the options.

    Raises:
        ConfigError: A file is missing, or a word or value is wrong.
    """
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(prog=f"lightning-face {verb}", exit_on_error=False)
    parser.add_argument("--config", "-c", action="config", help="configuration file (YAML)")
    add_options(parser)
    parser.add_class_arguments(BuildSettings, None, fail_untyped=True)
    try:
        found = parser.parse_args(list(argv))
        made = parser.instantiate_classes(found)
    except (ArgumentError, TypeError, ValueError) as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ConfigError):
                raise cause from None
            cause = cause.__cause__ or cause.__context__
        message = " ".join(str(error).split())
        raise ConfigError(f"{message}; see lightning-face {verb} --help") from None
    names = BuildSettings.__dataclass_fields__
    return BuildSettings(**{name: made[name] for name in names}), made
