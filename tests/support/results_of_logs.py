"""What docs/studies/logs.md says of several logs, made from the committed records."""

from collections.abc import Iterator

from published import (
    HOTEL,
    HOTEL_ALL,
    TUNED,
    PageGain,
    board,
    files,
    gains_of_tuned,
    gains_on_page,
    holds,
    line,
    over_logs_family,
    short,
    signed,
)
from results_of_hotel import FIXED_NAME, FIXED_WEIGHTS, of_hotel


@holds("docs/studies/logs.md")
def logs() -> Iterator[str]:
    yield from of_both()
    yield from of_hotel()
    yield from of_all_weightings()


def of_both() -> Iterator[str]:
    gains = [gains_of_tuned(name) for name in (HOTEL, TUNED)]
    for label in dict.fromkeys(label for found in gains for label in found):
        shown = FIXED_NAME.capitalize() if FIXED_WEIGHTS in label else label
        yield line(shown, *(cell(found.get(label)) for found in gains))
    better = [{label for label, gain in found.items() if gain.mark == "*"} for found in gains]
    assert better[0] & better[1] == {"FAMO", "CAGrad"}
    plain_gains = [gains_on_page(name) for name in (HOTEL, TUNED)]
    alone = set.intersection(*({label for label, gain in found.items() if gain.mark == "*"} for found in plain_gains))
    assert alone == {"Nash-MTL"}
    yield "{} % and {} %. What happened on KuaiRand".format(*(found["Nash-MTL"] for found in plain_gains))
    both = [found[label].mean for found in gains for label in ("FAMO", "CAGrad")]
    yield f"{short(min(both), 1)} to {short(max(both), 1)} % in the mean of six tasks"
    yield f"p < .05 over the {over_logs_family()} comparisons of `leaderboards/README.md`"


def of_all_weightings() -> Iterator[str]:
    gains = gains_on_page(HOTEL_ALL)
    yield f"with the {files(HOTEL_ALL)} records beside it"
    assert len(board(HOTEL_ALL).seeds) == 3
    higher = sum(gain.mean > 0 for gain in gains.values())
    yield f"{higher} of {len(gains)} have a higher mean Δm than constant weights"
    first, second, *_, last = gains
    assert gains[first].mean == gains[second].mean
    top = signed(gains[first].mean, 2)
    yield f"those of {first} and {second} ({top} %), the lowest that of {last} ({gains[last]} %)"
    assert sum(row.state == "not applicable" for row in board(HOTEL_ALL).rows) == 7


def cell(found: PageGain | None) -> str:
    """A gain, in bold where it is claimed."""
    return "–" if found is None else f"**{found}**" if found.mark else str(found)
