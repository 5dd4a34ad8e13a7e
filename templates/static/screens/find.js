// Boxes that show what they find while one types (templates/console/hits.html), and keys.
"use strict";

const WAIT = 150; // milliseconds after a letter

for (const form of document.querySelectorAll("form[data-find]")) {
  attach(form);
}

function attach(form) {
  const box = form.querySelector("input[type=search]");
  const list = form.querySelector(".hits");
  const given = [...form.querySelectorAll("input[type=hidden]")];
  let timer;
  let asked = 0;

  list.id = `${box.id}-hits`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Results");
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  close();

  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => list.querySelector("[aria-selected=true]");

  function close() {
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  }

  function choose(option) {
    chosen()?.setAttribute("aria-selected", "false");
    option.setAttribute("aria-selected", "true");
    box.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  async function ask() {
    const mine = ++asked;
    const query = new URLSearchParams({ q: box.value, part: "" });
    given.forEach((field) => query.set(field.name, field.value));
    try {
      const answer = await fetch(`${form.dataset.find}?${query}`, { credentials: "same-origin", redirect: "error" });
      if (mine !== asked || !answer.ok) {
        return;
      }
      list.innerHTML = await answer.text();
      options().forEach((option, number) => { option.id = `${list.id}-${number}`; });
      list.hidden = false;
      box.setAttribute("aria-expanded", "true");
      box.removeAttribute("aria-activedescendant");
    } catch {
      close(); // Enter still leads to the page of results.
    }
  }

  box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, WAIT); });
  box.addEventListener("ask", ask); // one comes by a key or by the switcher, not with Tab
  box.addEventListener("keydown", (event) => {
    const all = options();
    if (event.key === "Escape") {
      if (!list.hidden) {
        event.stopPropagation();
        close();
      } else {
        box.blur();
      }
    } else if (!list.hidden && all.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      const from = all.indexOf(chosen());
      choose(all[(from === -1 && step === -1 ? all.length - 1 : from + step + all.length) % all.length]);
    } else if (event.key === "Enter" && !list.hidden && chosen()) {
      event.preventDefault();
      location.assign(chosen().dataset.path);
    }
  });
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) {
      location.assign(option.dataset.path);
    }
  });
  box.addEventListener("blur", () => { clearTimeout(timer); asked += 1; close(); });
}

// The switcher opens with the cursor in its box, and closes when one leaves it.
const switcher = document.querySelector("details.switcher");
switcher?.addEventListener("toggle", () => { if (switcher.open) { go(switcher.querySelector("input")); } });
switcher?.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    switcher.open = false;
    switcher.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  if (switcher && !switcher.contains(event.target)) {
    switcher.open = false;
  }
});

// KEYS. None of them acts while one types; the sheet (templates/console/keys.html) lists them.

const box = document.getElementById("find-box");
const sheet = document.getElementById("keys");
const keys = {
  "/": () => box && search(),
  "?": () => sheet?.showModal(),
  j: () => step(1),
  k: () => step(-1),
  "[": () => document.querySelector("main a[rel=prev]")?.click(),
  "]": () => document.querySelector("main a[rel=next]")?.click(),
};

document.addEventListener("keydown", (event) => {
  const isAlone = !event.ctrlKey && !event.metaKey && !event.altKey;
  const isTyping = event.target.matches("input, textarea, select, [contenteditable]");
  const isCtrlK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  if (box && isCtrlK) {
    event.preventDefault();
    search();
  } else if (isAlone && !isTyping && !document.querySelector("dialog[open]") && Object.hasOwn(keys, event.key)) {
    event.preventDefault();
    keys[event.key]();
  }
});
sheet?.querySelector("button").addEventListener("click", () => sheet.close());

function search() {
  go(box);
  box.select();
}

// To the first link of the next row, from the row that has the focus.
function step(by) {
  const rows = [...document.querySelectorAll("main :is(.results, .wide) tbody tr")].filter((row) => row.querySelector("a"));
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = at === -1 ? rows[by > 0 ? 0 : rows.length - 1] : rows[at + by];
  next?.querySelector("a").focus();
}

function go(box) {
  box.focus();
  box.dispatchEvent(new Event("ask"));
}
