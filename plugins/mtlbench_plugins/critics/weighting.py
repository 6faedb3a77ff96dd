"""What weightings with critics have in common."""

from mtlbench import api
from mtlbench_plugins.critics.params import CriticParams


class CriticWeighting(api.Weighting):
    """Base of weightings that train critics on the session MDP of a backbone, itself trained under constant weights."""

    needs = frozenset({"critics"})

    params: CriticParams

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """A session MDP needs sessions, and a state needs inputs."""
        if not schema.sessions:
            return "critics need sessions and timestamps, which the dataset lacks"
        if self.params.state == "all":
            return None
        if not schema.user_inputs:
            return "state=no-user leaves out the inputs of the user, and the dataset does not say which those are"
        inputs = {*schema.numerical, *(field.name for field in (*schema.categorical, *schema.bags))}
        inputs |= {vector.name for vector in schema.vectors}
        return (
            None
            if inputs - set(schema.user_inputs)
            else "state=no-user leaves the state empty: all inputs are the user's"
        )

    def warm_start(self) -> api.Source:
        """The plain constant cell."""
        return api.Source("constant")
