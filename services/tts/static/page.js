// The page: one request at a time, spoken while it is made.

import { Connection } from "/static/connection.js";
import { Player } from "/static/player.js";
import { Said } from "/static/said.js";
import { describe, element, guarding, log, notice, refusal } from "/static/shared/base.js";
import { fill, forget, record, register } from "/static/voices.js";

const said = new Said(element("said"));

let connection = null;
let player = null;
let request = null; // { id, began, made, over } while something is spoken
let requests = 0;
let recording = null;
let recorder = null;

const guarded = guarding(() => { if (request) over(); });

function take(message) {
  log(message);
  if (message.type === "warning") notice(message.message, { mild: true });
  if (message.type === "error") {
    notice(message.message);
    if (request && message.request_id === request.id) over();
  }
  if (!request || message.request_id !== request.id) return;
  if (message.type === "synthesis_complete") complete(message);
  if (message.type === "cancelled") over();
}

function hear(message, samples) {
  if (!request || message.request_id !== request.id) return;
  if (!request.made) {
    element("first").textContent = `${Math.round(performance.now() - request.began)} ms`;
  }
  request.made += message.duration_ms;
  element("chunks").textContent = String(message.chunk_id + 1);
  element("length").textContent = `${(request.made / 1000).toFixed(1)} s`;
  said.take(message);
  player.play(samples);
}

function complete({ total_duration_ms: length }) {
  const took = performance.now() - request.began;
  element("factor").textContent = length ? (took / length).toFixed(3) : "–";
  URL.revokeObjectURL(element("save").href);
  element("save").href = URL.createObjectURL(player.file());
  element("save").hidden = false;
  over();
}

function over() {
  request = null;
  element("stop").disabled = player === null || player.done;
  element("speak").disabled = false;
}

async function connected() {
  if (connection?.open) return connection;
  connection = new Connection({ key: element("key").value, on: take, onAudio: hear });
  connection.closed.then(() => {
    connection = null;
    if (request) over();
  });
  try {
    return await connection.ready;
  } catch {
    throw new Error(await refusal());
  }
}

async function speak() {
  notice("");
  stop();
  const text = element("text").value;
  player ??= new Player();
  await player.begin();
  const line = await connected();
  requests += 1;
  request = { id: `page-${requests}`, began: performance.now(), made: 0 };
  for (const name of ["first", "length", "factor", "chunks"]) element(name).textContent = "–";
  element("save").hidden = true;
  element("stop").disabled = false;
  element("speak").disabled = true;
  said.begin(text);
  const language = element("language").value.trim();
  line.send({
    type: "synthesize",
    request_id: request.id,
    text,
    voice_id: element("voice").value || "default",
    speed: Number(element("speed").value),
    chunk_size: 10,
    ...(language ? { language } : {}),
  });
}

function stop() {
  if (request && connection?.open) connection.send({ type: "cancel", request_id: request.id });
  player?.stop();
  over();
}

function follow() {
  if (player) {
    said.mark(player.heard);
    if (!request) element("stop").disabled = player.done;
  }
  requestAnimationFrame(follow);
}

function taken(file) {
  recording = file;
  URL.revokeObjectURL(element("heard").src);
  element("heard").src = URL.createObjectURL(file);
  element("heard").hidden = false;
  element("taken").textContent = file.name ?? "recorded";
}

async function recordVoice() {
  if (recorder) {
    recorder.stop();
    return;
  }
  recorder = await record((seconds) => { element("taken").textContent = `${seconds.toFixed(1)} s`; });
  element("record").setAttribute("aria-pressed", "true");
  element("record").textContent = "Stop recording";
  taken(await recorder.file);
  recorder = null;
  element("record").setAttribute("aria-pressed", "false");
  element("record").textContent = "Record";
}

async function registerVoice() {
  notice("");
  if (!recording) throw new Error("record or choose a recording first");
  const id = element("name").value.trim();
  const consent = element("consent").checked;
  const made = await register({ id, recording, consent, key: element("key").value });
  await voices();
  element("voice").value = made.id;
  chosen();
  notice(`the voice ${made.id} is registered (${made.duration_s.toFixed(1)} s)`, { mild: true });
}

async function forgetVoice() {
  const id = element("voice").value;
  await forget(id, element("key").value);
  await voices();
  notice(`the voice ${id} is deleted`, { mild: true });
}

function chosen() {
  element("forget").disabled = !element("voice").selectedOptions[0]?.dataset.cloned;
}

async function voices() {
  await fill(element("voice"), element("key").value);
  chosen();
}

async function introduce() {
  const { engine } = await describe();
  if (!engine.capabilities.includes("clone")) {
    element("own").querySelector("p").append(` ${engine.name} cannot speak with it: another engine can.`);
  }
}

element("speak").addEventListener("click", guarded(speak));
element("stop").addEventListener("click", stop);
element("record").addEventListener("click", guarded(recordVoice));
element("register").addEventListener("click", guarded(registerVoice));
element("forget").addEventListener("click", guarded(forgetVoice));
element("voice").addEventListener("change", chosen);
element("key").addEventListener("change", guarded(async () => { connection?.close(); await voices(); }));
element("reference").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) taken(file);
});
element("speed").addEventListener("input", (event) => {
  element("speed-shown").textContent = `${event.target.value}×`;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) guarded(speak)();
  if (event.key === "Escape") stop();
});
follow();
guarded(introduce)();
guarded(voices)();
