"""A page of a report as a browser would find it, and what every such page promises."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "hr", "input"}


@dataclass
class Page(HTMLParser):
    """What a browser would find."""

    opened: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.opened.append(tag)
        self._look(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._look(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def _look(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("href", "xlink:href"):
                self.links.append(value or "")
            elif name in ("src", "srcset", "action", "data") or name.startswith("on"):
                self.others.append((tag, name))
            elif name == "aria-label" and tag == "svg":
                self.labels.append(value or "")


def parsed(html: str) -> Page:
    """What a browser would find; every element is closed."""
    page = Page()
    page.feed(html)
    assert page.opened == []
    return page


def check_stands_alone(html: str) -> None:
    """It runs nothing, asks for nothing from elsewhere, and every reference within is met, once."""
    page = parsed(html)
    assert page.tags & {"script", "link", "img", "iframe", "object", "embed", "image", "foreignobject", "base"} == set()
    assert page.others == []
    assert [link for link in page.links if not link.startswith("#")] == []
    assert "://" not in html
    assert "@import" not in html
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    assert "default-src 'none'" in html
    assert len(page.ids) == len(set(page.ids))
    named = {link[1:] for link in page.links} | set(re.findall(r"url\(#([^)]*)\)", html))
    assert named - set(page.ids) == set()


def check_coloured_by_the_page(html: str) -> None:
    """Figures have the page's colours, light, dark or printed, and none of their own."""
    drawn = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert [colour for svg in drawn for colour in re.findall(r"#[0-9a-f]{6}\b", svg)] == []
    variables = set(re.findall(r"var\((--ink[a-z-]*)\)", "".join(drawn)))
    assert {name for name in variables if f"{name}:" not in html} == set()
