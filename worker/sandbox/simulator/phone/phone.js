"use strict";
// Foreign text reaches the page through textContent only.
const $ = (id) => document.getElementById(id);
const wide = matchMedia("(min-width: 48rem)");
const entries = new Map(); // by id, in order
let now = null;
let epoch = "";
let chosen = new URLSearchParams(location.search).get("number");
let seen = {}; // number -> the highest order of what was shown and looked at
let pens = new Map(); // number -> what the person can do, and why that is nothing

function make(tag, className, text, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text != null) made.textContent = text;
  made.append(...children);
  return made;
}

function foreign(tag, className, text) {
  const inner = make("bdi", "", text);
  inner.dir = "auto";
  return make(tag, className, null, inner);
}

const address = (number) => "/?number=" + encodeURIComponent(number);

function bubble(entry) {
  const item = make("li", entry.kind + " " + entry.mood);
  item.id = "e" + entry.id;
  item.dataset.order = entry.order;
  const facts = make("dl");
  for (const [name, value] of entry.facts) facts.append(make("dt", "", name), make("dd", "", value));
  for (const callback of entry.callbacks) {
    const again = make("button", "", "Post again");
    again.name = "event";
    again.value = callback.event;
    again.setAttribute("aria-label", "Post again: " + callback.what);
    const form = make("form", "", null, again);
    form.method = "post";
    form.action = "/callbacks/repost";
    facts.append(make("dt", "", callback.what), make("dd", "", callback.tries.join(", ") + " ", form));
  }
  const summary = make("summary", "", null, make("time", "", entry.time), " ", make("span", "line", entry.line));
  item.append(foreign("p", "bubble", entry.text), make("details", "", null, summary, facts));
  return item;
}

// Replaces what changed under a reader's hands: open stays open, and the focus stays where it is.
function replace(old, fresh) {
  const places = "summary, button";
  const focus = [...old.querySelectorAll(places)].indexOf(document.activeElement);
  fresh.querySelector("details").open = old.querySelector("details").open;
  old.replaceWith(fresh);
  if (focus >= 0) fresh.querySelectorAll(places)[focus]?.focus();
}

function drawThread() {
  const list = $("entries");
  list.replaceChildren();
  for (const entry of entries.values()) if (entry.number === chosen) append(entry);
  list.scrollTop = list.scrollHeight;
}

function append(entry) {
  const list = $("entries");
  if (list.dataset.day !== entry.day || !list.children.length) {
    list.append(make("li", "day", entry.day));
    list.dataset.day = entry.day;
  }
  list.append(bubble(entry));
}

