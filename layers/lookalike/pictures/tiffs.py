"""TIFFs whose numbers mean something else than Pillow takes them for: read right where that is sure, refused where it is not."""

import numpy as np
from PIL import ImagePalette, TiffImagePlugin
from PIL.TiffImagePlugin import BITSPERSAMPLE, COLORMAP, EXTRASAMPLES, PLANAR_CONFIGURATION, SAMPLEFORMAT

from lookalike.errors import PictureUnusable

TiffImagePlugin.READ_LIBTIFF = True  # Pillow's own reader knows no planes of 16 bits and no subsampled YCbCr
TiffImagePlugin.OPEN_INFO[b"MM", 0, (1,), 1, (16,), ()] = ("I;16B", "I;16B")

_SIGNED, _PLANES = 2, 2


class TiffFile(TiffImagePlugin.TiffImageFile):
    """A TIFF. Raises `PictureUnusable` for numbers whose meaning cannot be told."""

    def _setup(self) -> None:
        try:
            super()._setup()
        except SyntaxError as error:
            raise _unusable(f"the kind of its numbers is not read ({error})") from error
        tags = self.tag_v2
        if tags.get(SAMPLEFORMAT, (1,))[0] == _SIGNED and tags[BITSPERSAMPLE][0] < 32:
            raise _unusable("its numbers may be negative")
        is_known = self.mode not in ("LA", "La", "PA", "LAB") and (self.mode != "RGBA" or EXTRASAMPLES in tags)
        if tags.get(PLANAR_CONFIGURATION) == _PLANES and not is_known:
            raise _unusable(f"{self.mode} in planes is not read")
        if self.palette and max(tags[COLORMAP]) < 256:  # written with eight bits instead of sixteen
            self.palette = ImagePalette.raw("RGB;L", bytes(tags[COLORMAP]))

    def load_end(self) -> None:
        """Puts right what libtiff leaves in the machine's byte order and Pillow takes for the file's."""
        if self.mode in ("I", "F") and self.tag_v2.prefix == TiffImagePlugin.MM:
            self.frombytes(self.tobytes(), "raw", f"{self.mode};32B{'F' if self.mode == 'F' else 'S'}")
        if self.mode == "I" and np.asarray(self).min() < 0:
            raise _unusable("its numbers are negative, or of more than 31 bits")
        super().load_end()


def _unusable(reason: str) -> PictureUnusable:
    return PictureUnusable(f"the TIFF cannot be shown in its colours: {reason}; save it with 8 or 16 bits a channel, or as JPEG or PNG")
