"""What is found, what is broken, and what is refused."""

import os
import pickle
from pathlib import Path

import pytest
from plugin_sources import BACKBONE, DATASET, HEAD, weighting, write

from mtlbench.cells import PluginSpec
from mtlbench.discovery import Broken, Catalogue, Entry, discover, plugin_files
from mtlbench.errors import UsageError

HOOKS = """
from mtlbench.api import hookimpl

@hookimpl
def register_weightings(register):
    register.package("{package}.weightings")
"""


def install(site: Path, package: str, module: str = "") -> Path:
    """A distribution with an entry point, as pip would leave it in the folder ``site``."""
    info = site / f"{package}-1.5.dist-info"
    write(info, "METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n")
    write(info, "entry_points.txt", f"[mtlbench]\n{package} = {module or package}\n")
    return write(site / package, "__init__.py", HOOKS.format(package=package)).parent


def broken(catalogue: Catalogue, name: str) -> Broken:
    [found] = [one for one in catalogue.broken if one.name == name]
    return found


def test_built_in_plugins_are_found_through_the_entry_point() -> None:
    catalogue = discover()
    assert {"constant", "decay", "rmtl"} <= set(catalogue.weightings)
    assert catalogue.weightings["rmtl"].origin.startswith("mtlbench_plugins.weightings.rmtl (mtlbench ")
    assert not catalogue.broken


def test_a_built_in_plugin_is_called_as_its_file() -> None:
    catalogue = discover()
    for entry in [*catalogue.datasets.values(), *catalogue.backbones.values(), *catalogue.weightings.values()]:
        assert entry.cls.__module__.rpartition(".")[2] == entry.name.replace("-", "_")
        assert entry.summary


def test_a_package_brings_its_folder_of_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = install(tmp_path, "mtlthird")
    write(package / "weightings", "__init__.py", "")
    write(package / "weightings", "good.py", weighting("good"))
    write(package / "weightings", "_helper.py", "raise RuntimeError('never imported')")
    write(package / "weightings", "bad.py", "import no_such_module_at_all")
    write(package / "weightings", "leaves.py", "raise SystemExit(3)")
    write(package / "weightings", "empty.py", "x = 1")
    forgot = f"{HEAD}class Forgot(api.Weighting):\n    name, label = 'forgot', 'Forgot'\n"
    write(package / "weightings", "forgot.py", forgot)
    monkeypatch.syspath_prepend(tmp_path)
    catalogue = discover()
    assert catalogue.weightings["good"].origin == "mtlthird.weightings.good (mtlthird 1.5)"
    assert "rmtl" in catalogue.weightings
    assert "No module named 'no_such_module_at_all'" in broken(catalogue, "bad").reason
    assert broken(catalogue, "leaves").reason == "SystemExit: 3"
    assert "defines no weighting class" in broken(catalogue, "empty").reason
    assert "define weigh" in broken(catalogue, "forgot").reason
    assert len(catalogue.broken) == 4
    assert {one.kind for one in catalogue.broken} == {"weighting"}


@pytest.mark.parametrize(
    ("init", "reason"),
    [
        ("1 / 0", "ZeroDivisionError"),
        (HOOKS.format(package="mtlbad.absent") + "\n\nimport torch", "No module named 'mtlbad.absent'"),
        ("from mtlbench.api import hookimpl\n@hookimpl\ndef register_weighting(register): pass", "unknown hook"),
        ("from mtlbench.api import hookimpl\n@hookimpl\ndef register_weightings(registry): pass", "registry"),
        ("from mtlbench.api import hookimpl\n@hookimpl\ndef register_weightings(register): 1 / 0", "ZeroDivision"),
        ("from mtlbench.api import hookimpl\n@hookimpl\ndef register_weightings(register): register(3)", "3 is not"),
    ],
    ids=["import", "package", "hook-name", "hook-argument", "hook-raises", "no-class"],
)
def test_a_broken_package_is_shown_and_the_others_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, init: str, reason: str
) -> None:
    write(install(tmp_path, "mtlbad"), "__init__.py", init)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "mtlbad", raising=False)
    catalogue = discover()
    [one] = catalogue.broken
    assert reason in one.reason
    assert "rmtl" in catalogue.weightings


