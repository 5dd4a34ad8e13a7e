// Copy buttons, forms that are sent once, menus that close, messages that go, and the first field with an error.
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
