"""docs/tasks.md: its examples run, and its table has every metric."""

import doctest
import re
from pathlib import Path

from mtlbench.tasks.metrics import METRICS
from mtlbench.tasks.registry import kinds, kinds_of

PAGE = Path(__file__).parents[3] / "docs" / "tasks.md"
BETTER = {"higher": "higher", "lower": "lower", "one": "nearer to 1", "neither": "neither"}


def test_its_examples_give_what_it_says():
    text = re.sub(r"^```.*$", "", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(text, {}, "tasks.md", str(PAGE), 0)
    assert len(test.examples) > 10
    printed: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=printed.append)
    assert not printed, "".join(printed)


def test_it_has_every_metric_with_its_kinds_and_its_direction():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if re.match(r"\| [\w-]+( coverage)? \| `\w+` \|", line)
    ]
    assert {key.strip("`") for _, key, *_ in rows} == set(METRICS)
    for label, key, of, better, _ in rows:
        metric = METRICS[key.strip("`")]
        assert label == metric.label
        assert better == BETTER[metric.direction]
        assert set(re.findall("|".join(kinds()), of)) == set(kinds_of(metric))
        primary = any(kind().primary is metric for kind in kinds().values())
        assert ("primary" in of) == primary
        assert ("session" in of, "user" in of) == (metric.needs == "session", metric.needs == "user")


def test_it_has_every_kind_with_its_losses():
    text = PAGE.read_text(encoding="utf-8")
    for name, kind in kinds().items():
        assert f"| `{name}` |" in text
        if "loss" in kind.model_fields:
            losses = kind.model_json_schema()["properties"]["loss"]["enum"]
            assert [loss for loss in losses if f"`{name}`, `{loss}`" not in text] == []
