"""The OpenAPI document and its page."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.metadata import version
from typing import Any

import httpx
import pytest

from tests.http.service import Service
from tests.http.wire import EVENTS, counts

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@pytest.fixture(scope="module")
def document(service: Service) -> Any:
    answer = httpx.get(service.url + "/schema/openapi.json", timeout=60)
    assert answer.status_code == 200
    return answer.json()


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method in METHODS & set(item):
            yield path, method, item[method]


def test_the_document_has_the_shape_of_openapi_3_1(document: Any) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"]["title"]
    identifiers = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(identifiers) == len(set(identifiers))
    for path, _, operation in operations(document):
        assert path.startswith("/")
        assert operation["responses"]
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d|default", status)
            assert response.get("description") or response["$ref"]
        for parameter in operation.get("parameters", []):
            assert parameter["in"] in {"query", "header", "path"}
            assert parameter["schema"]
        in_path = [each for each in operation.get("parameters", []) if each["in"] == "path"]
        assert {each["name"] for each in in_path} == set(re.findall(r"\{([^}:]+)", path))
        assert all(each["required"] for each in in_path)


def test_the_documents_version_is_the_products(document: Any) -> None:
    assert document["info"]["version"] == version("roundbook")


def references(value: Any) -> Iterator[str]:
    match value:
        case {"$ref": str(target)}:
            yield target
        case dict():
            for member in value.values():
                yield from references(member)
        case list():
            for element in value:
                yield from references(element)


def test_every_reference_of_the_document_leads_somewhere(document: Any) -> None:
    for reference in references(document):
        assert reference.startswith("#/")
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]


def test_the_document_describes_every_path_of_the_contract(document: Any) -> None:
    queries = (
        *("players", "players/{player_id}", "balances", "rounds", "transactions", "games"),
        *("games/{game_id}", "facets", "activity", "conflicts", "status", "history"),
        *(
            f"evidence/{path}"
            for path in ("checkpoint", "keys", "tile/{tile}", "inclusion", "consistency", "bundle")
        ),
    )
    described = {re.sub(r":[a-z]+}", "}", path) for path in document["paths"]}
    assert described >= {EVENTS, *(f"/api/v1/{query}" for query in queries)}


def test_the_document_tells_which_operations_need_a_key(document: Any) -> None:
    schemes = document["components"]["securitySchemes"]
    [name] = [name for name, scheme in schemes.items() if scheme.get("name") == "x-api-key"]
    for path, _, operation in operations(document):
        assert operation["security"] == ([{name: []}] if path.startswith("/api/") else []), path


def test_the_document_names_each_answer_of_ingest(document: Any) -> None:
    operation = document["paths"][EVENTS]["post"]
    assert set(operation["responses"]) >= {
        *("200", "204", "400", "403", "413", "415", "422", "503"),
    }


def test_the_documents_examples_of_a_batch_are_taken(document: Any, client: httpx.Client) -> None:
    content = document["paths"][EVENTS]["post"]["requestBody"]["content"]["application/json"]
    examples = [each["value"] for each in content.get("examples", {}).values()]
    examples += [content["example"]] if "example" in content else []
    assert examples
    for example in examples:
        taken = client.post(EVENTS, content=json.dumps(example))
        assert sum(counts(taken)) == len(example["items"])


class Links(HTMLParser):
    """Collects what a page loads, and its inline code."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in {"src", "href"}]


@pytest.mark.parametrize("path", ["/schema", "/schema/"])
def test_the_page_loads_only_what_the_service_itself_serves(service: Service, path: str) -> None:
    answer = httpx.get(service.url + path, timeout=60)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    links = Links()
    links.feed(answer.text)
    assert len(links.found) >= 3
    for link in links.found:
        assert re.match(r"/[^/]", link), link
        asset = httpx.get(service.url + link, timeout=60)
        assert asset.status_code == 200
        assert asset.content
    outside_examples = re.sub(r"spec: .*", "", answer.text)
    assert "https://" not in outside_examples
    assert "http://" not in outside_examples
