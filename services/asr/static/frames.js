// Gathers the worklet's 128-sample blocks into frames of 20 ms.

const FRAME = 320;

class Frames extends AudioWorkletProcessor {
  constructor() {
    super();
    this.frame = new Float32Array(FRAME);
    this.filled = 0;
  }

  process(inputs) {
    const block = inputs[0][0];
    if (!block) return true;
    for (const value of block) {
      this.frame[this.filled] = value;
      this.filled += 1;
      if (this.filled === FRAME) {
        this.port.postMessage(this.frame.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("frames", Frames);
