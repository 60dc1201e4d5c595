// What was heard: a line a segment, its words with their times.

const DOUBTFUL = 0.5; // confidence below which a word is marked

export class Transcript {
  /** `seek(seconds)` plays from a word; it may do nothing. */
  constructor(list, seek) {
    this.list = list;
    this.seek = seek;
    this.lines = new Map();
    this.spans = [];
  }

  get text() {
    return [...this.list.querySelectorAll("p")].map((line) => line.textContent).join("\n");
  }

  clear() {
    this.list.replaceChildren();
    this.lines.clear();
    this.spans = [];
  }

  /** A new stream counts its segments from 0 again. */
  begin() {
    this.lines.clear();
    this.spans = [];
  }

  take(message) {
    switch (message.type) {
      case "speech_start":
        this.line(message.segment, message.timestamp);
        break;
      case "partial":
        this.show(message);
        break;
      case "candidate":
        this.line(message.segment).text.replaceChildren(unsure(message.text));
        break;
      case "final":
        this.settle(message);
        break;
    }
  }

  line(segment, start = 0) {
    if (!this.lines.has(segment)) {
      const item = document.createElement("li");
      const time = document.createElement("time");
      const text = document.createElement("p");
      text.style.margin = "0";
      time.textContent = clock(start);
      item.append(time, text);
      this.list.append(item);
      this.lines.set(segment, { item, time, text });
      item.scrollIntoView({ block: "nearest" });
    }
    return this.lines.get(segment);
  }

  show({ segment, text, stable }) {
    const rest = text.slice(stable.length);
    this.line(segment).text.replaceChildren(stable, unsure(rest));
  }

  settle({ segment, text, start, words = [] }) {
    const { item, time, text: place } = this.line(segment, start);
    if (!text) {
      item.remove();
      return;
    }
    time.textContent = clock(start);
    if (!words.length) {
      place.replaceChildren(text);
      return;
    }
    place.replaceChildren(...words.flatMap((word) => [this.word(word), " "]));
  }

  word({ word, start, end, confidence }) {
    const span = document.createElement("span");
    span.className = confidence < DOUBTFUL ? "word doubtful" : "word";
    span.textContent = word;
    span.dataset.start = start.toFixed(1);
    span.title = `${start.toFixed(2)}–${end.toFixed(2)} s, ${Math.round(confidence * 100)} % sure`;
    if (this.seek) {
      span.tabIndex = 0;
      span.setAttribute("role", "button");
      const go = () => this.seek(start);
      span.onclick = go;
      span.onkeydown = (event) => { if (event.key === "Enter") go(); };
    }
    this.spans.push({ span, start, end });
    return span;
  }

  /** Mark the word that is being played. */
  mark(seconds) {
    for (const { span, start, end } of this.spans) {
      span.classList.toggle("now", start <= seconds && seconds < end);
    }
  }
}

function unsure(text) {
  const span = document.createElement("span");
  span.className = "unsure";
  span.textContent = text;
  return span;
}

export function clock(seconds) {
  const whole = Math.floor(seconds);
  const rest = String(whole % 60).padStart(2, "0");
  return `${Math.floor(whole / 60)}:${rest}.${Math.floor((seconds % 1) * 10)}`;
}
