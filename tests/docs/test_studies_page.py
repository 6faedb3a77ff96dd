"""docs/studies.md: its study file is one, and its table has the presets."""

import re
from pathlib import Path

from mtlbench.api.backbone import ExpertSizes
from mtlbench.config.presets import PRESETS
from mtlbench.config.study import Study

PAGE = (Path(__file__).parents[2] / "docs" / "studies.md").read_text(encoding="utf-8")


def test_the_study_file_is_one_and_its_paths_start_at_its_folder(tmp_path: Path) -> None:
    [text] = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    file = tmp_path / "my_study.toml"
    file.write_text(text)
    study = Study.load(file, {})
    assert f"`mtlbench run --config {file.name}`" in PAGE
    assert study.weightings == ("constant", "uncertainty", "pcgrad")
    assert study.out == tmp_path / "results" / "mine"


def test_the_table_has_the_presets() -> None:
    rows = dict(re.findall(r"^\| `(\w+)`(?: \(default\))? \| (\d.*) \|$", PAGE, re.MULTILINE))
    defaults = {name: field.default for name, field in ExpertSizes.model_fields.items()}
    expected = {}
    for name, preset in PRESETS.items():
        training, sizes = preset.training, {**defaults, **preset.sizes}
        widths = ["-".join(map(str, sizes[layer])) for layer in ("bottom", "tower")]
        cells = f"{training.epochs}, {training.patience}", training.batch_size, sizes["embedding"], *widths
        expected[name] = " | ".join(map(str, (*cells, sizes["experts"])))
    assert rows == expected
    assert f"`{Study().preset}` (default)" in PAGE
