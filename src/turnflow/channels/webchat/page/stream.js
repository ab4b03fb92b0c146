// The event stream, read with fetch: it shows status codes, sends the cursor in a header and is watched for silence.

const SILENCE = 40_000;
const SLOWEST = 5_000;

export class Stream {
  #url;
  #cursor;
  #on;
  #attempt = 0;
  #wake = () => {};
  #cut = () => {};

  // `cursor()` gives the place to go on from; `on` has `event(name, data, id)` and `state(name)`, one of
  // online, offline, crowded (too many tabs) and locked (the session is gone, for good).
  constructor({ url, cursor, on }) {
    this.#url = url;
    this.#cursor = cursor;
    this.#on = on;
  }

  async run() {
    for (;;) {
      const state = await this.#follow().catch(() => "offline");
      this.#on.state(state);
      if (state === "locked") return;
      await this.#pause();
    }
  }

  // Try again at once instead of after the pause.
  wake() {
    this.#wake();
  }

  // Give the connection up: the browser knows that there is no network, long before silence would tell.
  cut() {
    this.#cut();
  }

  async #follow() {
    const abort = new AbortController();
    this.#cut = () => abort.abort();
    let timer = setTimeout(() => abort.abort(), SILENCE);
    try {
      const cursor = this.#cursor();
      const response = await fetch(this.#url, {
        headers: cursor ? { "Last-Event-ID": cursor } : {},
        cache: "no-store",
        signal: abort.signal,
      });
      if (response.status === 401) return "locked";
      if (response.status === 429) return "crowded";
      if (!response.ok) return "offline";
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return "offline";
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), SILENCE);
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop();
        for (const block of blocks) this.#event(block);
      }
    } finally {
      clearTimeout(timer);
      abort.abort();
    }
  }

  #event(block) {
    const fields = {};
    for (const line of block.split("\n")) {
      const colon = line.indexOf(": ");
      if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
    }
    if (!fields.event) return;
    if (fields.event === "hello") {
      this.#attempt = 0;
      this.#on.state("online");
    }
    this.#on.event(fields.event, JSON.parse(fields.data), fields.id);
  }

  #pause() {
    const longest = Math.min(SLOWEST, 400 * 2 ** this.#attempt++);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, longest * (0.5 + Math.random() / 2));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
