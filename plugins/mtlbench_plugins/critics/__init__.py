"""What the reinforcement-learning weightings share: the session MDP, critics, and their training."""
