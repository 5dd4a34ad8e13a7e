// Parts of a page that are fetched again and again until they say that they are done.
"use strict";

for (const part of document.querySelectorAll("[data-refresh]")) {
  const milliseconds = Number(part.dataset.seconds) * 1000;

  const again = () => setTimeout(refresh, milliseconds);

  async function refresh() {
    if (document.hidden) {
      again();
      return;
    }
    try {
      const answer = await fetch(part.dataset.refresh, { credentials: "same-origin", redirect: "error" });
      if (answer.ok) {
        const fresh = document.createElement("template");
        fresh.innerHTML = await answer.text();
        if (fresh.innerHTML.trim() !== part.innerHTML.trim()) { // only news is read aloud
          part.replaceChildren(fresh.content);
        }
      }
    } catch {
      // Signed out, or the network is away: the next try says more than an error would.
    }
    if (!part.querySelector("[data-done=true]")) {
      again();
    }
  }

  if (!part.querySelector("[data-done=true]")) {
    again();
  }
}
