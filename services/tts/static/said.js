// The text with its words lighting up as they are heard.

export class Said {
  #element;
  #words = [];
  #text = "";
  #shown = 0;

  constructor(element) {
    this.#element = element;
  }

  begin(text) {
    this.#text = text;
    this.#words = [];
    this.#shown = 0;
    this.#element.textContent = text;
  }

  /** The words of one `audio_chunk`, found in the text one after another. */
  take(message) {
    let at = message.text_start ?? this.#shown;
    const nodes = [];
    for (const { word, start, end } of message.words ?? []) {
      const found = this.#text.indexOf(word, at);
      if (found < 0) continue;
      nodes.push({ from: found, to: found + word.length, start, end });
      at = found + word.length;
    }
    for (const node of nodes) this.#add(node);
  }

  /** Light up what was heard until now. */
  mark(seconds) {
    for (const { element, start, end } of this.#words) {
      element.classList.toggle("spoken", start <= seconds);
      element.classList.toggle("now", start <= seconds && seconds < end);
    }
  }

  #add({ from, to, start, end }) {
    if (from < this.#shown) return;
    const rest = this.#element.lastChild;
    const element = document.createElement("span");
    element.className = "word";
    element.dataset.start = start;
    element.textContent = this.#text.slice(from, to);
    const before = document.createTextNode(this.#text.slice(this.#shown, from));
    const after = document.createTextNode(this.#text.slice(to));
    rest.replaceWith(before, element, after);
    this.#shown = to;
    this.#words.push({ element, start, end });
  }
}
