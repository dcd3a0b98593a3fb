"""The files of the project that tools read, as a tool reads them."""

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def pyproject() -> Any:
    return tomllib.loads(read("pyproject.toml"))


def read_yaml(name: str) -> Any:
    return yaml.safe_load(read(name))


def workflow_jobs() -> Any:
    return read_yaml(".github/workflows/ci.yml")["jobs"]


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile."""
    [lines] = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", read("Makefile"), re.MULTILINE)
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in lines.splitlines()]


def base_images() -> list[str]:
    """The images that the Dockerfile begins with, such as `python:3.14-slim`."""
    return re.findall(r"^FROM (\S+)", read("Dockerfile"), re.MULTILINE)


def instruction(name: str) -> str:
    """The last such instruction of the Dockerfile, on one line."""
    joined = read("Dockerfile").replace("\\\n", "")
    *_, last = re.finditer(rf"^{name} (.*)", joined, re.MULTILINE)
    return last[1]
