// What the person sent and the server has not confirmed: kept over reloads, sent in order, again and again with the same id.

import { keep, kept } from "./storage.js";

const TIMEOUT = 20_000;
const SLOWEST = 5_000;
const PATIENCE = 4;

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Outbox {
  #url;
  #storage;
  #on;
  #items;
  #busy = false;
  #attempt = 0;
  #timer = 0;

  // `on` has `changed(item)`, `done(item, result)`, `sending(yes)` and `locked()`.
  constructor({ url, storage, on }) {
    this.#url = url;
    this.#storage = storage;
    this.#on = on;
    this.#items = restore(storage);
  }

  get items() {
    return this.#items;
  }

  add(item) {
    this.#items.push({ id: newId(), at: Date.now(), state: this.#timer ? "waiting" : "sending", tries: 0, ...item });
    this.#save();
    this.#on.changed(this.#items.at(-1));
    this.#send();
  }

  // Send what waits now, for instance because the server is back.
  kick() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#send();
  }

  retry(id) {
    const item = this.#items.find((one) => one.id === id);
    if (!item) return;
    item.tries = 0;
    this.#mark(item, "sending");
    this.kick();
  }

  // Forget an item: the conversation has it, or the person gave it up.
  settle(id) {
    const item = this.#items.find((one) => one.id === id);
    if (!item) return null;
    this.#items = this.#items.filter((one) => one !== item);
    this.#save();
    return item;
  }

  async #send() {
    if (this.#busy || this.#timer) return;
    const item = this.#items.find((one) => one.state !== "failed");
    if (!item) return;
    this.#busy = true;
    this.#on.sending(true);
    const verdict = await this.#post(item);
    this.#busy = false;
    this.#on.sending(false);
    if (!this.#items.includes(item)) {
      if (verdict.result) this.#on.done(item, verdict.result);
      return this.#send();
    }
    if (verdict.again) {
      this.#mark(item, "waiting", verdict.reason);
      for (const other of this.#items) if (other.state === "sending") this.#mark(other, "waiting");
      const pause = Math.max(verdict.after ?? 0, Math.min(SLOWEST, 400 * 2 ** this.#attempt++));
      this.#timer = setTimeout(() => this.kick(), pause * (0.75 + Math.random() / 4));
      return undefined;
    }
    this.#attempt = 0;
    if (verdict.locked) {
      this.#mark(item, "waiting");
      return this.#on.locked();
    }
    if (verdict.reason) {
      this.#mark(item, "failed", verdict.reason);
    } else {
      this.settle(item.id);
      this.#on.done(item, verdict.result);
    }
    return this.#send();
  }

  async #post(item) {
    let response;
    let body;
    try {
      response = await fetch(this.#url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(item.press ? { id: item.id, press: item.press } : { id: item.id, text: item.text }),
        signal: AbortSignal.timeout(TIMEOUT),
      });
      body = await response.json();
    } catch {
      return { again: true };
    }
    if (response.ok) return { result: body };
    const reason = body.error?.message ?? "the message was not accepted";
    if (response.status === 401) return { locked: true };
    if (response.status === 429) return { again: true, after: 2000, reason };
    if (response.status === 500 && ++item.tries >= PATIENCE) return { reason };
    return response.status >= 500 ? { again: true } : { reason };
  }

  #mark(item, state, reason = "") {
    item.state = state;
    item.reason = reason;
    this.#save();
    this.#on.changed(item);
  }

  #save() {
    keep(this.#storage, JSON.stringify(this.#items));
  }
}

function restore(storage) {
  try {
    const items = JSON.parse(kept(storage) || "[]");
    return items.map((item) => (item.state === "failed" ? item : { ...item, state: "sending" }));
  } catch {
    return [];
  }
}
