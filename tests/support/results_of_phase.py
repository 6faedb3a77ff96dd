"""What docs/studies/phase.md and docs/advise.md say of generated logs, and of where real ones lie."""

import sys
from collections.abc import Iterator

import pandas as pd
from published import ROOT, holds, plain, short, signed

sys.path.insert(0, str(ROOT / "studies"))
import phase

GAINS, PLACES = (ROOT / "docs" / "studies" / name for name in ("phase-gains.csv", "phase-logs.csv"))
UNRELATED = "0.5"
"""Conflict at which tasks are unrelated."""


@holds("docs/studies/phase.md")
def of_phase() -> Iterator[str]:
    gains = pd.read_csv(GAINS)
    for tuned in (True, False):
        yield from (plain(text) for text in phase.report(gains, tuned) if text)
    table = phase.by_log(gains, tuned=True)
    all_logs = next(text for text in phase.report(gains, tuned=True) if text.startswith("| all"))
    assert [cell for cell in all_logs.split(" | ") if "*" in cell] == all_logs.split(" | ")[2:3]
    assert table.columns[0] == "FAMO"
    hard = table.xs((0.5, 0.03, 8), level=("conflict", "rarest", "tasks"))
    others = table.drop(index=[(0.5, 0.03, scale, 8) for scale in hard.index])
    low, high = (end(hard[["FAMO", "Nash-MTL", "PCGrad"]].to_numpy().ravel()) for end in (min, max))
    yield f"gain {low:.1f} to {high:.1f} %"
    share = hard["FAMO"].sum() / table["FAMO"].sum()
    assert 0.45 < share < 0.55
    yield "About half of its gain comes from two logs"
    assert (len(hard), len(others)) == (2, 22)
    low, high = others["FAMO"].min(), others["FAMO"].max()
    yield f"On the other 22 logs FAMO's gain is between {signed(low, 2)} and {signed(high, 2)} %"
    yield f"UW loses up to {-table['UW'].min():.1f} %, on logs with eight unrelated tasks"
    assert table["UW"].nsmallest(3).index.to_frame()[["conflict", "tasks"]].drop_duplicates().to_numpy().tolist() == [
        [0.5, 8]
    ]
    assert table["Nash-MTL"].idxmin() == (0.1, 0.03, 30.0, 8.0)
    lost = -table["Nash-MTL"].min()
    yield f"Nash-MTL loses {lost:.1f} % on eight agreeing tasks with a rare label and a noise ratio of 30"
    rest = others[["FAMO", "Nash-MTL", "PCGrad"]].to_numpy()
    yield f"On the other 22 logs their gains lie between {rest.min():.1f} and {rest.max():+.1f} %"
    plain_rows = gains[~gains["tuned"]]
    yield f"But {100 * plain_rows['cut_off'].mean():.0f} % of these comparisons are cut off"
    before = phase.by_log(gains, tuned=False).mean()
    assert (table.mean()[["Nash-MTL", "PCGrad", "FAMO"]] < before[["Nash-MTL", "PCGrad", "FAMO"]]).all()
    assert table["UW"].mean() < 0 < before["UW"]
    cut = gains[gains["tuned"]].groupby("conflict")["cut_off"].mean()
    yield f"at conflict 0.5 in {100 * cut[0.5]:.0f} % of the comparisons of tuned rows"
    yield f"elsewhere in {100 * cut[[0.1, 0.9]].mean():.0f} %"
    yield from of_places()


def of_places() -> Iterator[str]:
    places, conflict = read_places()
    real = places[conflict.isna()]["cosine"]
    generated = places[conflict.notna()]["cosine"]
    yield f"{short(real['kuairand'], 2)} and {short(real['retailrocket-pairs'], 2)}"
    yield f"the highest of a generated log is {short(generated.max(), 2)}"
    assert real.min() > generated[conflict[conflict.notna()] == UNRELATED].max()
    yield f"The lowest of a real log is {signed(real.min(), 2)}, of complete journey"
    assert real.idxmin() == "complete-journey[households=300]"
    yield f"hotel bookings ({short(real['hotel-bookings'], 2)})"
    yield f"six tasks of KuaiRand ({short(real['kuairand[tasks=feedback]'], 2)})"
    found = (places["cosine"] + 2 * places["error"] < 0) & conflict.isna()
    assert list(places.index[found]) == ["complete-journey[households=300]"]
    assert len(real) == 9


@holds("docs/advise.md")
def of_advise() -> Iterator[str]:
    places, conflict = read_places()
    found = places["cosine"] + 2 * places["error"] < 0
    assert found[conflict == UNRELATED].all()
    assert not found[conflict.notna() & (conflict != UNRELATED)].any()
    assert (conflict == UNRELATED).sum() == 8
    yield f"On the {conflict.notna().sum()} generated logs of the [phase study](studies/phase.md) this rule finds a "
    yield "finds a conflict on the eight whose tasks are unrelated"


def read_places() -> tuple[pd.DataFrame, pd.Series]:
    """What was measured on each log, and the conflict of generated ones, NaN for real ones."""
    places = pd.read_csv(PLACES, index_col="log")
    conflict = places.index.to_series().str.extract(r"^synthetic\[.*conflict=([\d.]+)", expand=False)
    return places, conflict
