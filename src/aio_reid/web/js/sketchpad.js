// A canvas to draw on, with a pen (and its pressure), a finger or a mouse.
import { byId } from "./dom.js";
import { Strokes, widthAt } from "./strokes.js";

const INK = "#1d1b18";
const SENT_WIDTH = 256; // pixels; what a model reads of a person is smaller

export class Sketchpad extends EventTarget {
  #canvas = byId("canvas");
  #context = this.#canvas.getContext("2d");
  #strokes = new Strokes();
  #current = null;

  constructor() {
    super();
    this.#canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    this.#canvas.addEventListener("pointermove", (event) => this.#go(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.#canvas.addEventListener(name, (event) => this.#end(event));
    }
    byId("undo").addEventListener("click", () => this.undo());
    byId("redo").addEventListener("click", () => this.redo());
    byId("clear").addEventListener("click", () => this.clear());
  }

  get isEmpty() {
    return this.#strokes.isEmpty;
  }

  undo() {
    this.#strokes.undo();
    this.#redraw();
  }

  redo() {
    this.#strokes.redo();
    this.#redraw();
  }

  clear() {
    if (!this.#strokes.visible.length) return;
    this.#strokes.add({ kind: "clear", isEraser: true });
    this.#redraw();
  }

  /** The drawing, dark on white, as a PNG file. */
  toFile() {
    const sheet = document.createElement("canvas");
    sheet.width = SENT_WIDTH;
    sheet.height = Math.round((SENT_WIDTH * this.#canvas.height) / this.#canvas.width);
    const context = sheet.getContext("2d");
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, sheet.width, sheet.height);
    context.drawImage(this.#canvas, 0, 0, sheet.width, sheet.height);
    return new Promise((resolve) => {
      sheet.toBlob((blob) => resolve(new File([blob], "drawing.png", { type: "image/png" })), "image/png");
    });
  }

  #begin(event) {
    if (this.#current || event.button > 0) return;
    event.preventDefault();
    this.#canvas.setPointerCapture(event.pointerId);
    // A pen's own eraser is button 32 of `buttons`.
    const isEraser = document.querySelector("input[name=tool]:checked").value === "eraser" || event.buttons === 32;
    const width = byId("width").valueAsNumber * (isEraser ? 2 : 1);
    this.#current = { kind: "stroke", id: event.pointerId, isEraser, width, points: [this.#point(event)] };
    this.#draw(this.#current, 0);
  }

  #go(event) {
    if (event.pointerId !== this.#current?.id) return;
    const before = this.#current.points.length;
    const all = event.getCoalescedEvents?.() ?? [];
    this.#current.points.push(...(all.length ? all : [event]).map((one) => this.#point(one)));
    this.#draw(this.#current, before);
  }

  #end(event) {
    if (event.pointerId !== this.#current?.id) return;
    this.#strokes.add(this.#current);
    this.#current = null;
    this.#changed();
  }

  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) * this.#canvas.width) / box.width;
    const y = ((event.clientY - box.top) * this.#canvas.height) / box.height;
    return { x, y, pressure: event.pointerType === "pen" ? event.pressure : 0.5 };
  }

  /** Draw a stroke from its point `first` on. */
  #draw(stroke, first) {
    const context = this.#context;
    context.globalCompositeOperation = stroke.isEraser ? "destination-out" : "source-over";
    context.strokeStyle = INK;
    context.lineCap = "round";
    for (let n = Math.max(first, 0); n < stroke.points.length; n += 1) {
      const [from, to] = [stroke.points[Math.max(n - 1, 0)], stroke.points[n]];
      context.lineWidth = widthAt(stroke.width, to.pressure);
      context.beginPath();
      context.moveTo(from.x, from.y);
      context.lineTo(to.x, to.y);
      context.stroke();
    }
  }

  #redraw() {
    this.#context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    for (const stroke of this.#strokes.visible) this.#draw(stroke, 0);
    this.#changed();
  }

  #changed() {
    byId("undo").disabled = !this.#strokes.canUndo;
    byId("redo").disabled = !this.#strokes.canRedo;
    byId("clear").disabled = !this.#strokes.visible.length;
    byId("drawing-state").textContent = this.isEmpty ? "" : "is part of the search";
    this.dispatchEvent(new Event("change"));
  }
}
