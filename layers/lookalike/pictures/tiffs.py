"""TIFFs whose numbers mean something else than Pillow takes them for: read right where that is sure, refused where it is not."""

import numpy as np
from PIL import Image, ImagePalette, TiffImagePlugin, TiffTags

from lookalike.errors import PictureUnusable

TiffImagePlugin.READ_LIBTIFF = True  # Pillow's own reader knows no planes of 16 bits and no subsampled YCbCr
TiffImagePlugin.OPEN_INFO[b"MM", 0, (1,), 1, (16,), ()] = ("I;16B", "I;16B")

_BITS, _MEANING, _COLOURS, _PLANES, _EXTRA, _KIND = 258, 262, 320, 284, 338, 339
_MIN_IS_WHITE, _IN_PLANES, _SIGNED = 0, 2, 2


class TiffFile(TiffImagePlugin.TiffImageFile):
    """A TIFF. Raises `PictureUnusable` for numbers whose meaning cannot be told."""

    def _setup(self) -> None:
        tags = self.tag_v2
        try:
            super()._setup()
        except SyntaxError as error:
            raise self._unusable() from error
        is_signed = tags.get(_KIND) == (_SIGNED,) and tags[_BITS] < (32,)
        is_mixed_up = tags.get(_PLANES) == _IN_PLANES and (
            self.mode in ("LA", "La", "PA", "LAB") or (self.mode == "RGBA" and _EXTRA not in tags)
        )
        if is_signed or is_mixed_up or (self.mode == "F" and tags.get(_MEANING) == _MIN_IS_WHITE):
            raise self._unusable()
        if self.palette and max(tags[_COLOURS]) < 256:  # written with eight bits instead of sixteen
            self.palette = ImagePalette.raw("RGB;L", bytes(tags[_COLOURS]))

    def load_end(self) -> None:
        """Makes more than eight bits what they are elsewhere: in the machine's byte order, of sixteen bits with 65,535 as white."""
        if self.mode in ("I", "F") and self.tag_v2.prefix == TiffImagePlugin.MM:
            self.im = Image.fromarray(np.asarray(self).byteswap()).im
        elif self.mode.startswith("I;16"):
            numbers = np.asarray(self).astype(np.uint16) << (16 - self.tag_v2[_BITS][0])
            self.im = Image.fromarray(65_535 - numbers if self.tag_v2.get(_MEANING) == _MIN_IS_WHITE else numbers).im
            self._mode = self.im.mode
        if self.mode == "I" and np.asarray(self).min() < 0:
            raise self._unusable()
        super().load_end()

    def _unusable(self) -> PictureUnusable:
        said = ", ".join(
            f"{TiffTags.lookup(tag).name} {self.tag_v2[tag]}" for tag in (_BITS, _MEANING, _PLANES, _EXTRA, _KIND) if tag in self.tag_v2
        )
        return PictureUnusable(
            f"the colours of this TIFF are of a kind that is not read ({said}): save it with 8 or 16 bits, or as JPEG or PNG"
        )