def test_a_file_brings_the_classes_that_it_defines(tmp_path: Path) -> None:
    source = (
        weighting("one")
        + weighting("two", class_name="Two")
        + "\n\nfrom mtlbench_plugins.weightings.rmtl import RMTL\n"
    )
    files = [
        write(tmp_path, "mine.py", source),
        write(tmp_path, "net.py", BACKBONE.format(name="net")),
        write(tmp_path, "data.py", DATASET.format(name="data")),
    ]
    catalogue = discover(files)
    assert not catalogue.broken
    assert catalogue.weightings["one"].origin == catalogue.weightings["two"].origin == str(files[0])
    assert catalogue.get("backbone", "net").cls.label == "Net"
    assert catalogue.get("dataset", "data").cls.label == "Data"


def test_a_file_with_hooks_registers_what_they_say(tmp_path: Path) -> None:
    hooks = "\n@api.hookimpl\ndef register_weightings(register):\n    register(Mine)\n"
    both = weighting("said") + weighting("unsaid", class_name="Unsaid") + hooks
    catalogue = discover([write(tmp_path, "hooked.py", both)])
    assert "said" in catalogue.weightings
    assert "unsaid" not in catalogue.weightings


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def broken(", "SyntaxError"),
        ("x = 1", "defines no subclass"),
        (weighting("Upper-Case"), "lower-case letters"),
        (weighting("fine").replace('"Fine"', '""'), "label"),
        (weighting("fine", params='x: int = Field(description="no default")'), "no valid default for x"),
        (weighting("fine", params="x: object = object()"), "cannot be written as JSON"),
        (weighting("fine") + "\nMine.Params = dict\n", "must be a subclass of mtlbench.api.Params"),
    ],
)
def test_a_broken_file_is_shown_with_its_reason(tmp_path: Path, source: str, reason: str) -> None:
    catalogue = discover([write(tmp_path, "fine.py", source)])
    [one] = catalogue.broken
    assert reason in one.reason
    assert one.origin == str(tmp_path / "fine.py")
    assert "rmtl" in catalogue.weightings


@pytest.mark.parametrize("error", ["MemoryError()", "OSError('[Errno 12] Cannot allocate memory')"])
def test_a_plugin_that_finds_no_memory_is_not_called_broken(tmp_path: Path, error: str) -> None:
    with pytest.raises((MemoryError, OSError)):
        discover([write(tmp_path, "mine.py", f"raise {error}")])


def test_asking_for_a_broken_plugin_tells_the_reason(tmp_path: Path) -> None:
    catalogue = discover([write(tmp_path, "my_weight.py", "1 / 0")])
    with pytest.raises(UsageError, match=r"'my-weight' is broken: .*my_weight.py: ZeroDivisionError"):
        catalogue.get("weighting", "my-weight")


def test_two_plugins_of_one_name_are_refused_with_both_origins(tmp_path: Path) -> None:
    file = write(tmp_path, "imposter.py", weighting("rmtl"))
    with pytest.raises(UsageError) as error:
        discover([file])
    assert "mtlbench_plugins.weightings.rmtl (mtlbench " in str(error.value)
    assert str(file) in str(error.value)


def test_the_same_name_in_two_kinds_is_fine(tmp_path: Path) -> None:
    files = [write(tmp_path, "a.py", weighting("net")), write(tmp_path, "b.py", BACKBONE.format(name="net"))]
    catalogue = discover(files)
    assert catalogue.get("weighting", "net") != catalogue.get("backbone", "net")


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"unknown weighting 'rmlt': did you mean 'rmtl'\?"):
        discover().get("weighting", "rmlt")


