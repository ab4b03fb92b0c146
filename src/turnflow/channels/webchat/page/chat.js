// The chat page: puts the stream, the outbox, the log and the composer together.

import { Composer } from "./composer.js";
import { Log, before, make } from "./log.js";
import { Outbox } from "./outbox.js";
import { Stream } from "./stream.js";

const here = (path) => new URL(`../${path}`, import.meta.url);
const byId = (id) => document.getElementById(id);
const conversation = document.documentElement.dataset.conversation;
const room = byId("room");
const title = document.title;
const STATES = {
  online: ["Online", ""],
  offline: ["Reconnecting…", "No connection. What you write is kept and sent as soon as the connection is back."],
  crowded: ["Too many tabs", "This conversation is open in too many tabs. Close some; this one goes on by itself."],
  locked: ["Session ended", "This session has ended. Open your access link again to go on."],
};
const OVERLAP = 16;
// Where a keyboard covers half of the screen it opens only when asked for.
const isTouch = matchMedia("(hover: none)").matches;

let newest = null;
let reach = 100;
let unread = 0;
let bannerTimer = 0;
let typingTimer = 0;
const presses = new Set();
const answers = new Set();

// --- scrolling ---------------------------------------------------------------------------------------------------

const isAtEnd = () => room.scrollHeight - room.scrollTop - room.clientHeight < 80;

function toEnd(smooth = false) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  room.scrollTo({ top: room.scrollHeight, behavior: smooth && !calm ? "smooth" : "instant" });
}

let following = true;
room.addEventListener("scroll", () => {
  following = isAtEnd();
  if (following) byId("newer").hidden = true;
});
byId("newer").addEventListener("click", () => toEnd(true));
new ResizeObserver(() => following && toEnd()).observe(room);
new ResizeObserver(() => following && toEnd()).observe(byId("log"));

// --- small signs -------------------------------------------------------------------------------------------------

function toast(text) {
  const element = make("div", "toast", text);
  byId("toasts").replaceChildren(element);
  setTimeout(() => element.remove(), 6000);
}

function connection(state) {
  if (byId("status").dataset.state === state) return;
  const [status, banner] = STATES[state];
  byId("status").textContent = status;
  byId("status").dataset.state = state;
  clearTimeout(bannerTimer);
  // A connection that comes back at once is not worth a banner.
  bannerTimer = setTimeout(() => {
    byId("banner").textContent = banner;
    byId("banner").hidden = !banner;
  }, banner && state === "offline" ? 900 : 0);
  if (state === "locked") composer.lock();
}

function sending(yes) {
  clearTimeout(typingTimer);
  if (yes) typingTimer = setTimeout(() => showTyping(byId("status").dataset.state === "online"), 500);
  else showTyping(false);
}

function showTyping(yes) {
  byId("typing").hidden = !yes;
  if (yes && following) toEnd();
}

function welcome() {
  byId("welcome").hidden = log.size > 0;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  document.title = title;
});

// --- the parts ---------------------------------------------------------------------------------------------------

const log = new Log(byId("log"), {
  press: (press, label) => outbox.add({ press, label }),
  say: (text) => say(text),
  retry: (id) => outbox.retry(id),
  drop: (id) => {
    outbox.settle(id);
    log.remove(id);
    welcome();
  },
});

const outbox = new Outbox({
  url: here("messages"),
  storage: `turnflow:outbox:${conversation}`,
  on: {
    changed: pending,
    sending,
    locked: () => connection("locked"),
    done(item, result) {
      stream.wake();
      if (item.press) return pressed(item, result);
      // Known already: the history has the line, perhaps further up than what is loaded here.
      if (result.outcome === "duplicate") setTimeout(() => log.forget(item.id), 2000);
      return log.arrived(item.id, result.outcome === "unclaimed" ? "Nobody here has an answer to that." : "");
    },
  },
});

const composer = new Composer({ form: byId("composer"), draft: `turnflow:draft:${conversation}`, say });

const stream = new Stream({
  url: here("events"),
  // A few places back: a reply may have been put before lines that were already here. The log shows each line once.
  cursor: () => newest && `${Math.max(0, newest[0] - OVERLAP)}.0`,
  on: {
    state(name) {
      connection(name);
      if (name === "online") outbox.kick();
    },
    event: (name, data) => EVENTS[name]?.(data),
  },
});

const EVENTS = {
  hello({ newest: place, earlier, commands }) {
    const [seq, index] = (place || "0.-1").split(".").map(Number);
    if (newest && before([seq, index], newest)) {
      log.clear();
      newest = null;
    }
    if (!newest) byId("earlier").hidden = !earlier;
    composer.offer(commands);
    starters(commands);
    setTimeout(welcome, 150);
  },
  said(line) {
    const stay = following;
    if (log.show(line)) {
      if (!stay && line.side === "flow") byId("newer").hidden = false;
      if (document.hidden && line.side === "flow") document.title = `(${++unread}) ${title}`;
    }
    const place = [line.seq, line.index];
    if (!newest || before(newest, place)) newest = place;
    if (line.id && outbox.settle(line.id)) busy();
    if (stay) toEnd();
    welcome();
  },
  live: ({ live }) => log.alive(live),
  // Other tabs hear the answer, too; it is meant for the one that pressed.
  press({ id, text }) {
    if (!presses.has(id)) return;
    answers.add(id);
    if (text) toast(text);
  },
};

// --- what people do ----------------------------------------------------------------------------------------------

function say(text) {
  following = true;
  outbox.add({ text });
  toEnd();
  if (!isTouch) composer.focus();
}

function pending(item) {
  busy();
  if (item.press) {
    presses.add(item.id);
    if (item.state === "failed") {
      outbox.settle(item.id);
      busy();
      toast(`That did not work: ${item.reason}`);
    }
    return;
  }
  log.pend(item);
  welcome();
  if (following) toEnd();
}

function busy() {
  log.busy(new Set(outbox.items.map((item) => item.press)));
}

function pressed(item, { outcome, reason }) {
  busy();
  const isRefused = outcome === "unclaimed" || (outcome === "handled" && reason);
  if (!isRefused) return;
  log.hide(item.id);
  setTimeout(() => {
    if (!answers.has(item.id)) toast("This button is no longer active.");
  }, 1000);
}

function starters(commands) {
  // Nothing can be stopped before something was begun.
  const chips = commands.filter(({ name }) => name !== "cancel").map(({ name, about }) => {
    const chip = make("button", "starter");
    chip.type = "button";
    chip.append(make("b", "", about), make("span", "", `/${name}`));
    chip.addEventListener("click", () => say(`/${name}`));
    return chip;
  });
  byId("starters").replaceChildren(...chips);
  byId("welcome-text").textContent = chips.length ? "Write a message, or begin with one of these." : "Write a message to begin.";
}

byId("earlier").addEventListener("click", async () => {
  const url = here("history");
  url.searchParams.set("count", String(reach + 200));
  const response = await fetch(url).catch(() => null);
  if (!response?.ok) return toast("Earlier messages cannot be loaded at the moment.");
  const { lines, more } = await response.json();
  const height = room.scrollHeight;
  reach += 200;
  for (const line of lines) log.show(line);
  room.scrollTop += room.scrollHeight - height;
  byId("earlier").hidden = !more;
  return undefined;
});

addEventListener("online", () => stream.wake());
addEventListener("offline", () => stream.cut());
document.addEventListener("visibilitychange", () => document.hidden || stream.wake());
if (location.hash) history.replaceState(null, "", location.pathname + location.search);
for (const item of outbox.items) pending(item);
if (!isTouch) composer.focus();
stream.run();
