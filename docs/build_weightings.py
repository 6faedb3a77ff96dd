"""Write docs/weightings.md and docs/weightings/ from the built-in weightings: ``python docs/build_weightings.py``.

The index and each family's page come from what the classes declare and from their docstrings.
"""

import re
import sys
from dataclasses import dataclass
from inspect import getdoc
from pathlib import Path
from typing import Any, NoReturn

from mtlbench.config.parameters import parameter_rows
from mtlbench.discovery import Entry, discover
from mtlbench.discovery.families import family_of

DOCS = Path(__file__).parent
INDEX = "weightings.md"
BUILT_IN = "mtlbench_plugins."
GENERATED = (
    "<!-- Written by `python docs/build_weightings.py` from the docstrings of the weightings. "
    "Edit those, not this file. -->"
)


@dataclass(frozen=True)
class Family:
    """A page of weightings that work in the same way."""

    name: str
    """Stem of its page."""
    title: str
    weights: str
    """What the weights come from, for the table from which a reader chooses a family."""
    cost: str
    choose: str
    """When to try one."""
    text: str
    """The first paragraphs of its page."""


FROM_LOSSES = Family(
    "from-losses",
    "From losses",
    "the task losses, or nothing",
    "none, or one forward pass",
    "the losses differ in size, or fall at different speeds",
    "These methods give each task one weight. If they read anything, it is the values of the losses. So a step needs "
    "one backward pass, as under constant weights.",
)
FROM_GRADIENTS = Family(
    "from-gradients",
    "From gradients",
    "the gradients of the tasks",
    "one backward pass per task",
    "the tasks pull in different directions",
    "These methods compare the gradients g_k of the tasks with respect to the **shared parameters**: those that two or "
    "more tasks reach. They change the direction of the shared parameters only. The parameters of a single task follow "
    "the gradient of that task. A backbone without shared parameters is not applicable.\n\n"
    "The direction is d = (1/K) sum_k w_k g_k. Weights of one give the plain average of the task gradients. Where a "
    "paper uses weights that sum to 1, the weights here sum to K; where a paper sums the task gradients, they are "
    "averaged here. Both only multiply the direction by a constant.\n\n"
    "Methods with a parameter `smooth` can take a running mean of their weights over the steps, as CR-MOGM does "
    '(S. Zhou et al., "On the convergence of stochastic multi-objective gradient manipulation and beyond", '
    "NeurIPS 2022): w_t = `smooth` w_{t-1} + (1 - `smooth`) times the weights of step t, and those of the first step "
    "as they are. CR-MOGM may bring its share of the past to 1 as the learning rate falls; here it stays the same.\n\n"
    "**At the representation.** With `at=representation`, as in `mgda[at=representation]`, a method compares the "
    "gradients R_k = dL_k/dH with respect to the **shared representation** H, what every task reads of the part that "
    "they share. All that lies below H gets (1/K) sum_k w_k R_k, in one backward pass; all that lies above H follows "
    "the plain average of the task losses. The tasks go backward one by one only above H, so where H is high, a step "
    "costs little more than one under constant weights "
    "([what it costs](../performance.md#what-does-a-method-of-task-gradients-cost), [what it changes]"
    "(../studies/weightings.md#at-the-shared-representation)). A backbone names H; one "
    "that does not is not applicable with this option. H is\n\n"
    "- `shared-bottom`, `dbmtl`: the output of the bottom;\n"
    "- `omoe`: the mixed output of the experts;\n"
    "- `mmoe`: the outputs of the experts, and the embedding as far as the gates read it;\n"
    "- `metaheac`: the outputs of the experts, and the mean embedding; gates and critics lie above it;\n"
    "- `snr-trans`: the outputs of the last sub-networks;\n"
    "- `stem`: the outputs of the shared experts, and the shared embedding as far as the gates read it; the tables "
    "of a task lie beside it;\n"
    "- `pepnet`: the embedding behind EPNet, and that of the priors;\n"
    "- `ple`, `adatt`, `aitm`, `cross-stitch`, `esmm`, `escm2`: the embedding. Layers above it that several tasks "
    "reach follow the plain average, and each task goes backward through them, so that little is saved.\n\n"
    "Methods that keep a state for each shared parameter (`adatask`, `db-mtl`, `excess-mtl`) do not have the option.",
)
PER_SAMPLE = Family(
    "per-sample",
    "Per sample",
    "each sample",
    "none",
    "some samples should count more: rare labels, hard samples, early impressions",
    "These methods give each sample its own weight in each task. A step costs what one under constant weights costs.",
)
WITH_STAGES = Family(
    "with-stages",
    "With stages",
    "a trained network, or tuning",
    "further stages of training",
    "the further training is worth its cost",
    "These methods train in more than one stage. Most of them continue from the checkpoint of another cell, which is "
    "trained once and shared. The cost of every stage counts in the budget of the method.",
)
FAMILIES = (FROM_LOSSES, FROM_GRADIENTS, PER_SAMPLE, WITH_STAGES)

