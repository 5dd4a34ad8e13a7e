"""Looks at every page that can be reached: follows links from the start pages, one page a kind.

Two pages are of one kind when their paths differ in ids only and the first names in their queries are
the same. So a new screen is looked at from the day on which a link leads to it.
"""

import gzip
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl, urldefrag, urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Error, Page

WIDE: Final = (1360, 900)
NARROW: Final = (390, 844)
_ID: Final = re.compile(
    r"(?<=/)(?:[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d|\d+)(?=/)|(?<=^/t/)[a-z0-9-]+"
)
_MOST_TABS: Final = 400
_MOST_REQUESTS: Final = 10
_MOST_STATIC: Final = 40_000  # bytes, compressed
# Rows of one table are alike: the first ones stand for all, which makes a walk five times as fast.
_SHORTEN: Final = """() => document.querySelectorAll("tbody tr:nth-child(n+7)").forEach((row) => {
  if (!row.closest(".facts")) { row.remove(); }
})"""
_AXE: Final = "(options) => axe.run(document, { resultTypes: ['violations'], ...options })"
_CONTRAST_ONLY: Final = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# A page that is not seen fetches nothing anew, which could come under the keys.
_KEPT: Final = "Object.defineProperty(document, 'hidden', { value: true, configurable: true })"
_SETTLED: Final = "() => document.fonts.ready.then(() => true)"
_OF_THE_PAGE_ITSELF: Final = "Failed to load resource: the server responded with a status of 4"
# Violations are collected before any script of the page runs; focus when the key has come up,
# because by then the browser has scrolled.
_WATCH: Final = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
});
window.focused = new Map();
document.addEventListener("keyup", () => {
  const element = document.activeElement;
  if (!element || element === document.body || window.focused.has(element)) { return; }
  const outlined = [element, element.parentElement, element.closest("li")].some((each) => {
    const style = each && getComputedStyle(each);
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  const box = element.getBoundingClientRect();
  const inside = (low, high, most) => Math.min(Math.max((low + Math.min(high, most)) / 2, low + 1), most - 1);
  const x = inside(box.left, box.right, innerWidth), y = inside(box.top, box.bottom, innerHeight);
  const seen = document.elementFromPoint(x, y);
  const covered = !seen || !(element.contains(seen) || seen.contains(element));
  window.focused.set(element, { outlined, covered });
});
"""
_TABBABLE: Final = """() => [...document.querySelectorAll(
  "a[href]:not([tabindex='-1']), button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
)].filter((each) => !each.disabled && each.checkVisibility({ checkVisibilityCSS: true }))
"""
# A field of a date is four stops: day, month, year, and the button that opens a calendar.
_STOPS: Final = (
    f"() => ({_TABBABLE})().reduce((sum, each) => sum + (each.type === 'date' ? 4 : 1), 0)"
)
_UNREACHED: Final = f"""() => {{
  const name = (each) => `<${{each.tagName.toLowerCase()}}> ${{(each.textContent || each.name || each.id).trim().slice(0, 40)}}`;
  const all = ({_TABBABLE})();
  const wrong = [...window.focused].filter(([, how]) => !how.outlined || how.covered);
  return [
    ...all.filter((each) => !window.focused.has(each)).map((each) => `not reached: ${{name(each)}}`),
    ...wrong.map(([each, how]) => `${{how.covered ? "covered" : "no visible focus"}}: ${{name(each)}}`),
  ];
}}"""
_FIELDS_IN_ERROR: Final = """() => [...document.querySelectorAll(".form-row.errors")].filter((row) => {
  const field = row.querySelector("input, select, textarea");
  const ids = (field.getAttribute("aria-describedby") || "").split(" ");
  const said = ids.map((id) => document.getElementById(id)).filter((each) => each && each.matches(".errorlist"));
  return field.getAttribute("aria-invalid") !== "true" || said.length === 0;
}).map((row) => row.textContent.trim().slice(0, 60))
"""
_TEXT: Final = "(url) => fetch(url).then((answer) => answer.text())"
# Links in drawings have no `href` that is a text.
_HREFS: Final = """() => [...document.querySelectorAll("a[href]")]
  .map((each) => new URL(each.getAttribute("href"), document.baseURI).href)
"""
_FILES: Final = """() => performance.getEntriesByType("resource").map((each) => each.name)"""
_SMALL_TARGETS: Final = """() => [...document.querySelectorAll("button, input:not([type=hidden]), select, summary, .button, nav a")]
  .filter((each) => each.checkVisibility({ checkVisibilityCSS: true }))
  .filter((each) => { const box = each.getBoundingClientRect(); return box.width && (box.width < 24 || box.height < 24); })
  .map((each) => (each.textContent || each.name || each.id).trim().slice(0, 40))
"""


def kind_of(url: str) -> str:
    """The kind of a page: the part of its address that pages of one kind share."""
    parts = urlsplit(url)
    names = [name for name, _ in parse_qsl(parts.query) if not name.startswith("_")]
    return _ID.sub("*", parts.path) + (f"?{names[0]}" if names else "")


@dataclass
class Findings:
    """The findings, by the kind of check."""

    seen: dict[str, str] = field(default_factory=dict)  # kind -> address
    titles: dict[str, str] = field(default_factory=dict)  # kind -> title
    axe: list[str] = field(default_factory=list)
    policy: list[str] = field(default_factory=list)
    sideways: list[str] = field(default_factory=list)
    keyboard: list[str] = field(default_factory=list)
    structure: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    weight: list[str] = field(default_factory=list)
    forms_in_error: int = 0


class Crawler:
    """Walks in one window, as a stranger or signed in; `who` says which in what is found."""

    def __init__(self, who: str, page: Page, findings: Findings) -> None:
        self.who = who
        self.page = page
        self.findings = findings
        self._console: list[str] = []
        self._sizes: dict[str, int] = {}  # of static files, compressed
        page.add_init_script(_WATCH)
        page.on("console", self._note)

    def walk(self, starts: Iterable[str]) -> None:
        """Look at the start pages and at one page of each kind that links lead to."""
        queue = deque(starts)
        hosts = {urlsplit(url).netloc for url in queue}
        while queue:
            url = queue.popleft()
            kind = f"{self.who}: {kind_of(url)}"
            if kind in self.findings.seen or urlsplit(url).netloc not in hosts:
                continue
            self.findings.seen[kind] = url
            if self._open(url):
                self.findings.titles[kind] = self.page.title()
                self._weight(kind)
                queue.extend(self._links())
                self.look(kind)
                self._submit_nothing(kind)

    def look(self, name: str) -> None:
        """Look at the page that is open, once all of it is there; briefly, if it is the same page with another
        query.
        """
        self.page.wait_for_load_state()
        self._policy(name)  # before axe, which adds a style of its own
        self._structure(name)
        if "?" in name:
            return
        self.page.evaluate(_SHORTEN)
        self._keyboard(name)
        self.page.evaluate(AXE_SCRIPT)
        self._axe(name, "light")
        self._axe(name, "dark", _CONTRAST_ONLY)
        self._size(NARROW)
        self._width(name)
        self._axe(name, "light")
        self._axe(name, "dark", _CONTRAST_ONLY)
        self._size(WIDE)
        self._console.clear()  # of axe's style

    def _open(self, url: str) -> bool:
        """True if a page is open now; of a download the headers are looked at."""
        try:
            answer = self.page.goto(url)
        except Error as error:
            if "Download is starting" not in str(error):
                raise
            self._headers(url, self.page.request.get(url).headers)
            return False
        assert answer is not None
        self._headers(url, answer.headers)
        return answer.headers.get("content-type", "").startswith("text/html")

    def _headers(self, url: str, headers: dict[str, str]) -> None:
        policy = headers.get("content-security-policy", "")
        if "default-src 'none'" not in policy or "unsafe" in policy:
            self.findings.headers.append(f"{url}: {policy!r}")
        if headers.get("x-content-type-options") != "nosniff":
            self.findings.headers.append(f"{url}: sniffed")

    def _links(self) -> list[str]:
        found: list[str] = self.page.evaluate(_HREFS)
        return [urldefrag(url).url for url in found if url.startswith("http")]

    def _weight(self, name: str) -> None:
        """Weigh the page for a browser whose cache is empty."""
        files = [url for url in self.page.evaluate(_FILES) if "/static/" in url]
        for url in files:
            if url not in self._sizes:
                text = self.page.evaluate(_TEXT, url)
                self._sizes[url] = len(gzip.compress(text.encode()))
        static = sum(self._sizes[url] for url in files)
        if len(files) + 1 > _MOST_REQUESTS or static > _MOST_STATIC:
            self.findings.weight.append(f"{name}: {len(files) + 1} requests, {static} bytes")

    def _structure(self, name: str) -> None:
        for selector in ("html[lang]", "h1", "main"):
            count = self.page.locator(selector).count()
            if count != 1:
                self.findings.structure.append(f"{name}: {count} of {selector}")
        small = self.page.evaluate(_SMALL_TARGETS)
        self.findings.structure += [f"{name}: a small target: {each}" for each in small]

    def _policy(self, name: str) -> None:
        violations = self.page.evaluate("window.violations")
        self.findings.policy += [f"{name}: {each}" for each in (*violations, *self._console)]
        self._console.clear()

    def _axe(
        self, name: str, scheme: Any, options: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        """axe with all its rules, or with those that depend on the color scheme."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.evaluate(_SETTLED)
        found = self.page.evaluate(_AXE, dict(options))
        width = self.page.evaluate("innerWidth")
        self.findings.axe += [
            f"{name} ({scheme}, {width} px): {each['id']}: {each['nodes'][0]['target']}"
            f" {each['nodes'][0]['failureSummary']}"
            for each in found["violations"]
        ]

    def _width(self, name: str) -> None:
        beyond = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if beyond > 0:
            self.findings.sideways.append(f"{name}: {beyond} px too wide")

    def _keyboard(self, name: str) -> None:
        self.page.evaluate(_KEPT)
        self.page.evaluate("document.activeElement.blur(); scrollTo(0, 0); window.focused.clear()")
        count = self.page.evaluate(_STOPS)
        for _ in range(min(count, _MOST_TABS) + 1):
            self.page.keyboard.press("Tab")
        self.findings.keyboard += [f"{name}: {each}" for each in self.page.evaluate(_UNREACHED)]

    def _submit_nothing(self, kind: str) -> None:
        """Send the form of the page with its texts emptied, which must be refused, and look."""
        if self.page.locator("form.act [data-passkey]").count():
            return  # what it sends an authenticator makes
        texts = self.page.locator(
            "form.act :is(input[type=text], input[type=email], input[type=password], textarea)"
        )
        required = self.page.locator(
            "form.act .form-row:not(:has(.optional)) :is(input:not([type=checkbox]), textarea)"
        )
        if texts.count() == 0 or required.count() == 0:
            return  # it may be sent empty
        for each in texts.all():
            each.fill("")
        self.page.locator("form.act [type=submit]").click()
        self.page.locator(".errornote").wait_for()
        self.page.wait_for_load_state()
        self.findings.forms_in_error += 1
        untied = self.page.evaluate(_FIELDS_IN_ERROR)
        self.findings.structure += [f"{kind}: an error is not tied to: {each}" for each in untied]
        self.look(f"{kind} (in error)")

    def _size(self, size: tuple[int, int]) -> None:
        self.page.set_viewport_size({"width": size[0], "height": size[1]})

    def _note(self, message: Any) -> None:
        if message.type == "error" and not message.text.startswith(_OF_THE_PAGE_ITSELF):
            self._console.append(f"console: {message.text}")
