// Keeps the regions [data-live] of a page fresh: asks for the page again and swaps what changed. Without this
// script every page works; it is as old as its last loading, then.
(() => {
  "use strict";
  const control = document.querySelector("[data-live-control]");
  if (!control) return;
  const state = control.querySelector("[data-live-state]");
  const button = control.querySelector("[data-live-pause]");
  const SHORTEST = 5000, LONGEST = 30000, PATIENCE = 20000;
  let etag = "", paused = false, asking = false, timer = 0, wait = SHORTEST, last = new Date();

  // Times on pages are those of Paris, wherever the browser is.
  const inParis = (at) => at.toLocaleTimeString("en-GB", { timeZone: "Europe/Paris" });
  const regions = () => document.querySelectorAll("[data-live]");
  const tell = (words) => { if (state.textContent !== words) state.textContent = words; };

  // Somebody is at work there: has the focus in it, is asked something, or has selected something of it.
  const isInUse = (region) => {
    const selected = document.getSelection();
    return region.contains(document.activeElement) || region.querySelector("details[open]") ||
      (selected && !selected.isCollapsed && selected.containsNode(region, true));
  };

  const swap = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    let all = true;
    for (const region of regions()) {
      const other = fresh.querySelector(`[data-live="${CSS.escape(region.dataset.live)}"]`);
      region.hidden = false;
      if (!other || region.innerHTML === other.innerHTML) continue;
      if (isInUse(region)) { all = false; continue; }
      region.replaceChildren(...other.childNodes);
    }
    return all;
  };

  const ask = async () => {
    asking = true;
    const began = performance.now();
    try {
      const answer = await fetch(location.href, {
        headers: { "X-Live": "1", ...(etag && { "If-None-Match": etag }) },
        cache: "no-store", redirect: "error", signal: AbortSignal.timeout(PATIENCE),
      });
      if (answer.status === 401) return location.reload();
      if (answer.status === 503) {
        // What was true before may not be true now.
        for (const region of regions()) region.hidden = true;
        etag = "";
        tell("Redis does not answer; nothing is known.");
        wait = Math.min(LONGEST, wait * 2);
        return;
      }
      if (answer.status === 200) etag = swap(await answer.text()) ? answer.headers.get("ETag") || "" : "";
      else if (answer.status !== 304) throw new Error(answer.status);
      last = new Date();
      tell("Live");
      wait = Math.min(LONGEST, Math.max(SHORTEST, 10 * (performance.now() - began)));
    } catch {
      tell(`Not fresh since ${inParis(last)}`);
      wait = Math.min(LONGEST, wait * 2);
    } finally {
      asking = false;
      plan();
    }
  };

  // Never two at a time, never while nobody looks.
  const plan = () => {
    clearTimeout(timer);
    if (!paused && !document.hidden && !asking) timer = setTimeout(ask, wait);
  };

  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Refresh again" : "Stop refreshing";
    tell(paused ? `Not refreshed since ${inParis(last)}` : "Live");
    plan();
  });
  document.addEventListener("visibilitychange", plan);
  control.hidden = false;
  tell("Live");
  plan();
})();
