// A dropped file, decoded by the browser.

const RATE = 16000;
const FRAME = RATE / 10;

/** Float32Array at 16 kHz, mono. */
export async function decode(file) {
  const context = new OfflineAudioContext(1, 1, RATE);
  let sound;
  try {
    sound = await context.decodeAudioData(await file.arrayBuffer());
  } catch {
    throw new Error(`${file.name} is no sound file that this browser can read`);
  }
  const mono = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
    const data = sound.getChannelData(channel);
    for (let n = 0; n < mono.length; n += 1) mono[n] += data[n] / sound.numberOfChannels;
  }
  return mono;
}

/** Sends samples as fast as the service takes them; false when it went away. */
export async function play(samples, connection, onLevel) {
  for (let at = 0; at < samples.length; at += FRAME) {
    if (!(await connection.room())) return false;
    const frame = samples.subarray(at, at + FRAME);
    connection.hear(frame);
    onLevel(frame);
  }
  return true;
}
