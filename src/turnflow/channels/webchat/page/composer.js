// Where one writes: a field that grows, the suggestions behind a slash, the draft that survives a reload.

import { make } from "./log.js";
import { keep, kept } from "./storage.js";

export class Composer {
  #form;
  #text;
  #send;
  #list;
  #commands = [];
  #picked = -1;
  #draft;

  constructor({ form, draft, say }) {
    this.#form = form;
    this.#text = form.querySelector("textarea");
    this.#send = form.querySelector("button.send");
    this.#list = form.querySelector(".commands");
    this.#draft = draft;
    this.#text.value = kept(draft);
    this.#text.addEventListener("input", () => this.#changed());
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#text.value.trim();
      if (!text) return;
      this.set("");
      say(text);
    });
    addEventListener("keydown", (event) => {
      const typing = event.target.closest?.("textarea, input");
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        this.set("/");
        this.focus();
      }
    });
    this.#changed();
  }

  // Commands to suggest: [{name, about}].
  offer(commands) {
    this.#commands = commands;
    this.#changed();
  }

  set(text) {
    this.#text.value = text;
    this.#changed();
  }

  focus() {
    this.#text.focus();
  }

  lock() {
    this.#text.disabled = true;
    this.#send.disabled = true;
  }

  #changed() {
    this.#text.style.height = "auto";
    this.#text.style.height = `${Math.min(this.#text.scrollHeight, 180)}px`;
    this.#send.disabled = !this.#text.value.trim();
    keep(this.#draft, this.#text.value);
    this.#suggest();
  }

  #suggest() {
    const typed = this.#text.value;
    const fitting = /^\/\w*$/.test(typed) ? this.#commands.filter(({ name }) => `/${name}`.startsWith(typed)) : [];
    this.#picked = -1;
    this.#list.replaceChildren(...fitting.map((command, index) => this.#suggestion(command, index)));
    this.#list.hidden = fitting.length === 0;
    this.#text.removeAttribute("aria-activedescendant");
  }

  #suggestion({ name, about }, index) {
    const item = make("li");
    item.id = `command-${index}`;
    item.setAttribute("role", "option");
    item.append(make("b", "", `/${name}`), make("span", "", about));
    item.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.#take(index);
    });
    return item;
  }

  #pick(index) {
    const items = [...this.#list.children];
    this.#picked = (index + items.length) % items.length;
    items.forEach((item, at) => item.setAttribute("aria-selected", String(at === this.#picked)));
    this.#text.setAttribute("aria-activedescendant", items[this.#picked].id);
    items[this.#picked].scrollIntoView({ block: "nearest" });
  }

  #take(index) {
    this.set(this.#name(index));
    this.#form.requestSubmit();
  }

  #name(index) {
    return this.#list.children[index].querySelector("b").textContent;
  }

  #key(event) {
    const open = !this.#list.hidden;
    if (open && event.key === "ArrowDown") this.#pick(this.#picked + 1);
    else if (open && event.key === "ArrowUp") this.#pick(this.#picked < 0 ? -1 : this.#picked - 1);
    else if (open && event.key === "Escape") this.#list.hidden = true;
    else if (open && event.key === "Enter" && this.#picked >= 0) this.#take(this.#picked);
    else if (open && event.key === "Tab" && !event.shiftKey) this.set(this.#name(Math.max(0, this.#picked)));
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.#form.requestSubmit();
    else return;
    event.preventDefault();
  }
}