function update(entry) {
  const list = $("entries");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const old = $("e" + entry.id);
  if (old && old.dataset.order === String(entry.order)) replace(old, bubble(entry));
  else {
    const open = old?.querySelector("details").open;
    old?.remove();
    append(entry);
    list.lastChild.classList.add("new");
    if (open) list.lastChild.querySelector("details").open = true;
  }
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function look() {
  if (!chosen || document.hidden || !(wide.matches || document.body.classList.contains("open"))) return;
  for (const entry of entries.values())
    if (entry.number === chosen && entry.shown) seen[chosen] = Math.max(seen[chosen] || 0, entry.order);
  localStorage.setItem("seen", JSON.stringify([epoch, seen]));
}

function drawList() {
  const wanted = $("filter").value.trim().toLowerCase();
  const digits = wanted.replace(/[\s.()-]/g, "");
  const newest = new Map();
  const unread = new Map();
  const found = new Set();
  for (const entry of entries.values()) {
    newest.delete(entry.number);
    newest.set(entry.number, entry);
    if (entry.shown && entry.order > (seen[entry.number] || 0))
      unread.set(entry.number, (unread.get(entry.number) || 0) + 1);
    if (!wanted || (entry.name + " " + entry.text).toLowerCase().includes(wanted) || entry.number.includes(digits || "?"))
      found.add(entry.number);
  }
  const rows = [...newest.values()].reverse().filter((entry) => found.has(entry.number));
  if (/^\+\d{7,15}$/.test(digits) && !newest.has(digits))
    rows.unshift({ number: digits, name: digits, time: "", text: "Open this handset" });
  const focus = document.activeElement?.closest("#handsets a")?.getAttribute("href");
  const shown = rows.slice(0, $("handsets").dataset.listed);
  $("handsets").replaceChildren(...shown.map((entry) => row(entry, unread.get(entry.number))));
  if (rows.length > shown.length)
    $("handsets").append(make("li", "more", "and " + (rows.length - shown.length) + " more: find them above"));
  if (wanted && !rows.length) $("handsets").append(make("li", "more", "No handset has this number or text."));
  if (focus) document.querySelector('#handsets a[href="' + CSS.escape(focus) + '"]')?.focus();
  const total = [...unread.values()].reduce((sum, some) => sum + some, 0);
  document.title = (total ? "(" + total + ") " : "") + "Phone · Octopush sandbox";
}

function row(entry, unread) {
  const link = make("a", unread ? "unread" : "", null,
    face(entry.number), make("span", "name", entry.name), make("time", "", entry.time),
    foreign("span", "last", entry.text));
  if (unread) link.append(make("b", "count", unread, make("span", "unseen", " unread")));
  link.href = address(entry.number);
  if (entry.number === chosen) link.setAttribute("aria-current", "page");
  return make("li", "", null, link);
}

function face(number) {
  const made = make("span", "face f" + (number.slice(-2) % 4 || 0), number.slice(-2));
  made.setAttribute("aria-hidden", "true");
  return made;
}

function drawNow() {
  for (const button of $("weather").elements) {
    button.setAttribute("aria-pressed", button.value === now.weather);
  }
  const blocked = now.blocked.includes(chosen);
  $("rules").hidden = !now.rules && now.weather !== "other";
  $("credit").textContent = now.credit;
  $("clock").textContent = now.clock || "real";
  $("blocked").hidden = !blocked;
  $("block").textContent = blocked ? "Unblock" : "Block";
  $("block").value = String(!blocked);
  const [pen, why] = pens.get(chosen) || ["first", ""];
  $("why").textContent = why;
  $("why").hidden = !why;
  $("composer").hidden = $("start").hidden = Boolean(why);
  $("text").placeholder = $("text").dataset[pen] || "";
  $("text").setAttribute("aria-label", $("text").placeholder);
  $("typing").hidden = !now.typing.includes(chosen);
  $("hint").hidden = !now.hint;
  $("hint").textContent = now.hint;
  if (document.activeElement !== $("receipts").elements.receipts)
    $("receipts").elements.receipts.value = now.receipts[chosen] || "usual";
}

function choose(number, how) {
  chosen = number;
  if (how) history[how](null, "", number ? address(number) : "/");
  if (how !== "replaceState") document.body.classList.toggle("open", Boolean(number));
  $("thread").hidden = !number;
  $("empty").hidden = Boolean(number) || entries.size > 0;
  if (number) {
    $("who").textContent = [...entries.values()].find((entry) => entry.number === number)?.name || number;
    $("face").replaceWith(Object.assign(face(number), { id: "face" }));
    for (const field of document.querySelectorAll("#thread input[name=number]")) field.value = number;
    drawThread();
  }
  look();
  drawList();
  if (now) drawNow();
}

function take(event) {
  const { entries: changed, oldest, situation } = JSON.parse(event.data);
  const isNew = event.type === "snapshot";
  if (isNew) {
    entries.clear();
    pens.clear();
    epoch = event.lastEventId.split("-")[0];
    const kept = JSON.parse(localStorage.getItem("seen") || "[]");
    seen = kept[0] === epoch ? kept[1] : {};
  }
  for (const entry of changed) {
    const old = entries.get(entry.id);
    if (!isNew && entry.shown && !old?.shown) $("live").textContent = "Message on " + entry.name + ": " + entry.text;
    if (old?.order !== entry.order) entries.delete(entry.id);
    entries.set(entry.id, entry);
    pens.set(entry.number, [entry.pen, entry.why]);
  }
  for (const [id, entry] of entries)
    if (entry.order < oldest[entry.talks ? "talking" : "silent"]) {
      entries.delete(id);
      $("e" + id)?.remove();
    }
  now = situation || now;
  const newest = [...entries.values()].pop();
  if (!chosen && newest && wide.matches) return choose(newest.number, "replaceState");
  if (isNew) return choose(chosen, "");
  for (const entry of changed) if (entry.number === chosen) update(entry);
  $("empty").hidden = Boolean(chosen) || entries.size > 0;
  look();
  drawList();
  drawNow();
}

function trouble(text) {
  $("trouble").hidden = !text;
  $("trouble").textContent = text;
}

async function submit(event) {
  const form = event.target;
  event.preventDefault();
  if (form.method === "get") return document.querySelector("#handsets a")?.click();
  try {
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    trouble(answer.ok ? "" : (await answer.json()).error);
    if (answer.ok && form.id === "composer") form.reset();
    if (answer.ok) form.closest("[popover]")?.hidePopover?.();
  } catch {
    trouble("The sandbox does not answer.");
  }
}

function listen() {
  const source = new EventSource("/events");
  let timer;
  source.onopen = () => { clearTimeout(timer); timer = 0; trouble(""); };
  source.onerror = () => {
    timer ||= setTimeout(() => trouble("The sandbox does not answer. It may have been stopped."), 2000);
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  };
  for (const name of ["snapshot", "change"]) source.addEventListener(name, take);
}

document.addEventListener("submit", submit);
document.addEventListener("visibilitychange", () => { look(); drawList(); });
addEventListener("popstate", () => choose(new URLSearchParams(location.search).get("number"), ""));
$("receipts").addEventListener("change", () => $("receipts").requestSubmit());
$("filter").addEventListener("input", drawList);
$("entries").addEventListener("toggle", (event) => event.target.scrollIntoView({ block: "nearest" }), true);
document.addEventListener("click", (event) => {
  const link = event.target.closest("#handsets a, a.back");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(new URL(link.href).searchParams.get("number"), "pushState");
});
$("copy").hidden = !navigator.clipboard;
$("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText($("snippet").textContent);
  $("copy").textContent = "Copied";
});
listen();
