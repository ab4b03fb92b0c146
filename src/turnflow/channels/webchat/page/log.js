// The conversation on the screen: confirmed lines in order, and behind them what is still on its way. Text nodes only.

const GROUP = 4 * 60_000;
const DOUBLE_CLICK = 500;
const LINK = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;
const FILES = { photo: "Photo", video: "Video", voice: "Voice message", audio: "Audio", document: "Document" };

export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

export class Log {
  #list;
  #on;
  #lines = new Map();
  #mine = new Map();
  #notes = new Map();
  #hidden = new Set();
  #live = null;
  #drawing = false;

  // `on` has `press(ref, label)`, `say(text)`, `retry(id)` and `drop(id)`.
  constructor(list, on) {
    this.#list = list;
    this.#on = on;
  }

  get size() {
    return this.#lines.size + this.#mine.size;
  }

  // Show a confirmed line once, at its place. Returns whether it is new.
  show(line) {
    const key = `${line.seq}.${line.index}`;
    if (this.#lines.has(key) || (line.id && this.#hidden.has(line.id))) return false;
    if (line.press) this.#choose(line);
    const text = line.text || this.#label(line.press);
    const element = this.#bubble({ ...line, text });
    Object.assign(element, { place: [line.seq, line.index], line });
    const sent = line.id ? this.#mine.get(line.id) : null;
    if (sent) {
      this.#mine.delete(line.id);
      element.classList.add("settled");
      sent.remove();
    }
    if (line.id) this.#note(element, this.#notes.get(line.id));
    this.#lines.set(key, element);
    this.#insert(element);
    this.#refresh();
    return !sent;
  }

  // Show (or show again) a line of the person's that is on its way.
  pend(item) {
    let element = this.#mine.get(item.id);
    if (!element) {
      element = this.#bubble({ side: "person", text: item.text, at: item.at });
      element.line = { side: "person", at: item.at };
      this.#mine.set(item.id, element);
      this.#insert(element);
    }
    element.dataset.state = item.state;
    this.#progress(element, item);
    this.#refresh();
  }

  // The server has it. It keeps its place here even if the history never shows it.
  arrived(id, note = "") {
    if (note) this.#notes.set(id, note);
    const waiting = this.#mine.get(id);
    if (waiting) {
      const places = [...this.#lines.values()].map((one) => one.place);
      const [seq, index] = places.reduce((last, place) => (before(last, place) ? place : last), [0, -1]);
      waiting.place = [seq, index + 0.5];
      delete waiting.dataset.state;
      this.#progress(waiting, {});
    }
    const element = waiting ?? [...this.#lines.values()].find((one) => one.line.id === id);
    if (element) this.#note(element, note);
    this.#refresh();
  }

  // Never show a line: a press that had no effect.
  hide(id) {
    this.#hidden.add(id);
    this.remove(id);
  }

  // Stop showing a line of the person's here, unless the history has brought it.
  forget(id) {
    if (this.#mine.has(id)) this.remove(id);
  }

  remove(id) {
    const element = this.#mine.get(id) ?? [...this.#lines.values()].find((one) => one.line.id === id);
    this.#mine.delete(id);
    element?.remove();
    this.#refresh();
  }

  clear() {
    for (const element of this.#lines.values()) element.remove();
    this.#lines.clear();
  }

  // Which messages have buttons that still mean something; null if unknown.
  alive(places) {
    this.#live = new Set(places);
    this.#refresh();
  }

  busy(refs) {
    for (const button of this.#list.querySelectorAll("button.choice")) {
      button.setAttribute("aria-busy", String(refs.has(button.dataset.ref)));
    }
  }

  #insert(element) {
    const after = ({ place }) => element.place && (!place || before(element.place, place));
    this.#list.insertBefore(element, [...this.#list.children].find(after) ?? null);
  }

  #bubble(line) {
    const element = make("li", `line ${line.side}`);
    const body = make("div", "bubble");
    body.append(make("span", "sr", line.side === "person" ? "You: " : ""));
    if (line.text) body.append(linked(line.text));
    for (const media of line.media ?? []) body.append(file(media));
    element.append(body);
    if (line.buttons?.length) element.append(this.#choices(line.buttons));
    const meta = make("div", "meta");
    if (line.at) {
      const time = make("time", "", clock(line.at));
      time.dateTime = new Date(line.at).toISOString();
      meta.append(time);
    }
    element.append(meta);
    return element;
  }

  #choices(rows) {
    const group = make("div", "choices");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Answers");
    for (const row of rows) {
      const line = make("div", "row");
      for (const button of row) line.append(this.#choice(button));
      group.append(line);
    }
    return group;
  }

  #choice({ text, ref = "", url = "", say = "" }) {
    if (url) {
      const link = make("a", "choice", text);
      Object.assign(link, { href: url, target: "_blank", rel: "noopener noreferrer" });
      return link;
    }
    const button = make("button", "choice", text);
    button.type = "button";
    button.dataset.ref = ref;
    let last = -Infinity;
    button.addEventListener("click", ({ timeStamp }) => {
      const isRepeated = timeStamp - last < DOUBLE_CLICK;
      last = timeStamp;
      if (isRepeated || button.getAttribute("aria-busy") === "true") return;
      if (ref) this.#on.press(ref, text);
      else this.#on.say(say || text);
    });
    return button;
  }

  #choose(line) {
    for (const button of this.#buttons(line.press)) {
      for (const other of button.closest(".choices").querySelectorAll(".chosen")) other.classList.remove("chosen");
      button.classList.add("chosen");
    }
  }

  #label(ref) {
    return this.#buttons(ref)[0]?.textContent ?? "…";
  }

  #buttons(ref) {
    return ref ? [...this.#list.querySelectorAll("button.choice")].filter((one) => one.dataset.ref === ref) : [];
  }

  #progress(element, item) {
    element.querySelector(".state")?.remove();
    if (!item.state) return;
    const state = make("span", "state");
    if (item.state === "sending") state.textContent = "Sending…";
    if (item.state === "waiting") state.textContent = item.reason ? `Waiting: ${item.reason}` : "Waiting to be sent";
    if (item.state === "failed") {
      state.append(`Not sent: ${item.reason} `);
      const again = make("button", "", "Try again");
      again.addEventListener("click", () => this.#on.retry(item.id));
      const drop = make("button", "", "Remove");
      drop.addEventListener("click", () => this.#on.drop(item.id));
      state.append(again, " ", drop);
    }
    element.querySelector(".meta").append(state);
  }

  #note(element, text) {
    element.querySelector(".note")?.remove();
    if (text) element.append(make("div", "note", text));
  }

  // One pass over the list after a burst of changes: days, groups of bubbles, buttons that lost their meaning.
  #refresh() {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      let last = null;
      for (const element of this.#list.children) {
        const { line } = element;
        const joins = last && last.line.side === line.side && line.at - last.line.at < GROUP && sameDay(line, last.line);
        element.classList.toggle("joined", Boolean(joins));
        last?.classList.toggle("open", Boolean(joins));
        last?.classList.toggle("timeless", clock(last.line.at) === clock(line.at) && sameDay(line, last.line));
        this.#day(element, !last || !sameDay(line, last.line));
        this.#spend(element);
        last = element;
      }
      last?.classList.remove("open", "timeless");
    });
  }

  #day(element, wanted) {
    const shown = element.querySelector(".day");
    if (!wanted || !element.line.at) shown?.remove();
    else if (!shown) element.prepend(make("div", "day", day(element.line.at)));
  }

  #spend(element) {
    const choices = element.querySelector(".choices");
    if (!choices) return;
    const spent = this.#live !== null && !this.#live.has(element.place.join("."));
    if (choices.classList.contains("spent") === spent) return;
    choices.classList.toggle("spent", spent);
    choices.setAttribute("aria-label", spent ? "Answers, no longer active" : "Answers");
  }
}

export function before(one, other) {
  return one[0] < other[0] || (one[0] === other[0] && one[1] < other[1]);
}

function sameDay(one, other) {
  return new Date(one.at).toDateString() === new Date(other.at).toDateString();
}

function clock(at) {
  return new Date(at).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
}

function day(at) {
  const date = new Date(at);
  const ago = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
  if (ago < 2) return ["Today", "Yesterday"][Math.max(0, ago)];
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long", year });
}

function linked(text) {
  const paragraph = make("p");
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    paragraph.append(text.slice(end, match.index));
    const link = make("a", "", match[0]);
    Object.assign(link, { href: match[0], target: "_blank", rel: "noopener noreferrer" });
    paragraph.append(link);
    end = match.index + match[0].length;
  }
  paragraph.append(text.slice(end));
  return paragraph;
}

function file({ kind, name = "", url = "" }) {
  const label = name || FILES[kind] || kind;
  const element = make(url ? "a" : "span", "file", label);
  if (url) Object.assign(element, { href: url, target: "_blank", rel: "noopener noreferrer" });
  return element;
}
