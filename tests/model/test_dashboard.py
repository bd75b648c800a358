"""Dashboards as queries, and those of this project."""

import json
from pathlib import Path

import pytest

from meshproof.model.dashboard import panels_of, read_panels, substituted
from meshproof.paths import PROJECT_ROOT

OURS = PROJECT_ROOT / "manifests" / "monitoring" / "dashboards"


def test_panels_are_read_in_their_order() -> None:
    panels = [{"title": name, "targets": [{"expr": f"{name}_total"}]} for name in ("b", "a")]

    found = panels_of("mesh", json.dumps({"panels": panels}))

    assert [(each.id, each.queries) for each in found] == [("mesh: b", ["b_total"]), ("mesh: a", ["a_total"])]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"panels": [{"title": "x"}]}'])
def test_what_is_no_dashboard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="mesh: not a dashboard"):
        panels_of("mesh", text)


def test_panel_without_a_query_is_refused() -> None:
    with pytest.raises(ValueError, match="panels without a query: x"):
        panels_of("mesh", '{"panels": [{"title": "x", "targets": []}]}')


@pytest.mark.parametrize(
    "query", ['a{service=~"$service"}', 'a{service=~"${service}"}'], ids=["plain", "braces"]
)
def test_variables_are_replaced(query: str) -> None:
    assert substituted(query, {"service": ".+"}) == 'a{service=~".+"}'


def test_variable_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\$pod has no value"):
        substituted("a{$pod}", {"service": ""})


def test_our_dashboards_are_whole() -> None:
    panels = read_panels(OURS)

    assert {each.dashboard for each in panels} == {"mesh", "proxies", "service"}
    assert len({each.id for each in panels}) == len(panels)


@pytest.mark.parametrize("path", sorted(OURS.glob("*.json")), ids=lambda path: path.stem)
def test_our_panels_do_not_cover_one_another(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(path.read_text())["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
