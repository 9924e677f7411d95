"""What a visitor of the page has loaded and painted, and how each action changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face_sis.demo.painting import apply_strokes, erase_class
from lightning_face_sis.demo.photo import Labels, Photo

__all__ = ["Session"]

_UNDO_STEPS = 20
_NO_PICTURE = "there is no picture with a mask yet; upload both or take an example"


@dataclass(frozen=True, eq=False)
class Session:
    """State of one visitor; every action returns a new one.

    Attributes:
        photo: Picture that is edited, None before there is one.
        labels: Its label map as painted ``(height, width)``.
        reference: Picture that styles are taken from.
        brush: Class that is painted with.
        earlier: Label maps before the last actions, the latest last.
        taken: Strokes that are in the mask already; the canvas sends them until it is touched.
    """

    photo: Photo | None = None
    labels: Labels | None = None
    reference: Photo | None = None
    brush: int = 1
    earlier: tuple[Labels, ...] = ()
    taken: NDArray[np.uint8] | None = None

    def take(self, photo: Photo) -> Session:
        """Begin with another picture, whose mask is not painted yet."""
        return replace(self, photo=photo, labels=photo.labels, earlier=())

    def take_reference(self, photo: Photo) -> Session:
        """Take styles from another picture from now on."""
        return replace(self, reference=photo)

    def drop_photo(self) -> Session:
        """Forget the picture, whose mask is not that of the picture shown any more."""
        return replace(self, photo=None, labels=None, earlier=())

    def drop_reference(self) -> Session:
        """Forget the reference."""
        return replace(self, reference=None)

    def choose_brush(self, number: int) -> Session:
        """Paint with another class."""
        return replace(self, brush=number)

    def paint(self, strokes: NDArray[np.uint8] | None) -> Session:
        """Take strokes into the mask.

        Args:
            strokes: Opacity ``(height, width)``, 0 to 255; None if there are none.
        """
        if strokes is None:
            return self if self.taken is None else replace(self, taken=None)
        known = self.taken is not None and np.array_equal(strokes, self.taken)
        if self.labels is None or known:
            return self
        painted = apply_strokes(self.labels, strokes, self.brush)
        return replace(self._changed(painted), taken=strokes)

    def erase(self, class_names: Sequence[str]) -> Session:
        """Take the class of the brush out of the mask.

        Args:
            class_names: Names of all classes.

        Raises:
            DataError: The mask does not have it, or nothing else.
        """
        labels = self.painted()
        own = labels == self.brush
        if not own.any():
            raise DataError("there is nothing of this class in the mask to erase")
        if own.all():
            raise DataError("the mask has this class alone; paint something else first")
        return self._changed(erase_class(labels, self.brush, class_names))

    def undo(self) -> Session:
        """Go back to the mask before the last action; without one, nothing changes."""
        if not self.earlier:
            return self
        return replace(self, labels=self.earlier[-1], earlier=self.earlier[:-1])

    def reset(self) -> Session:
        """Go back to the mask of the picture."""
        if self.photo is None or self.labels is self.photo.labels:
            return self
        return self._changed(self.photo.labels)

    def exchange(self) -> Session:
        """Let picture and reference change roles.

        Raises:
            DataError: One of them is missing.
        """
        photo = self.picture()
        if self.reference is None:
            raise DataError("there is no reference yet; upload one with its mask")
        return self.take(self.reference).take_reference(photo)

    def picture(self) -> Photo:
        """Return the picture.

        Raises:
            DataError: There is none.
        """
        if self.photo is None:
            raise DataError(_NO_PICTURE)
        return self.photo

    def painted(self) -> Labels:
        """Return the mask as painted.

        Raises:
            DataError: There is none.
        """
        if self.labels is None:
            raise DataError(_NO_PICTURE)
        return self.labels

    def _changed(self, labels: Labels) -> Session:
        if self.labels is None or np.array_equal(labels, self.labels):
            return self
        return replace(self, labels=labels, earlier=(*self.earlier, self.labels)[-_UNDO_STEPS:])
