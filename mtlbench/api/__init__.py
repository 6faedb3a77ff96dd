"""Everything that a plugin imports from mtlbench, besides the layers of :mod:`mtlbench.nn`."""

from typing import NoReturn

from mtlbench.api import search
from mtlbench.api.backbone import Backbone, ExpertSizes, Sizes
from mtlbench.api.dataset import BagColumn, Dataset, Log
from mtlbench.api.description import Description, Section
from mtlbench.api.histories import history
from mtlbench.api.inputs import Bag, Inputs
from mtlbench.api.masks import masked_mean
from mtlbench.api.needs import Need
from mtlbench.api.params import GradientParams, NoParams, Params, Where, added_later, identifying, recorded
from mtlbench.api.plugin import Plugin, Registrar, hookimpl
from mtlbench.api.publication import Publication, RemoteFile
from mtlbench.api.renamed import API_NAMES, replacement
from mtlbench.api.representation import Representation, RepresentationGradients
from mtlbench.api.schema import BagField, Field, Pooling, Schema, VectorField
from mtlbench.api.sessions import session_ids
from mtlbench.api.setting import Setting
from mtlbench.api.spilled import SpilledFrame
from mtlbench.api.splits import Split, Splits
from mtlbench.api.splitting import Splitting
from mtlbench.api.step import Jacobian, SharedGradients, Step
from mtlbench.api.tasks import Task, funnel
from mtlbench.api.tracker import TrackedCell, TrackedPoint, Tracker
from mtlbench.api.trainer import Merge, SourceCheckpoint, StageBudget, Stateful, Trainer
from mtlbench.api.troubles import Trouble
from mtlbench.api.weighting import DirectionWeighting, Source, Weighting, ones
from mtlbench.errors import DataError, MtlbenchError, TrainingError, UsageError, did_you_mean

__all__ = [
    "Backbone",
    "Bag",
    "BagColumn",
    "BagField",
    "DataError",
    "Dataset",
    "Description",
    "DirectionWeighting",
    "ExpertSizes",
    "Field",
    "GradientParams",
    "Inputs",
    "Jacobian",
    "Log",
    "Merge",
    "MtlbenchError",
    "Need",
    "NoParams",
    "Params",
    "Plugin",
    "Pooling",
    "Publication",
    "Registrar",
    "RemoteFile",
    "Representation",
    "RepresentationGradients",
    "Schema",
    "Section",
    "Setting",
    "SharedGradients",
    "Sizes",
    "Source",
    "SourceCheckpoint",
    "SpilledFrame",
    "Split",
    "Splits",
    "Splitting",
    "StageBudget",
    "Stateful",
    "Step",
    "Task",
    "TrackedCell",
    "TrackedPoint",
    "Tracker",
    "Trainer",
    "TrainingError",
    "Trouble",
    "UsageError",
    "VectorField",
    "Weighting",
    "Where",
    "added_later",
    "did_you_mean",
    "funnel",
    "history",
    "hookimpl",
    "identifying",
    "masked_mean",
    "ones",
    "recorded",
    "search",
    "session_ids",
]


def __getattr__(name: str) -> NoReturn:
    """Name the successor of a name that is gone, also to ``from mtlbench.api import``."""
    error = ImportError if name in API_NAMES else AttributeError
    raise error(replacement("mtlbench.api", name, API_NAMES))
