"""Stubs, docstrings and examples are what the package is."""

import ast
import doctest
import inspect
import shutil
from pathlib import Path

import pytest
import rheos
from rheos import _rheos, flowgen

STUBS = ast.parse((Path(rheos.__file__).parent / "_rheos.pyi").read_text())
#: What every class has, whether a stub says so or not.
GIVEN = {"__doc__", "__module__", "__repr__", "__weakref__", "__new__"}
#: What Python adds to a class with `__eq__`, and from 3.12 on to one with the buffer protocol.
GIVEN |= {"__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__buffer__", "__release_buffer__"}
#: What `pickle` leaves on a class that it has seen.
GIVEN |= {"__slotnames__"}


def parameters_of_stub(function: ast.FunctionDef) -> list[tuple[str, str, bool]]:
    """Name, kind and whether there is a default, in order."""
    found = function.args
    plain = found.posonlyargs + found.args
    defaults = len(plain) - len(found.defaults)
    told = [(arg.arg, "plain", place >= defaults) for place, arg in enumerate(plain)]
    if found.vararg:
        told.append((found.vararg.arg, "rest", False))
    told += [
        (arg.arg, "named", default is not None)
        for arg, default in zip(found.kwonlyargs, found.kw_defaults)
    ]
    if found.kwarg:
        told.append((found.kwarg.arg, "others", False))
    return told


def parameters_of(function: object) -> list[tuple[str, str, bool]]:
    kinds = {
        inspect.Parameter.POSITIONAL_ONLY: "plain",
        inspect.Parameter.POSITIONAL_OR_KEYWORD: "plain",
        inspect.Parameter.VAR_POSITIONAL: "rest",
        inspect.Parameter.KEYWORD_ONLY: "named",
        inspect.Parameter.VAR_KEYWORD: "others",
    }
    return [
        (name, kinds[parameter.kind], parameter.default is not inspect.Parameter.empty)
        for name, parameter in inspect.signature(function).parameters.items()
    ]


def named(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """What a module's or a class's body defines or annotates."""
    names: dict[str, ast.stmt] = {}
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            names[statement.name] = statement
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names[statement.target.id] = statement
    return names


def test_stubs_name_what_the_module_has():
    assert set(named(STUBS.body)) == set(_rheos.__all__)


@pytest.mark.parametrize("name", _rheos.__all__)
def test_stubs_have_the_signatures_of_the_module(name):
    real, stub = getattr(_rheos, name), named(STUBS.body)[name]
    if inspect.isbuiltin(real):
        assert isinstance(stub, ast.FunctionDef)
        assert parameters_of_stub(stub) == parameters_of(real)
    elif isinstance(real, type):
        assert isinstance(stub, ast.ClassDef)
        members = named(stub.body)
        assert set(members) - GIVEN == set(vars(real)) - GIVEN
        if "__new__" in members:
            assert parameters_of_stub(members["__new__"])[1:] == parameters_of(real)
        for member, statement in members.items():
            if member in GIVEN:
                continue
            value = vars(real)[member]
            if inspect.isgetsetdescriptor(value):
                assert isinstance(statement, ast.AnnAssign), member
            else:
                assert isinstance(statement, ast.FunctionDef), member
                assert parameters_of_stub(statement) == parameters_of(value), member
    else:
        assert isinstance(stub, ast.AnnAssign)


def test_a_changed_signature_is_noticed():
    changed = ast.parse("def groups(more: int = 0) -> list[tuple[str, str, int]]: ...").body[0]
    assert isinstance(changed, ast.FunctionDef)
    assert parameters_of_stub(changed) != parameters_of(_rheos.groups)


def documented() -> list[tuple[str, object]]:
    """Everything public, and the methods of the classes."""
    found: list[tuple[str, object]] = [("rheos", rheos), ("rheos.flowgen", flowgen)]
    modules = [(rheos, rheos.__all__), (flowgen, flowgen.__all__), (_rheos, _rheos.__all__)]
    for module, names in modules:
        for name in names:
            value = getattr(module, name)
            if isinstance(value, (str, bool)):
                continue
            path = f"{module.__name__}.{name}"
            found.append((path, value))
            if isinstance(value, type):
                members = vars(value).items()
                found += [
                    (f"{path}.{member}", of)
                    for member, of in members
                    if (callable(of) or inspect.isdatadescriptor(of))
                    # The last are what `dataclass` writes.
                    and member
                    not in ("__init__", "__repr__", "__new__", "__weakref__", "__eq__", "__replace__")
                ]
    return found


@pytest.mark.parametrize(("path", "value"), documented(), ids=lambda of: of if isinstance(of, str) else "")
def test_everything_public_has_a_docstring(path, value):
    assert (inspect.getdoc(value) or "").strip(), f"{path} says nothing of itself"


def test_every_function_and_conversion_has_an_example():
    functions = [getattr(module, name) for module in (rheos, flowgen) for name in module.__all__]
    functions = [function for function in functions if inspect.isfunction(function)]
    kinds = [rheos.Rows, rheos.Batch, rheos.Stream, rheos.Extended]
    kinds += [flowgen.FlowGenerator, flowgen.FlowBatch, flowgen.FlowRecord, flowgen.GeneratorConfig]
    assert len(functions) >= 5
    for thing in functions + kinds:
        assert ">>>" in (thing.__doc__ or ""), f"{thing.__name__} has no example"


def test_examples_run(capture, monkeypatch, tmp_path):
    shutil.copy(capture, tmp_path / "capture.pcap")
    monkeypatch.chdir(tmp_path)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(rheos, extraglobs={"rheos": rheos}, optionflags=flags)
    assert result.failed == 0
    assert result.attempted >= 20


def test_examples_of_flows_run(examples, example, monkeypatch, tmp_path):
    shutil.copy(example, tmp_path / "example.yaml")
    shutil.copy(examples / "campus.yaml", tmp_path / "campus.yaml")
    monkeypatch.chdir(tmp_path)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(flowgen, optionflags=flags)
    assert result.failed == 0
    assert result.attempted >= 20
    # Those of the classes that are written in Rust: `testmod` sees a module's own only.
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=flags)
    for kind in (flowgen.FlowGenerator, flowgen.FlowBatch, flowgen.FlowRecord, flowgen.WideRecord):
        for examples in finder.find(kind, module=False, globs={}):
            runner.run(examples)
    assert runner.failures == 0
    assert runner.tries >= 12


def test_the_readme_s_code_about_made_flows_runs(example, monkeypatch, tmp_path, capsys):
    pytest.importorskip("polars")
    text = (Path(__file__).resolve().parents[1] / "README.md").read_text()
    blocks = [block.partition("```")[0] for block in text.split("```python\n")[1:]]
    blocks = [block for block in blocks if "flowgen" in block]
    assert len(blocks) == 2
    shutil.copy(example, tmp_path / "example.yaml")
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert len((tmp_path / "flows.csv").read_text().splitlines()) == 100_001
    assert "shape: (5, 10)" in capsys.readouterr().out
