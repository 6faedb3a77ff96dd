"""The rules for backbones."""

from mtlbench.conformance.backbones import outputs, parameters, training

__all__ = ["outputs", "parameters", "training"]
