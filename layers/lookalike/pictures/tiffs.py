"""TIFFs whose numbers mean something else than Pillow takes them for: read right where that is sure, refused where it is not."""

import numpy as np
from PIL import Image, ImagePalette, TiffImagePlugin, TiffTags

from lookalike.errors import PictureUnusable

TiffImagePlugin.READ_LIBTIFF = True  # Pillow's own reader knows no planes of 16 bits and no subsampled YCbCr
TiffImagePlugin.OPEN_INFO[b"MM", 0, (1,), 1, (16,), ()] = ("I;16B", "I;16B")

_TOLD = _BITS, _, _MEANING, _PLANES, _EXTRA, _KIND = 258, 259, 262, 284, 338, 339
_COLOURS, _MIN_IS_WHITE, _IN_PLANES, _SIGNED = 320, 0, 2, (2,)


class TiffFile(TiffImagePlugin.TiffImageFile):
    """A TIFF. Raises `PictureUnusable` for numbers whose meaning cannot be told."""

    def _setup(self) -> None:
        tags = self.tag_v2
        try:
            super()._setup()
        except (SyntaxError, KeyError) as error:
            raise self._unusable() from error
        is_mixed_up = self.mode in ("LA", "La", "PA", "LAB") or (self.mode == "RGBA" and _EXTRA not in tags)
        is_turned = self.mode == "F" and (tags.get(_MEANING) == _MIN_IS_WHITE or tags.prefix == TiffImagePlugin.MM)
        is_odd = self.mode == "I" or is_turned or self._compression == "webp"
        if is_odd or (tags.get(_PLANES) == _IN_PLANES and is_mixed_up) or tags.get(_KIND) == _SIGNED:
            raise self._unusable()
        if self.palette and max(tags[_COLOURS]) < 256:  # written with eight bits instead of sixteen
            self.palette = ImagePalette.raw("RGB;L", bytes(tags[_COLOURS]))

    def load_end(self) -> None:
        """Makes sixteen bits what they are elsewhere: in the machine's byte order, with 65,535 as white."""
        if self.mode.startswith("I;16"):
            numbers = np.asarray(self).astype(np.uint16) << (16 - self.tag_v2[_BITS][0])
            self.im = Image.fromarray(65_535 - numbers if self.tag_v2.get(_MEANING) == _MIN_IS_WHITE else numbers).im
            self._mode = self.im.mode
        super().load_end()

    def _unusable(self) -> PictureUnusable:
        said = ", ".join(f"{TiffTags.lookup(tag).name} {self.tag_v2[tag]}" for tag in _TOLD if tag in self.tag_v2)
        return PictureUnusable(f"colours of a TIFF as this one are not read ({said}): save it with 8 or 16 bits, or as JPEG or PNG")
