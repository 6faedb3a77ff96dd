"""What weightings with critics have in common."""

from mtlbench import api


class CriticWeighting(api.Weighting):
    """Base of weightings that train critics on the session MDP of a backbone already trained under constant weights."""

    needs = frozenset({"critics"})

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """A session MDP needs sessions."""
        return None if schema.sessions else "critics need sessions and timestamps, which the dataset lacks"

    def start(self) -> api.Source:
        """The plain constant cell."""
        return api.Source("constant")
