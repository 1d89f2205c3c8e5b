// The board without this script reads and books just as well. With it, pages change when the centre does.
"use strict";

const QUIET_MILLISECONDS = 1500; // Changes come in bursts; one look is enough for all of them.
const BETWEEN_MILLISECONDS = 5000; // And no page asks more often than this.

const told = document.getElementById("live");
const path = document.body.dataset.live;
let source = null;
let timer = 0;
let looked = 0;
let wanted = false;

/** Say how the connection is; an empty text says nothing. */
function tell(text, lost) {
  if (!told || told.textContent === text) return;
  told.textContent = text;
  told.classList.toggle("lost", lost);
}

/** Ask for this page again and put its changing part in the place of the old one, unless somebody works in it. */
async function look() {
  const part = document.getElementById("part");
  if (busy(part)) {
    wanted = true; // When they are done, see below.
    return;
  }
  looked = Date.now();
  const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") {
    location.assign(answer.url);
    return;
  }
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("part");
  if (!fresh || busy(part)) return;
  keepOpen(part, fresh);
  const focused = part.contains(document.activeElement) ? place(part, document.activeElement) : null;
  part.replaceChildren(...fresh.childNodes);
  if (focused) part.querySelectorAll(focused.selector)[focused.at]?.focus({ preventScroll: true });
}

/** Whether somebody is writing in a part, has opened a question, or is about to send something. */
function busy(part) {
  const at = document.activeElement;
  const writing = part.contains(at) && at.matches("input, select, textarea, button");
  return writing || part.querySelector("details.ask[open]") !== null || part.querySelector("[aria-busy]") !== null;
}

/** What was unfolded stays unfolded. */
function keepOpen(part, fresh) {
  const before = part.querySelectorAll("details");
  fresh.querySelectorAll("details").forEach((each, at) => { each.open = before[at]?.open ?? each.open; });
}

/** Where an element is, so that its successor can be found. */
function place(part, element) {
  const selector = element.href ? `a[href="${CSS.escape(element.getAttribute("href"))}"]` : element.localName;
  return { selector, at: Math.max(0, [...part.querySelectorAll(selector)].indexOf(element)) };
}

function soon() {
  if (timer) return;
  const wait = Math.max(QUIET_MILLISECONDS, looked + BETWEEN_MILLISECONDS - Date.now());
  timer = setTimeout(() => { timer = 0; look().catch(() => {}); }, wait);
}

function listen() {
  if (source || document.hidden) return;
  source = new EventSource(path);
  source.addEventListener("open", () => tell(told.dataset.on, false));
  source.addEventListener("error", () => tell(told.dataset.lost, true));
  source.addEventListener("change", soon);
  source.addEventListener("signed-out", () => location.reload());
}

function hush() {
  source?.close();
  source = null;
}

if (path && told && "EventSource" in window) {
  listen();
  // A page that nobody sees needs no stream; when it is seen again, it may be old.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hush();
    else { listen(); soon(); }
  });
  window.addEventListener("pagehide", hush);
  document.addEventListener("focusout", () => { if (wanted) { wanted = false; soon(); } });
}

// A form is sent once. The services would book it once anyway; this only spares the question.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.hasAttribute("aria-busy")) event.preventDefault();
  form.setAttribute("aria-busy", "true");
});
// Who comes back with the browser's own button may send it again.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[aria-busy]").forEach((form) => form.removeAttribute("aria-busy"));
});

// Escape closes what was unfolded, and gives the focus back.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const opened = event.target.closest?.("details[open]");
  if (!opened) return;
  opened.open = false;
  opened.querySelector("summary").focus();
});
