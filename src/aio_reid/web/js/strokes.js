// What was drawn, as a list of operations: undo takes one away, redo puts it back.

export class Strokes {
  #done = [];
  #undone = [];

  /** Operations since the last clearing, oldest first. */
  get visible() {
    return this.#done.slice(this.#done.findLastIndex((one) => one.kind === "clear") + 1);
  }

  get isEmpty() {
    return !this.visible.some((one) => !one.isEraser);
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  add(operation) {
    this.#done.push(operation);
    this.#undone = [];
  }

  undo() {
    if (this.canUndo) this.#undone.push(this.#done.pop());
  }

  redo() {
    if (this.canRedo) this.#done.push(this.#undone.pop());
  }
}

/** Width of a line at a pressure in [0, 1]; a mouse reports 0.5, which is the width that was chosen. */
export const widthAt = (width, pressure) => width * (0.3 + 1.4 * pressure);
