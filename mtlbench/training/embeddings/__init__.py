"""Optimisers of embedding tables: a step costs what the batch reads, not what the table holds."""

from mtlbench.training.embeddings.algorithms import (
    BETAS,
    EMBEDDING_OPTIMISERS,
    EPS,
    EmbeddingAdam,
    EmbeddingSparseAdam,
    RowwiseAdagrad,
    embedding_optimiser,
)
from mtlbench.training.embeddings.base import EmbeddingOptimiser

__all__ = [
    "BETAS",
    "EMBEDDING_OPTIMISERS",
    "EPS",
    "EmbeddingAdam",
    "EmbeddingOptimiser",
    "EmbeddingSparseAdam",
    "RowwiseAdagrad",
    "embedding_optimiser",
]
