"""Where a jump may lead."""

from __future__ import annotations

import pytest

from gateway.endpoints.tickets import covers

BASE = "https://general.example/portal/"


@pytest.mark.parametrize(
    "url",
    [
        "https://general.example/portal/apply?no=1",
        "https://general.example/portal/",
        "https://GENERAL.example/portal/x#y",
    ],
)
def test_addresses_below_the_registered_one_are_covered(url: str) -> None:
    assert covers(BASE, url)


@pytest.mark.parametrize(
    "url",
    [
        "http://general.example/portal/x",
        "https://general.example.evil/portal/x",
        "https://evil.example/portal/x",
        "https://general.example:8443/portal/x",
        "https://general.example@evil.example/portal/x",
        "https://user@general.example/portal/x",
        "https://general.example/portal/../admin",
        "https://general.example/portal/%2e%2e/admin",
        "https://general.example/portalx",
        "https://general.example/",
        "//general.example/portal/x",
        "javascript:alert(1)",
        "https://general.example\\@evil.example/portal/",
        "https://general.example:port/portal/x",
        "",
    ],
)
def test_every_other_address_is_not(url: str) -> None:
    assert not covers(BASE, url)


def test_a_registered_origin_covers_its_pages() -> None:
    assert covers("https://general.example/", "https://general.example/a/b")
    assert covers("https://general.example", "https://general.example")
