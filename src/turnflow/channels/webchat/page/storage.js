// What a tab remembers over reloads. Where storage is switched off, things live as long as the page.

export function kept(name) {
  try {
    return sessionStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

export function keep(name, text) {
  try {
    sessionStorage.setItem(name, text);
  } catch {
    // Nothing to do: the page goes on without it.
  }
}
