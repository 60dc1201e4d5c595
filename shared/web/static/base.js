// What the services' pages have in common: notices, the list of messages, why a socket was refused.

const MOST_MESSAGES = 300;
let messages = 0;

export const element = (id) => document.getElementById(id);

export function notice(text, { mild = false } = {}) {
  element("notice").textContent = text;
  element("notice").classList.toggle("mild", mild);
  element("notice").hidden = !text;
}

/** Makes of `work` what shows its error and then calls `after`; takes what `work` takes. */
export const guarding = (after) => (work) => async (...args) => {
  try {
    await work(...args);
  } catch (error) {
    notice(error.message);
    await after();
  }
};

/** Add a message to the list at the foot of the page. */
export function log(message) {
  messages += 1;
  element("count").textContent = String(messages);
  const item = document.createElement("li");
  item.textContent = JSON.stringify(message);
  element("messages").append(item);
  if (element("messages").childElementCount > MOST_MESSAGES) element("messages").firstChild.remove();
}

/** `/health` of the service that this page came from. */
export async function health() {
  try {
    return await (await fetch("/health")).json();
  } catch {
    throw new Error("the service does not answer");
  }
}

/** What the service is, under the title; its `/health` for whatever else a page wants to tell. */
export async function describe(...more) {
  const told = await health();
  const { engine, places } = told;
  const parts = [`${engine.name} ${engine.model}`, ...more.map((part) => part(told))];
  parts.push(`${places.taken} of ${places.capacity} places taken`);
  element("engine").textContent = parts.join(" · ");
  element("reason").textContent = engine.reason;
  return told;
}

/** Why a handshake was refused: browsers do not tell. */
export async function refusal() {
  const { places, status } = await health();
  if (places.taken >= places.capacity) return `all ${places.capacity} places are taken; try again soon`;
  if (status === "draining") return "the service is stopping; try again soon";
  if (!element("key").value) return "the service may want an API key: see Settings";
  return "the service refuses the connection: is the API key right?";
}
