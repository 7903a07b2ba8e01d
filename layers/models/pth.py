"""Reads PyTorch's old ``.pth`` files without PyTorch, and without running anything that such a file may contain.

The layout is the one that ``torch.save`` wrote before version 1.6: five pickles (magic number, protocol, description of the system, the
state dict, list of storage keys), then for each key its length in elements (int64) and its raw little-endian data. In the state dict a
tensor is a call of ``_rebuild_tensor_v2`` with a reference to its storage, an offset, a shape, and strides that need not be in C order.
"""

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
"""What the first pickle of such a file holds."""

Array = NDArray[Any]

_STORAGE_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


def read_state_dict(path: Path) -> dict[str, Array]:
    """The tensors of a state dict by name, float32 or int64, each in C order and in memory of its own.

    Raises:
        pickle.UnpicklingError: the file is not of this kind, is cut off, or asks for anything but tensors.
    """
    with path.open("rb") as file:
        try:
            return _read(file)
        except (EOFError, ValueError, TypeError, LookupError, AttributeError, OverflowError, MemoryError) as error:
            raise pickle.UnpicklingError(f"{path.name} is not a state dict in PyTorch's old format: {error}") from error


def _read(file: BinaryIO) -> dict[str, Array]:
    if _Unpickler(file).load() != MAGIC_NUMBER:
        raise pickle.UnpicklingError("the magic number is missing")
    for _ in ("protocol", "system"):
        _Unpickler(file).load()
    unpickler = _Unpickler(file)
    state_dict: dict[str, Any] = unpickler.load()
    keys = _Unpickler(file).load()
    for key in keys:
        _fill(unpickler.storages[key], file)
    if lacking := unpickler.storages.keys() - set(keys):
        raise KeyError(f"the numbers of storage {', '.join(map(str, lacking))} are missing")
    return {name: _in_c_order(name, tensor) for name, tensor in state_dict.items()}


def _in_c_order(name: str, tensor: Any) -> Array:
    if not isinstance(tensor, np.ndarray):
        raise TypeError(f"{name} is not a tensor but a {type(tensor).__name__}")
    return tensor.copy(order="C")


def _fill(storage: Array, file: BinaryIO) -> None:
    length = int.from_bytes(file.read(8), "little")
    data = file.read(storage.nbytes)
    if length != storage.size or len(data) != storage.nbytes:
        raise EOFError(f"a storage of {storage.size} elements has {length}, and {len(data)} of {storage.nbytes} bytes")
    storage[:] = np.frombuffer(data, storage.dtype)


class _Unpickler(pickle.Unpickler):
    """Knows tensors, their storages and ordered dicts; refuses every other name that a pickle can call."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, Array] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _STORAGE_DTYPES:
            return _STORAGE_DTYPES[name]
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}, which a state dict does not need")

    def persistent_load(self, reference: Any) -> Array:
        _, dtype, key, _, length, _ = reference
        return self.storages.setdefault(key, np.zeros(length, dtype))


def _tensor(storage: Array, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> Array:
    """A view of a storage that is filled later; one that would reach beyond it is refused."""
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if offset < 0 or any(n < 0 for n in (*shape, *strides)) or last >= storage.size:
        raise ValueError(f"a tensor of shape {shape} reaches beyond its storage of {storage.size}")
    return as_strided(storage[offset:], shape, [stride * storage.itemsize for stride in strides])
