"""Reading PyTorch's old ``.pth``, of which the tests write small ones: whole, or refused."""

import io
import os
import pickle
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from layers.models.pth import MAGIC_NUMBER, read_state_dict

FLOATS, LONGS = (type(name, (), {"__module__": "torch"}) for name in ("FloatStorage", "LongStorage"))


def _rebuild_tensor_v2() -> None:
    """Stands for PyTorch's function: a pickle holds its name."""


_rebuild_tensor_v2.__module__ = "torch._utils"


@dataclass(frozen=True)
class Storage:
    """Numbers that tensors are views of; ``length`` is what the reference claims, if not their number."""

    key: str
    numbers: NDArray[Any]
    length: int | None = None


@dataclass(frozen=True)
class Tensor:
    """A view of a storage, as PyTorch pickles it; strides are in elements."""

    storage: Storage
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_tensor_v2, (self.storage, self.offset, self.shape, self.strides, False, OrderedDict())


class _Pickler(pickle.Pickler):
    def persistent_id(self, item: Any) -> Any:
        if not isinstance(item, Storage):
            return None
        kind = FLOATS if item.numbers.dtype == np.float32 else LONGS
        return "storage", kind, item.key, "cpu", item.numbers.size if item.length is None else item.length, None


@pytest.fixture(autouse=True)
def _torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """So much of PyTorch as a pickler looks up to write names."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    vars(torch).update(FloatStorage=FLOATS, LongStorage=LONGS)
    vars(utils).update(_rebuild_tensor_v2=_rebuild_tensor_v2)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def _pth(state_dict: Any, storages: Sequence[Storage], magic_number: int = MAGIC_NUMBER) -> bytes:
    file = io.BytesIO()
    for item in (magic_number, 1001, {"little_endian": True}, state_dict, [storage.key for storage in storages]):
        _Pickler(file, protocol=2).dump(item)
    for storage in storages:
        file.write(storage.numbers.size.to_bytes(8, "little") + storage.numbers.tobytes())
    return file.getvalue()


def _read(folder: Path, content: bytes) -> Mapping[str, NDArray[Any]]:
    path = folder / "weights.pth"
    path.write_bytes(content)
    return read_state_dict(path)


def _floats(count: int, key: str = "0") -> Storage:
    return Storage(key, np.arange(count, dtype=np.float32))


def test_tensors_come_back_by_name_with_their_shapes_and_types(tmp_path: Path) -> None:
    weight, counter = _floats(6, "94"), Storage("95", np.array([7]))
    state_dict = OrderedDict(weight=Tensor(weight, (2, 3), (3, 1)), num_batches_tracked=Tensor(counter, (), ()))

    read = _read(tmp_path, _pth(state_dict, [weight, counter]))

    assert list(read) == ["weight", "num_batches_tracked"]
    assert {name: str(tensor.dtype) for name, tensor in read.items()} == {"weight": "float32", "num_batches_tracked": "int64"}
    assert {name: tensor.tolist() for name, tensor in read.items()} == {"weight": [[0, 1, 2], [3, 4, 5]], "num_batches_tracked": 7}


def test_strides_that_are_not_in_c_order_are_followed_and_the_result_is_in_c_order(tmp_path: Path) -> None:
    storage = _floats(24)
    channels_last = Tensor(storage, (2, 3, 2, 2), (12, 1, 6, 3))

    kernel = _read(tmp_path, _pth({"kernel": channels_last}, [storage]))["kernel"]

    assert np.array_equal(kernel, np.arange(24).reshape(2, 2, 2, 3).transpose(0, 3, 1, 2))
    assert kernel.flags.c_contiguous


def test_two_tensors_share_a_storage_each_from_its_own_offset(tmp_path: Path) -> None:
    storage = _floats(10)
    state_dict = {"first": Tensor(storage, (4,), (1,)), "second": Tensor(storage, (3,), (2,), offset=5)}

    read = _read(tmp_path, _pth(state_dict, [storage]))

    assert {name: tensor.tolist() for name, tensor in read.items()} == {"first": [0, 1, 2, 3], "second": [5, 7, 9]}


def test_a_state_dict_s_metadata_is_passed_over(tmp_path: Path) -> None:
    storage = _floats(1)
    state_dict = OrderedDict(bias=Tensor(storage, (1,), (1,)))
    vars(state_dict)["_metadata"] = OrderedDict({"": {"version": 1}})

    assert list(_read(tmp_path, _pth(state_dict, [storage]))) == ["bias"]


def test_a_file_that_is_cut_off_is_refused_wherever_it_was_cut(tmp_path: Path) -> None:
    storage = _floats(5)
    whole = _pth({"bias": Tensor(storage, (5,), (1,))}, [storage])

    for length in range(len(whole)):
        with pytest.raises(pickle.UnpicklingError):
            _read(tmp_path, whole[:length])


@pytest.mark.parametrize("content", [b"no pickle", b"\x80", b"PK\x03\x04 the new format is a zip", b"I1\n.", pickle.dumps("magic")])
def test_a_file_of_another_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(pickle.UnpicklingError):
        _read(tmp_path, content)


def test_a_wrong_magic_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pickle.UnpicklingError, match="magic number"):
        _read(tmp_path, _pth({}, [], magic_number=1))


class _Call:
    """Pickled, it is a call that the reader is to make."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self._call


