// The page: one stream at a time, from the microphone or from a file.

import { Connection } from "/static/connection.js";
import { openMicrophone } from "/static/microphone.js";
import { decode, play } from "/static/recording.js";
import { describe, element, guarding, log, notice, refusal } from "/static/shared/base.js";
import { Transcript } from "/static/transcript.js";

const player = element("player");

let stream = null; // { connection, stop } while something is heard
const transcript = new Transcript(element("segments"), (seconds) => {
  if (player.hidden) return;
  player.currentTime = seconds;
  player.play();
});

function level(samples) {
  let most = 0;
  for (const value of samples) most = Math.max(most, Math.abs(value));
  element("level").value = most;
}

function take(message) {
  log(message);
  transcript.take(message);
  if (message.type === "error") notice(message.message);
  if (message.type === "warning") notice(message.message, { mild: true });
  const anything = element("segments").childElementCount > 0;
  element("empty").hidden = anything;
  element("copy").disabled = !anything;
  element("clear").disabled = !anything;
}

function config() {
  return {
    environment: element("environment").value,
    language: element("language").value.trim() || null,
  };
}

async function open() {
  notice("");
  transcript.begin();
  const connection = new Connection({ config: config(), key: element("key").value, on: take });
  try {
    await connection.ready;
  } catch {
    throw new Error(await refusal());
  }
  return connection;
}

function talking(on) {
  element("talk").setAttribute("aria-pressed", String(on));
  element("talk-label").textContent = on ? "Stop" : "Use the microphone";
}

async function stop() {
  const ended = stream;
  stream = null;
  talking(false);
  element("level").value = 0;
  await ended?.stop();
}

async function talk() {
  if (stream) {
    await stop();
    return;
  }
  player.hidden = true;
  const connection = await open();
  let close = async () => {};
  stream = { stop: async () => { await close(); await connection.end(); } };
  connection.done.then(() => { if (stream) stop(); });
  try {
    close = await openMicrophone((samples) => { connection.hear(samples); level(samples); });
  } catch (error) {
    connection.close();
    throw error;
  }
  talking(true);
}

async function hearFile(file) {
  await stop();
  const samples = await decode(file);
  URL.revokeObjectURL(player.src);
  player.src = URL.createObjectURL(file);
  player.hidden = false;
  const connection = await open();
  stream = { stop: async () => connection.close() };
  if (await play(samples, connection, level)) await connection.end();
  element("level").value = 0;
  if (stream) stream = null;
}

const guarded = guarding(stop);

function dropping() {
  const zone = element("drop");
  const over = (on) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", on);
  };
  for (const kind of ["dragenter", "dragover"]) document.addEventListener(kind, over(true));
  document.addEventListener("dragleave", over(false));
  document.addEventListener("drop", (event) => {
    over(false)(event);
    const [file] = event.dataTransfer.files;
    if (file) guarded(hearFile)(file);
  });
  element("file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (file) guarded(hearFile)(file);
  });
}

element("talk").addEventListener("click", guarded(talk));
element("clear").addEventListener("click", () => {
  transcript.clear();
  element("empty").hidden = false;
  element("copy").disabled = element("clear").disabled = true;
});
element("copy").addEventListener("click", guarded(() => navigator.clipboard.writeText(transcript.text)));
element("times").addEventListener("change", (event) => {
  element("segments").classList.toggle("times", event.target.checked);
});
player.addEventListener("timeupdate", () => transcript.mark(player.currentTime));
dropping();
guarded(describe)(({ turns }) => `turns end by ${turns}`);
