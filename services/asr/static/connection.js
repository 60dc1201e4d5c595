// The native protocol, `WS /ws`: JSON both ways, PCM out.

const MOST_BUFFERED = 256 * 1024; // bytes; more than this the socket has not taken yet

/** One stream. `on(message)` gets every message but pings. */
export class Connection {
  constructor({ config, key, on }) {
    this.config = config;
    this.on = on;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const protocols = key ? ["parley", `openai-insecure-api-key.${key}`] : [];
    this.socket = new WebSocket(`${scheme}//${location.host}/ws`, protocols);
    this.socket.binaryType = "arraybuffer";
    this.ready = new Promise((resolve, reject) => {
      this.socket.onmessage = (event) => this.take(JSON.parse(event.data), resolve);
      this.socket.onclose = (event) => {
        reject(new Error(event.reason || `the service closed the connection (${event.code})`));
        this.closed(event);
      };
    });
    this.closed = () => {};
    this.done = new Promise((resolve) => { this.closed = resolve; });
    this.ready.catch(() => {}); // whoever waits for it hears of it
  }

  take(message, resolve) {
    if (message.type === "ping") {
      this.send({ type: "pong", t: message.t });
      return;
    }
    if (message.type === "ready") {
      this.send({ type: "config", sample_rate: 16000, encoding: "s16le", ...this.config });
      resolve(message);
    }
    this.on(message);
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Send samples, Float32Array at 16 kHz. */
  hear(samples) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(pcm(samples));
  }

  /** Resolves when the socket has taken most of what it was given. */
  async room() {
    while (this.socket.readyState === WebSocket.OPEN && this.socket.bufferedAmount > MOST_BUFFERED) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Nothing more comes: the service sends its finals and closes. */
  end() {
    this.send({ type: "end" });
    return this.done;
  }

  close() {
    this.socket.close();
  }
}

/** Float32 in [-1, 1] as little-endian 16-bit PCM. */
export function pcm(samples) {
  const view = new DataView(new ArrayBuffer(samples.length * 2));
  samples.forEach((value, n) => {
    view.setInt16(n * 2, Math.round(Math.max(-1, Math.min(1, value)) * 32767), true);
  });
  return view.buffer;
}
