"""Parts of a picture as left, top, right and bottom in pixels."""

from lookalike.domain import Crop, Model


def of_crop(crop: Crop, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part inside a crop box: one pixel at least."""
    width, height = size
    left, top = min(round(crop.left * width), width - 1), min(round(crop.top * height), height - 1)
    return left, top, max(round(crop.right * width), left + 1), max(round(crop.bottom * height), top + 1)


def centre(size: tuple[int, int], model: Model) -> tuple[float, float, float, float]:
    """The part that a centre crop keeps: whole pixels of the scaled picture, rounded as torchvision and Hugging Face round them."""
    wanted = [round(edge / model.crop_share) for edge in model.input_size]
    tight = 0 if wanted[0] * size[1] >= wanted[1] * size[0] else 1
    scaled = [wanted[tight] * edge // size[tight] for edge in size]
    (left, right), (top, bottom) = (
        ((whole - kept) // 2 * edge / whole, ((whole - kept) // 2 + kept) * edge / whole)
        for whole, kept, edge in zip(scaled, model.input_size, size, strict=True)
    )
    return left, top, right, bottom