INDEX_HEAD = f"""\
# Weightings

{GENERATED}

A weighting turns each training step into weights w. The trainer multiplies the weights with the losses and averages
over samples and tasks:

$$
L = \\frac{{1}}{{K}} \\sum_k w_k L_k, \\qquad L_k = \\frac{{1}}{{B}} \\sum_i L_{{k,i}}
$$

K is the number of tasks, B the number of samples in a batch, and L_k the mean loss of task k. Weights of one give the
plain average of the task losses. A weighting per sample has a weight for each L_k,i. Where labels are missing, L_k is
the mean over the observed ones ([tasks](tasks.md)).

There are four families. Choose a family first, then a method of it. [All methods](#all-methods) is one table: where
each was published, what it claims, what it reads, what it costs, and which of the others it equals. The extra cost is
what a step takes beyond a step under constant weights. That one takes one forward and one backward pass.
"""

INDEX_FOOT = """\
[The study of all weightings](studies/weightings.md) has what each gains and how long it takes.
`mtlbench info weighting NAME` prints the description of one in the terminal. `mtlbench list --matrix` shows which
backbones it can be paired with. [Write a plugin](write-a-plugin.md) shows how to add one."""

ALL_METHODS_HEAD = """\
A claim is what a method promises by its construction, in our words. [The study of all
weightings](studies/weightings.md) has what came out. The last column says where a method is another one: such rows of a
leaderboard say the same twice."""

NOT_HERE_HEAD = """\
Some known methods are left out on purpose: they repeat one of these, what they say is not what they do, or they ask for
something that a row of a leaderboard does not have."""

NOT_HERE = [
    ("ConFIG", "https://arxiv.org/abs/2408.11104", "its direction is that of `imtl-g`; only the step's length differs"),
    (
        "SAM-GS",
        "https://arxiv.org/abs/2506.06130",
        "as its algorithm is written, its rule for unequal gradients never applies to up to ten tasks at its default",
    ),
    (
        "EPO",
        "https://github.com/dbmptr/EPOSearch",
        "it looks for one trade-off that a user prefers, by linear programs; `preference` does so by weights",
    ),
    (
        "COSMOS",
        "https://arxiv.org/abs/2103.13392",
        "its network reads the preference; without that it is a penalty on constant weights, as `preference` is",
    ),
]
"""Name, link and reason of known methods that are left out."""

REFERENCE = re.compile(r"((?:[\w-]+ ){0,3}(?:19|20)\d\d),?\s+(https?://[^\s,;)]+?)[.:,;)]*(?=\s|$)")
"""Venue and year, and the link behind them."""

LINK = re.compile(r"https?://[^\s,;)]+?(?=[.:,;)]*(?:\s|$))")

READS = re.compile(r"(?:\A|\n\n)It reads (.+?)\.(?=\s|\Z)", flags=re.DOTALL)
"""The sentence of a docstring that says what the method reads."""

CLAIMS = re.compile(r"\sIt\s+claims\s+(?:that\s+)?(.+?)\.(?=\s|\Z)", flags=re.DOTALL)
"""The sentence of a docstring that says what the method promises, in the words of this project."""

EQUALS = re.compile(r"\sIt\s+equals\s+(.+?)\.(?=\s|\Z)", flags=re.DOTALL)
"""The sentence of a docstring that says which other weightings the method equals, and when, if there is one."""

ADDS = re.compile(r"It\s+costs\s+(.+?)\.(?=\s|\Z)", flags=re.DOTALL)
"""The sentence of a docstring that says what a step costs beyond what the needs say, if there is something."""

