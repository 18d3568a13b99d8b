"""The data standard in the console: every type with its elements and samples, every code table, in both languages."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.console.conftest import Site
from tests.console.people import cookie_of
from tests.console.test_bulk import ask, said


async def test_every_type_has_a_page_with_its_elements_and_samples(site: Site) -> None:
    _, page, _ = await ask(site, "/console/standard")
    links = page.xpath("//aside//li/a/@href")
    assert len(links) == len(list(site.standard.catalogue))
    status, page, _ = await ask(site, "/console/standard/types/3001")
    assert status == 200 and "AppAmount" in said(page.xpath("//article")[0])
    xml, json = (str(one.text_content()) for one in page.xpath("//article//pre"))
    assert etree.fromstring(xml.encode()).findtext(".//{*}AppAmount") is not None
    assert '"AppAmount"' in json


@pytest.mark.parametrize("path", ["codes", "rules", "codes/status", "codes/region"])
async def test_code_tables_and_rules_are_there(site: Site, path: str) -> None:
    status, page, _ = await ask(site, f"/console/standard/{path}")
    assert status == 200 and page.xpath("//article//table//td")


@pytest.mark.parametrize("path", ["types/0000", "codes/none"])
async def test_what_the_standard_does_not_have_is_a_404_page(site: Site, path: str) -> None:
    assert (await ask(site, f"/console/standard/{path}"))[0] == 404


async def test_the_standard_speaks_english_too_and_is_open_to_every_role(site: Site) -> None:
    cookies = await cookie_of(site.store, "audit") | {"gateway-language": "en"}
    _, page, _ = await ask(site, "/console/standard/types/3001", cookies=cookies)
    kind = site.standard.catalogue.get("3001")
    assert kind.title_en in said(page.xpath("//h1")[0]) and page.xpath("//summary[text()='Sample (XML)']")
