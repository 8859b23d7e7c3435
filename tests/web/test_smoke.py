from typing import Any

import pytest


@pytest.mark.parametrize(
    "path",
    ["/c/7/kitchen", "/c/7/kitchen/list", "/c/7/my/kitchen", "/kitchen/form", "/kitchen/confirm"],
)
def test_every_component_page_opens(visit: Any, path: str) -> None:
    answer = visit.client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
