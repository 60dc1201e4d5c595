// The voices: the service's, those registered with this key, and the recording of a new one.

const LONGEST_S = 20;

export function headers(key) {
  return key ? { Authorization: `Bearer ${key}` } : {};
}

/** What the service answers when it refuses. */
async function refusal(answer) {
  try {
    return new Error((await answer.json()).error.message);
  } catch {
    return new Error(`the service answered ${answer.status}`);
  }
}

/** Fill the list; keeps the choice where it is still there. */
export async function fill(select, key) {
  const answer = await fetch("/v1/audio/voices", { headers: headers(key) });
  if (!answer.ok) throw await refusal(answer);
  const { data, default: usual } = await answer.json();
  const chosen = select.value;
  const groups = [
    ["Your own", data.filter((voice) => voice.cloned)],
    ["The engine's", data.filter((voice) => !voice.cloned && !voice.alias_of)],
    ["Other names", data.filter((voice) => voice.alias_of)],
  ];
  select.replaceChildren();
  for (const [label, voices] of groups) {
    if (!voices.length) continue;
    const group = document.createElement("optgroup");
    group.label = label;
    for (const voice of voices) group.append(option(voice));
    select.append(group);
  }
  const known = new Set(data.map((voice) => voice.id));
  select.value = known.has(chosen) ? chosen : usual;
}

function option(voice) {
  const element = document.createElement("option");
  element.value = voice.id;
  element.dataset.cloned = voice.cloned ? "yes" : "";
  const means = voice.alias_of ? ` → ${voice.alias_of}` : "";
  element.textContent = voice.name === voice.id ? `${voice.id}${means}` : `${voice.id} · ${voice.name}`;
  return element;
}

export async function register({ id, recording, consent, key }) {
  const form = new FormData();
  form.append("voice_id", id);
  form.append("consent", String(consent));
  form.append("reference_audio", recording, "reference");
  const answer = await fetch("/v1/audio/voices", { method: "POST", body: form, headers: headers(key) });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

export async function forget(id, key) {
  const path = `/v1/audio/voices/${encodeURIComponent(id)}`;
  const answer = await fetch(path, { method: "DELETE", headers: headers(key) });
  if (!answer.ok) throw await refusal(answer);
}

/** Records until `stop()` or twenty seconds; resolves with a file. */
export async function record(onSeconds) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("the browser gives no microphone to this page: open it over https or on localhost");
  }
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const began = performance.now();
  const timer = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    onSeconds(seconds);
    if (seconds > LONGEST_S - 0.5 && recorder.state === "recording") recorder.stop();
  }, 100);
  const file = new Promise((resolve) => {
    recorder.onstop = () => {
      clearInterval(timer);
      stream.getTracks().forEach((track) => track.stop());
      resolve(new Blob(parts, { type: recorder.mimeType }));
    };
  });
  recorder.start();
  return { file, stop: () => recorder.state === "recording" && recorder.stop() };
}