COSTS = {
    "post-step losses": "one more forward pass",
    "look-ahead": "a second batch, three more forward and two more backward passes",
    "gram": "one backward pass per task",
    "jacobian": "one backward pass per task",
    "cross gram": "three backward passes per task",
    "parameters": "embedding tables updated whole",
    "critics": "a pass through the critics",
}
"""What a need adds to a step."""

SPELT_OUT = {
    r"\,": r"\thinspace ",
    r"\;": r"\thickspace ",
    r"\:": r"\medspace ",
    r"\!": r"\negthinspace ",
    r"\|": r"\Vert ",
    r"\{": r"\lbrace ",
    r"\}": r"\rbrace ",
    r"\\": r"\cr ",
    "<": r"\lt ",
    ">": r"\gt ",
}
"""Marks in a formula that Markdown would change, and words that mean the same to the typesetter."""


def pages() -> dict[str, str]:
    """The text of each page, by its path below docs/."""
    found = discover().weightings
    built_in = [found[name] for name in sorted(found) if found[name].cls.__module__.startswith(BUILT_IN)]
    entries = {family: [entry for entry in built_in if family_of(entry.cls) == family.title] for family in FAMILIES}
    return {INDEX: index(entries), **{path(family): family_page(family, entries) for family in FAMILIES}}


def warm_start(cls: Any) -> Any:
    """The cell that the method continues from at its defaults, or ``None``."""
    return cls(cls.Params()).warm_start()


def path(family: Family) -> str:
    """Where a family's page lies below docs/."""
    return f"weightings/{family.name}.md"


def index(entries: dict[Family, list[Entry]]) -> str:
    """The page that a reader chooses from."""
    head = ["family", "weights come from", "extra cost of a step", "try one if"]
    rows = [[f"[{one.title}](#{one.name})", one.weights, one.cost, one.choose] for one in entries]
    families = [index_section(*item) for item in entries.items()]
    left_out = table(["method", "why"], [[f"[{name}]({link})", why] for name, link, why in NOT_HERE])
    known = joined("## Not here", NOT_HERE_HEAD, left_out)
    return joined(INDEX_HEAD, table(head, rows), *families, all_methods(entries), known, INDEX_FOOT)


def index_section(family: Family, entries: list[Entry]) -> str:
    """A family's methods, each in one sentence."""
    lines = [f"- {links([entry], path(family))}: {prose(entry.summary)}" for entry in entries]
    return joined(f"## {family.title}", "\n".join(lines))


def all_methods(entries: dict[Family, list[Entry]]) -> str:
    """The table of all methods, by family."""
    head = ["method", "venue", "what it claims", "what it reads", "extra cost", "which of ours it equals, and when"]
    rows = [
        [links([entry], path(family)), paper(entry), claims(entry), reads(entry), cost(entry), equals(entry)]
        for family in entries
        for entry in entries[family]
    ]
    return joined("## All methods", ALL_METHODS_HEAD, table(head, rows))


def family_page(family: Family, entries: dict[Family, list[Entry]]) -> str:
    """The methods of a family, each with its docstring and parameters."""
    parts = [f"# Weightings: {family.title[0].lower()}{family.title[1:]}", GENERATED, family.text]
    parts.append(links(entries[family]))
    elsewhere = [entry for entry in entries[WITH_STAGES] if entry.cls.per_sample]
    if family is PER_SAMPLE and elsewhere:
        parts.append(f"Some methods with stages weigh each sample too: {links(elsewhere, 'with-stages.md')}.")
    names = {entry.cls: entry.name for entry in entries[family]}
    return joined(*parts, *(section(entry, names) for entry in entries[family]))


def section(entry: Entry, names: dict[type, str]) -> str:
    """A weighting's heading, docstring and parameters.

    A variant of another weighting of the page shows only the parameters that differ from that one's.
    """
    parts = [f"## {entry.name}\n\n**{entry.cls.label}.**", body(getdoc(entry.cls) or "")]
    rows = parameter_rows(entry.cls.Params)
    base = entry.cls.__base__
    if base in names:
        rows = [row for row, other in zip(rows, parameter_rows(base.Params), strict=True) if row != other]
        parts.append(f"Parameters are those of [`{names[base]}`](#{names[base]}), with these defaults:")
    if rows:
        head = ["parameter", "default", "range", "meaning"]
        cells = [[f"`{row['name']}`", f"`{row['default']}`", row["range"], prose(row["description"])] for row in rows]
        parts.append(table(head, cells))
    return joined(*parts)


