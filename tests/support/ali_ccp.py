"""Ali-CCP files of full shape: every published field, those of many values included."""

from pathlib import Path

import numpy as np

USER_FIELDS = ("101", "121", "122", "124", "125", "126", "127", "128", "129")
USER_LISTS = ("109_14", "110_14", "127_14", "150_14")
ITEM_FIELDS = ("205", "206", "207", "216", "508", "509", "702", "853", "301")

Row = dict[str, object]


def features(pairs: list[tuple[str, int]]) -> str:
    """A list of features as the files write it."""
    return "\x01".join(f"{field}\x02{value}\x031.0" for field, value in pairs)


def write_ali_ccp(root: Path, users: int = 30, rows: int = 200) -> dict[str, list[Row]]:
    """All four files below the data folder ``root``; returns the rows of each part as they should be read."""
    folder = root / "ali-ccp"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    expected = {}
    for part in ("train", "test"):
        profiles = {}
        lines = []
        for user in range(users):
            own = {field: int(random.integers(40)) for field in USER_FIELDS if random.random() < 0.9}
            lists = [(field, int(random.integers(1000))) for field in USER_LISTS for _ in range(random.integers(4))]
            pairs = [*own.items(), *lists]
            random.shuffle(pairs)
            index = f"{part}{user:030x}"
            profiles[index] = own
            lines.append(f"{index},{len(pairs)},{features([(str(field), int(value)) for field, value in pairs])}")
        (folder / f"common_features_{part}.csv").write_text("\n".join(lines) + "\n")
        expected[part], lines = [], []
        for number in range(rows):
            item = {field: int(random.integers(60)) for field in ITEM_FIELDS if random.random() < 0.95}
            pairs = [*item.items(), ("210", 5), ("210", 6)]
            index = f"{part}{random.integers(users):030x}"
            click = int(random.random() < 0.4)
            conversion = int(random.random() < 0.3)
            lines.append(f"{number},{click},{conversion},{index},{len(pairs)},{features(pairs)}")
            own = {f"field_{field}": str(value) for field, value in {**profiles[index], **item}.items()}
            expected[part].append({"click": click, "conversion": conversion, **own})
        (folder / f"sample_skeleton_{part}.csv").write_text("\n".join(lines) + "\n")
    return expected
