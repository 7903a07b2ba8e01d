"""OpenVINO, imported without its telemetry."""

import sys

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # OpenVINO then uses its own stub, which sends nothing

import openvino
from openvino import opset13 as ops

__all__ = ["openvino", "ops"]