def test_discovery_is_repeatable_and_a_plugin_survives_pickling(tmp_path: Path) -> None:
    file = write(tmp_path, "again.py", weighting("again"))
    first, second = discover([file]), discover([file])
    assert first.weightings == second.weightings
    plugin = first.create("weighting", PluginSpec("again", {}))
    assert type(pickle.loads(pickle.dumps(plugin))) is second.weightings["again"].cls


def test_plugins_are_discovered_once_per_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, "once.py", weighting("once"))
    assert discover() is discover(())
    found = discover([file])
    assert found is discover([str(file)])
    assert found is not discover()
    install(tmp_path, "mtlnew")
    monkeypatch.syspath_prepend(tmp_path)
    assert discover([file]) is not found


def test_a_broken_plugin_is_searched_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_key = "import os\nos.environ['MTLBENCH_TEST_KEY']\n"
    file = write(tmp_path, "locked.py", needs_key + weighting("locked"))
    assert broken(discover([file]), "locked").reason == "KeyError: 'MTLBENCH_TEST_KEY'"
    monkeypatch.setenv("MTLBENCH_TEST_KEY", "there")
    assert "locked" in discover([file]).weightings


def test_nobody_changes_the_catalogue_that_all_share() -> None:
    catalogue = discover()
    entry = catalogue.get("weighting", "constant")
    with pytest.raises(TypeError):
        catalogue.of_kind("weighting")["mine"] = entry  # type: ignore[index]
    mine = Entry(type("Mine", (entry.cls,), {"name": "mine"}), "weighting", "here")
    more = catalogue.including([mine])
    assert set(more.weightings) - set(catalogue.weightings) == {"mine"}
    assert (more.datasets, more.backbones, more.broken) == (catalogue.datasets, catalogue.backbones, catalogue.broken)
    other = Entry(mine.cls, "weighting", "elsewhere")
    assert more.including([other]).weightings["mine"] is other


def test_an_edit_of_the_same_size_and_time_is_a_new_plugin(tmp_path: Path) -> None:
    file = write(tmp_path, "edit.py", weighting("one"))
    state = file.stat()
    assert "one" in discover([file]).weightings
    write(tmp_path, "edit.py", weighting("two"))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    after = discover([file])
    assert file.stat().st_size == state.st_size
    assert "two" in after.weightings
    assert "one" not in after.weightings
    assert not (tmp_path / "__pycache__").exists()


def test_an_edited_file_is_a_new_plugin(tmp_path: Path) -> None:
    before = discover([write(tmp_path, "edit.py", weighting("before"))])
    after = discover([write(tmp_path, "edit.py", weighting("after"))])
    assert "before" in before.weightings
    assert "after" in after.weightings
    assert "before" not in after.weightings


def test_create_passes_arguments_and_validated_parameters(tmp_path: Path) -> None:
    catalogue = discover([write(tmp_path, "net.py", BACKBONE.format(name="net"))])
    net = catalogue.create("backbone", PluginSpec("net", {"bottom": [8, 4]}), "the schema")
    assert net.schema == "the schema"
    assert net.params.bottom == (8, 4)


def test_plugin_files_come_from_the_user_and_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = write(tmp_path, "named.py", "")
    folder = tmp_path / "folder"
    for file in ("b.py", "a.py", "_no.py", "no.txt"):
        write(folder, file, "")
    monkeypatch.setenv("MTLBENCH_PLUGINS", str(folder))
    monkeypatch.chdir(tmp_path)
    assert plugin_files([Path("named.py"), folder / "b.py"]) == (named, folder / "b.py", folder / "a.py")


@pytest.mark.parametrize("file", ["absent.py", "text.txt"])
def test_a_plugin_file_must_be_there(tmp_path: Path, file: str) -> None:
    write(tmp_path, "text.txt", "")
    with pytest.raises(UsageError, match=file):
        plugin_files([tmp_path / file])


def test_the_plugin_folder_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLBENCH_PLUGINS", str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="MTLBENCH_PLUGINS"):
        plugin_files()
