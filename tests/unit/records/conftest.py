"""Makes the record factory of the leaderboard tests importable here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "leaderboards"))