@pytest.mark.parametrize("function", [os.mkdir, eval, getattr, np.load], ids=lambda function: str(function.__name__))
def test_a_call_of_anything_but_tensors_is_refused_and_not_made(function: Any, tmp_path: Path) -> None:
    made = tmp_path / "made"

    with pytest.raises(pickle.UnpicklingError, match=f"{function.__name__}, which a state dict does not need"):
        _read(tmp_path, _pth({"weight": _Call(function, str(made))}, []))
    assert not made.exists()


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((7,), (1,), 0),
        ((6,), (1,), 1),
        ((2, 3), (4, 1), 0),
        ((1,), (1,), 6),
        ((), (), 6),
        ((1,), (1,), -1),
        ((2,), (-1,), 3),
        ((-2,), (1,), 3),
        ((2, 3), (3,), 0),
    ],
)
def test_a_view_that_reaches_beyond_its_storage_is_refused(
    shape: tuple[int, ...], strides: tuple[int, ...], offset: int, tmp_path: Path
) -> None:
    storage = _floats(6)

    with pytest.raises(pickle.UnpicklingError):
        _read(tmp_path, _pth({"weight": Tensor(storage, shape, strides, offset)}, [storage]))


@pytest.mark.parametrize("length", [5, 7, -1, 2**60, 2**70])
def test_a_storage_of_another_length_than_its_reference_says_is_refused(length: int, tmp_path: Path) -> None:
    storage = Storage("0", np.arange(6, dtype=np.float32), length)

    with pytest.raises(pickle.UnpicklingError):
        _read(tmp_path, _pth({"weight": Tensor(storage, (3,), (1,))}, [storage]))


def test_a_tensor_whose_numbers_are_not_in_the_file_is_refused(tmp_path: Path) -> None:
    storage, absent = _floats(2), _floats(2, "1")
    state_dict = {"weight": Tensor(storage, (2,), (1,)), "bias": Tensor(absent, (2,), (1,))}

    with pytest.raises(pickle.UnpicklingError, match="1"):
        _read(tmp_path, _pth(state_dict, [storage]))


@pytest.mark.parametrize("state_dict", [{"weight": "a text"}, {"inner": {}}, ["a list"], {1: None}])
def test_what_is_not_a_dictionary_of_tensors_is_refused(state_dict: Any, tmp_path: Path) -> None:
    with pytest.raises(pickle.UnpicklingError):
        _read(tmp_path, _pth(state_dict, []))
