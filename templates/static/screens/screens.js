// Copy buttons, forms that are sent once, menus that close, messages that go, parts that are fetched again, and the first field with an error.
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

// A form with a passkey's field is sent when the browser has made or used the passkey.
async function passkeyOf(field) {
  const options = JSON.parse(field.dataset.options);
  if (field.dataset.passkey === "create") {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return navigator.credentials.create({ publicKey });
  }
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return navigator.credentials.get({ publicKey });
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const field = form.querySelector("input[data-passkey]");
  if (!field || !field.dataset.options) {
    return;
  }
  event.preventDefault();
  const button = form.querySelector("[type=submit]");
  try {
    field.value = JSON.stringify((await passkeyOf(field)).toJSON());
    form.submit();
  } catch {
    // Canceled, timed out, or a browser without passkeys.
    const note = form.querySelector("[data-note]") ?? form.appendChild(document.createElement("p"));
    note.dataset.note = "";
    note.setAttribute("role", "alert");
    note.textContent = "The browser gave no passkey. Try again, or choose another way.";
    button.disabled = false;
  }
});

document.addEventListener("submit", (event) => {
  if (event.target.matches("form.act")) {
    event.target.querySelector("[type=submit]").disabled = true;
  }
});

// A page that is there for the passkey alone asks for it when it opens, if this device may have one; the button
// asks for those of others.
const atOnce = document.querySelector("input[data-passkey][data-at-once]");
if (atOnce) {
  window.PublicKeyCredential?.isUserVerifyingPlatformAuthenticatorAvailable().then((isThere) => {
    if (isThere) {
      atOnce.form.requestSubmit();
    }
  });
}

// What the back button brings out of the browser's memory can be sent again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    document.querySelectorAll("form.act [type=submit]").forEach((button) => { button.disabled = false; });
  }
});

const FOLDED = "details:is(.filter, .menu)";

function closeMenus(except) {
  for (const menu of document.querySelectorAll(`${FOLDED}[open]`)) {
    if (menu !== except) {
      menu.open = false;
    }
  }
}

document.addEventListener("click", (event) => closeMenus(event.target.closest(FOLDED)));
document.addEventListener("focusin", (event) => closeMenus(event.target.closest(FOLDED)));
document.addEventListener("keydown", (event) => {
  const open = document.querySelector(`${FOLDED}[open]`);
  if (event.key === "Escape" && open) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

// A message goes when it is dismissed; one that asks for nothing goes by itself, but not while it is read.
const READ = 10_000; // milliseconds

for (const message of document.querySelectorAll(".toasts li")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "×";
  button.setAttribute("aria-label", "Dismiss");
  button.addEventListener("click", () => message.remove());
  message.append(button);
  const leave = () => setTimeout(() => (message.matches(":hover, :focus-within") ? leave() : message.remove()), READ);
  if (!message.matches(".warning, .error")) {
    leave();
  }
}

// The page of a row opens beside its list, with an address of its own: the list's, and the page's behind #.
const list = document.querySelector("[data-beside]");
const beside = document.createElement("dialog");
beside.className = "drawer";

async function openBeside(path) {
  const answer = await fetch(path, { credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const content = page.getElementById("content");
  if (!answer.ok || answer.redirected || !content) {
    location.assign(path);
    return;
  }
  const whole = document.createElement("a");
  whole.href = path;
  whole.textContent = "Open as page";
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.className = "button quiet";
  close.addEventListener("click", () => beside.close());
  const head = document.createElement("p");
  head.className = "acts";
  head.append(whole, close);
  const inside = document.createElement("div");
  inside.append(...content.childNodes);
  beside.replaceChildren(head, inside);
  beside.setAttribute("aria-label", page.title.split(" · ")[0]);
  inOwnZone(beside);
  if (!beside.open) {
    beside.showModal();
  }
  history.replaceState(null, "", `#${path}`);
}

if (list) {
  document.body.append(beside);
  beside.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
  beside.addEventListener("click", (event) => event.target === beside && beside.close()); // beside the drawer
  list.addEventListener("click", (event) => {
    const link = event.target.closest("tbody a");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      openBeside(new URL(link.href).pathname);
    }
  });
  if (location.hash.startsWith(`#${location.pathname}`)) {
    openBeside(location.hash.slice(1));
  }
}

// A list says how many rows have come since; a link shows them.
const AGAIN = 10_000; // milliseconds
const news = document.querySelector("[data-news]");

async function lookForNews() {
  if (!document.hidden && !beside.open) {
    try {
      const answer = await fetch(news.dataset.news, { credentials: "same-origin", redirect: "error" });
      const found = answer.ok ? await answer.text() : "";
      if (found !== news.innerHTML) {
        news.innerHTML = found;
      }
    } catch {
      // Signed out, or the network is away: the next try may do better.
    }
  }
  setTimeout(lookForNews, AGAIN);
}
if (news) {
  setTimeout(lookForNews, AGAIN);
}

// Parts of a page that are fetched again and again: one answer holds all of them, so that they agree.
const SLOWER = 5; // times as long between two fetches, once everything is done

for (const source of document.querySelectorAll("[data-refresh]")) {
  const isDone = () => document.querySelector("[data-live] [data-done=true]") !== null;
  const again = () => setTimeout(refresh, Number(source.dataset.seconds) * 1000 * (isDone() ? SLOWER : 1));

  async function refresh() {
    if (!document.hidden) {
      try {
        const answer = await fetch(source.dataset.refresh, { credentials: "same-origin", redirect: "error" });
        if (answer.ok) {
          show(await answer.text());
        }
      } catch {
        // Signed out, or the network is away: the next try says more than an error would.
      }
    }
    again();
  }

  again();
}

function show(text) {
  const fresh = document.createElement("template");
  fresh.innerHTML = text;
  for (const part of fresh.content.querySelectorAll("[data-live]")) {
    const shown = document.querySelector(`[data-live="${part.dataset.live}"]`);
    const isNews = part.innerHTML.trim() !== shown.innerHTML.trim(); // only news is read aloud
    if (isNews && !shown.contains(document.activeElement)) { // nobody loses the place they are at
      shown.replaceChildren(...part.childNodes);
    }
  }
}

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
