// The microphone as 16 kHz frames; the browser resamples.

/** Opens the microphone; `on(samples)` gets Float32Arrays of 20 ms. */
export async function openMicrophone(on) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("the browser gives no microphone to this page: open it over https or on localhost");
  }
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  });
  const context = new AudioContext({ sampleRate: 16000 });
  await context.audioWorklet.addModule("/static/frames.js");
  const frames = new AudioWorkletNode(context, "frames", { numberOfOutputs: 0 });
  frames.port.onmessage = (event) => on(event.data);
  context.createMediaStreamSource(stream).connect(frames);
  return async () => {
    stream.getTracks().forEach((track) => track.stop());
    await context.close();
  };
}
