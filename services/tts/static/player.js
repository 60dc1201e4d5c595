// Plays chunks as they come, one right behind the other, and keeps them for saving.

const RATE = 24000;
const HEADSTART_S = 0.08;

export class Player {
  #context;
  #sources = new Set();
  #chunks = [];
  #begins = 0;
  #until = 0;

  constructor() {
    this.#context = new AudioContext({ sampleRate: RATE });
  }

  /** Seconds of the reply that were heard so far. */
  get heard() {
    return this.#begins ? Math.max(0, this.#context.currentTime - this.#begins) : 0;
  }

  /** Whether everything that came was heard. */
  get done() {
    return this.#context.currentTime >= this.#until;
  }

  async begin() {
    this.stop();
    this.#chunks = [];
    await this.#context.resume();
  }

  play(samples) {
    this.#chunks.push(samples);
    if (!samples.length) return;
    const buffer = this.#context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(samples, 0);
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#context.destination);
    const soonest = this.#context.currentTime + HEADSTART_S;
    if (this.#until < this.#context.currentTime) {
      this.#begins += this.#begins ? soonest - this.#until : soonest;
      this.#until = soonest;
    }
    source.start(this.#until);
    this.#until += buffer.duration;
    this.#sources.add(source);
    source.onended = () => this.#sources.delete(source);
  }

  stop() {
    for (const source of this.#sources) source.stop();
    this.#sources.clear();
    this.#begins = this.#until = 0;
  }

  /** What came so far, as a WAV file. */
  file() {
    const length = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const view = new DataView(new ArrayBuffer(44 + length * 2));
    const text = (at, word) => [...word].forEach((c, n) => view.setUint8(at + n, c.charCodeAt(0)));
    text(0, "RIFF");
    view.setUint32(4, 36 + length * 2, true);
    text(8, "WAVEfmt ");
    view.setUint32(16, 16, true);
    view.setUint16(20, 1, true);
    view.setUint16(22, 1, true);
    view.setUint32(24, RATE, true);
    view.setUint32(28, RATE * 2, true);
    view.setUint16(32, 2, true);
    view.setUint16(34, 16, true);
    text(36, "data");
    view.setUint32(40, length * 2, true);
    let at = 44;
    for (const chunk of this.#chunks) {
      for (const value of chunk) {
        view.setInt16(at, Math.max(-32768, Math.min(32767, Math.round(value * 32768))), true);
        at += 2;
      }
    }
    return new Blob([view], { type: "audio/wav" });
  }
}
