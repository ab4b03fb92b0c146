// The door: turns the key in the address (or a pasted one) into a session, then loads the chat.

const SESSION = new URL("../session", import.meta.url);
const ask = document.getElementById("ask");
const note = document.getElementById("note");
const key = document.getElementById("key");

async function open(token, attempt = 0) {
  ask.hidden = attempt === 0;
  note.textContent = "Opening the chat…";
  let response;
  try {
    response = await fetch(SESSION, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
  } catch {
    response = null;
  }
  if (response?.status === 204) {
    history.replaceState(null, "", location.pathname + location.search);
    location.reload();
    return;
  }
  if (response && response.status < 500) {
    ask.hidden = false;
    note.textContent = "That access link is not valid (any more). Ask for a new one.";
    key.focus();
    return;
  }
  note.textContent = "The service cannot be reached at the moment. Trying again…";
  setTimeout(() => open(token, attempt + 1), Math.min(8000, 500 * 2 ** attempt));
}

function opensWith(text) {
  const token = decodeURIComponent(text.slice(text.lastIndexOf("#") + 1)).trim();
  if (token) open(token);
}

document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  opensWith(key.value);
});
addEventListener("hashchange", () => opensWith(location.hash));
if (location.hash.length > 1) opensWith(location.hash);
else key.focus();