def reads(entry: Entry) -> str:
    """What the method reads, in the words of its docstring."""
    return said(READS, entry) or missing(entry, "'It reads ...', in a paragraph of its own")


def claims(entry: Entry) -> str:
    """What the method promises, in the words of its docstring."""
    return said(CLAIMS, entry) or missing(entry, "'It claims that ...', or 'It claims nothing: ...'")


def equals(entry: Entry) -> str:
    """Which other weightings the method equals, and when, in the words of its docstring."""
    return said(EQUALS, entry) or "none"


def said(sentence: re.Pattern[str], entry: Entry) -> str:
    """What a ``sentence`` of the docstring says, as Markdown; empty if there is none."""
    found = sentence.search(getdoc(entry.cls) or "")
    return prose(" ".join(found[1].split())) if found else ""


def missing(entry: Entry, sentence: str) -> NoReturn:
    """End the command: the docstring lacks a sentence."""
    raise SystemExit(f"{entry.name}: the docstring says nowhere {sentence}")


def cost(entry: Entry) -> str:
    """What a step costs more than one under constant weights, and what else is trained."""
    parts = list(dict.fromkeys(COSTS[need] for need in COSTS if need in entry.cls.needs))
    if entry.cls.at == "representation":
        parts = ["one backward pass per task, down to the representation"]
    if adds := said(ADDS, entry):
        parts.append(adds)
    if start := warm_start(entry.cls):
        critics = " and critics are" if "critics" in entry.cls.needs else " is"
        parts.append(f"`{start.weighting}`{critics} trained first")
    if entry.cls.tuned_baseline:
        parts.append("one training per candidate")
    return "; ".join(parts) or "none"


def paper(entry: Entry) -> str:
    """Venue and year of the first reference, as a link."""
    text = " ".join((getdoc(entry.cls) or "").split())
    if found := REFERENCE.search(text):
        return f"[{found[1]}]({found[2]})"
    found = LINK.search(text)
    return f"[source]({found[0]})" if found else ""


def links(entries: list[Entry], page: str = "") -> str:
    """Links to the sections of methods."""
    return ", ".join(f"[`{entry.name}`]({page}#{entry.name})" for entry in entries)


def body(docstring: str) -> str:
    """A docstring as Markdown: formulas between dollars, the rest as it is."""
    blocks: list[str] = []
    lines = docstring.splitlines()
    while lines:
        line = lines.pop(0)
        if not line.startswith(".. math::"):
            blocks.append(prose(line))
            continue
        formulas = [line.removeprefix(".. math::")]
        while lines and (not lines[0].strip() or lines[0].startswith(" ")):
            formulas.append(lines.pop(0))
        for formula in re.split(r"\n\s*\n", "\n".join(formulas).strip()):
            blocks += ["$$", github(formula), "$$", ""]
    return "\n".join(blocks).strip()


def github(formula: str) -> str:
    """A formula on one line, without marks that Markdown would change.

    On a line of its own a leading ``-`` or ``=`` would be a list or a heading.
    """
    escape = re.compile("|".join(re.escape(mark) for mark in SPELT_OUT))
    return " ".join(escape.sub(lambda mark: SPELT_OUT[mark[0]], formula).split())


def prose(text: str) -> str:
    """Docstring text as Markdown: links can be clicked, and a ``<`` in it does not begin a tag."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    outside_and_code = re.split(r"(`[^`]*`)", text)
    outside_and_code[::2] = [
        LINK.sub(r"<\g<0>>", re.sub(r"<(?=[A-Za-z/!])", r"\\<", part)) for part in outside_and_code[::2]
    ]
    return "".join(outside_and_code)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table with its head."""
    return "\n".join(table_row(cells) for cells in [head, ["---"] * len(head), *rows])


def table_row(cells: list[str]) -> str:
    """One line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def joined(*parts: str) -> str:
    """Parts of a page, a blank line between them."""
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(text, encoding="utf-8")
        print(DOCS / name, file=sys.stderr)
