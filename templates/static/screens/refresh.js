// Parts of a page that are fetched again and again: one answer holds all of them, so that they agree.
"use strict";

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
