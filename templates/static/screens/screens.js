// Copy buttons, and forms that are sent once.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) {
    return;
  }
  const source = document.getElementById(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    // Browsers offer the clipboard on https and localhost only: select the text for Ctrl+C.
    window.getSelection().selectAllChildren(source);
    button.textContent = "Press Ctrl+C";
  }
});

document.addEventListener("submit", (event) => {
  if (event.target.matches("form.act")) {
    event.target.querySelector("[type=submit]").disabled = true;
  }
});
