// Moving about in a time series: by finger, pen, mouse, wheel and keys.

const KEY_STEP = 0.15;
const ZOOM_KEY = 0.7;
const WHEEL = 0.002;
/** Seconds: no closer than this. */
const CLOSEST = 10;

/** Pans and zooms one uPlot figure within its data. At most one drawing a frame, however many events come. */
export class Gestures {
  /** @param {object} figure uPlot's @param {HTMLElement} holder @param {[number, number]} bounds Unix seconds */
  constructor(figure, holder, bounds) {
    this.figure = figure;
    this.bounds = bounds;
    this.view = [...bounds];
    this.pointers = new Map();
    this.frame = 0;
    this.ending = new AbortController();
    const listen = (target, type, listener, options = {}) =>
      target.addEventListener(type, listener, { ...options, signal: this.ending.signal });
    listen(figure.over, "pointerdown", (event) => this.press(event));
    listen(figure.over, "pointermove", (event) => this.move(event));
    for (const type of ["pointerup", "pointercancel"]) listen(figure.over, type, (event) => this.pointers.delete(event.pointerId));
    listen(figure.over, "wheel", (event) => this.roll(event), { passive: false });
    listen(figure.over, "dblclick", () => this.whole());
    listen(holder, "keydown", (event) => this.key(event));
    this.show(this.view);
  }

  /** New data: go on showing the whole where the whole was shown. @param {[number, number]} bounds */
  reach(bounds) {
    const whole = this.view[0] <= this.bounds[0] && this.view[1] >= this.bounds[1];
    this.bounds = bounds;
    this.show(whole ? bounds : this.view);
  }

  /** Move by a share of what is shown; negative is earlier. @param {number} share */
  pan(share) {
    const by = (this.view[1] - this.view[0]) * share;
    this.show([this.view[0] + by, this.view[1] + by]);
  }

  /** Show `factor` times as much, around `centre` (Unix seconds). @param {number} factor @param {number} [centre] */
  zoom(factor, centre = (this.view[0] + this.view[1]) / 2) {
    this.show(this.view.map((edge) => centre + (edge - centre) * factor));
  }

  whole() {
    this.show(this.bounds);
  }

  release() {
    this.ending.abort();
    cancelAnimationFrame(this.frame);
  }

  show([from, to]) {
    const all = this.bounds[1] - this.bounds[0] || 1;
    const length = Math.min(all, Math.max(to - from, Math.min(CLOSEST, all)));
    const middle = (from + to) / 2;
    const start = Math.min(Math.max(middle - length / 2, this.bounds[0]), this.bounds[0] + all - length);
    this.view = [start, start + length];
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.figure.setScale("x", { min: this.view[0], max: this.view[1] });
    });
  }

  press(event) {
    // A dragged chart goes on following a finger that leaves it.
    this.figure.over.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event.clientX);
  }

  move(event) {
    if (!this.pointers.has(event.pointerId)) return;
    const before = [...this.pointers.values()];
    this.pointers.set(event.pointerId, event.clientX);
    const after = [...this.pointers.values()];
    const perPixel = (this.view[1] - this.view[0]) / this.figure.over.clientWidth;
    if (before.length === 1) {
      const by = (before[0] - after[0]) * perPixel;
      this.show([this.view[0] + by, this.view[1] + by]);
      return;
    }
    const wide = Math.abs(before[0] - before[1]);
    const wider = Math.abs(after[0] - after[1]);
    const left = this.figure.over.getBoundingClientRect().left;
    if (wide > 8 && wider > 8) this.zoom(wide / wider, this.view[0] + ((after[0] + after[1]) / 2 - left) * perPixel);
  }

  roll(event) {
    // Without Ctrl the wheel scrolls the page, as anywhere; sideways it moves in time. A pinch on a touch pad is Ctrl.
    const perPixel = (this.view[1] - this.view[0]) / this.figure.over.clientWidth;
    if (event.ctrlKey) {
      event.preventDefault();
      const left = this.figure.over.getBoundingClientRect().left;
      this.zoom(Math.exp(event.deltaY * WHEEL), this.view[0] + (event.clientX - left) * perPixel);
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      this.show(this.view.map((edge) => edge + event.deltaX * perPixel));
    }
  }

  key(event) {
    const action = {
      ArrowLeft: () => this.pan(-KEY_STEP),
      ArrowRight: () => this.pan(KEY_STEP),
      "+": () => this.zoom(ZOOM_KEY),
      "=": () => this.zoom(ZOOM_KEY),
      "-": () => this.zoom(1 / ZOOM_KEY),
      Home: () => this.whole(),
    }[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  }
}
