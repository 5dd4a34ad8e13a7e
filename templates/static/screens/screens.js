// Copy buttons, forms that are sent once, filters that close, and the first field with an error.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) {
    return;
  }
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.firstChild.textContent = "Copied ";
  } catch {
    // Browsers offer the clipboard on https and localhost only: select the text for Ctrl+C.
    window.getSelection().selectAllChildren(source);
    button.firstChild.textContent = "Press Ctrl+C ";
  }
});

document.addEventListener("submit", (event) => {
  if (event.target.matches("form.act")) {
    event.target.querySelector("[type=submit]").disabled = true;
  }
});

// What the back button brings out of the browser's memory can be sent again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    document.querySelectorAll("form.act [type=submit]").forEach((button) => { button.disabled = false; });
  }
});

function closeFilters(except) {
  for (const filter of document.querySelectorAll("details.filter[open]")) {
    if (filter !== except) {
      filter.open = false;
    }
  }
}

document.addEventListener("click", (event) => closeFilters(event.target.closest("details.filter")));
document.addEventListener("focusin", (event) => closeFilters(event.target.closest("details.filter")));
document.addEventListener("keydown", (event) => {
  const open = document.querySelector("details.filter[open]");
  if (event.key === "Escape" && open) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

// "/" goes to the search box.
document.addEventListener("keydown", (event) => {
  const search = document.getElementById("searchbar");
  const isTyping = event.target.matches("input, textarea, select, [contenteditable]");
  if (event.key === "/" && search && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

// Times are in UTC; the viewer's own zone stands beside it in the title.
function inOwnZone(root) {
  for (const time of root.querySelectorAll("time[datetime][title$=UTC]")) {
    const own = new Date(time.dateTime).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
    time.title = `${time.title}\n${own}, your time`;
  }
}
inOwnZone(document);

document.querySelector("[aria-invalid=true]")?.focus();
document.querySelector("#sections [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
