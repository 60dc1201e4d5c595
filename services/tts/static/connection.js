// One native socket: JSON messages, and the binary frame that follows each `audio_chunk`.

export class Connection {
  #socket;
  #chunk = null;

  /** `on(message)` hears every message; `onAudio(message, samples)` every chunk with its sound. */
  constructor({ key, on, onAudio }) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const protocols = key ? ["realtime", `openai-insecure-api-key.${key}`] : [];
    this.#socket = new WebSocket(`${scheme}//${location.host}/ws`, protocols);
    this.#socket.binaryType = "arraybuffer";
    this.ready = new Promise((resolve, reject) => {
      this.#socket.addEventListener("error", () => reject(new Error("no connection to the service")));
      this.#socket.addEventListener("message", () => resolve(this), { once: true });
    });
    this.closed = new Promise((resolve) => this.#socket.addEventListener("close", resolve));
    this.#socket.addEventListener("message", ({ data }) => this.#take(data, on, onAudio));
  }

  get open() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  close() {
    this.#socket.close();
  }

  #take(data, on, onAudio) {
    if (data instanceof ArrayBuffer) {
      onAudio(this.#chunk, new Float32Array(data));
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "ping") this.send({ type: "pong", t: message.t });
    if (message.type === "audio_chunk") this.#chunk = message;
    if (message.type !== "ping" && message.type !== "pong") on(message);
  }
}
