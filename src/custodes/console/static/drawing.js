// Boxes around things on the reader's own copies of pictures, by pointer or by numbers; what is sent are lines of a manifest.
// Source of the form of a line: AWS, "Object localization in manifest files" and "Classification in manifest files".

import { enhancing } from "./console.js";

const SVG = "http://www.w3.org/2000/svg";
const LEAST_PX = 4;

function made(name, members = {}, ...inside) {
  const one = Object.assign(document.createElement(name), members);
  one.append(...inside);
  return one;
}

class Sheet {
  constructor(board, file, image) {
    [this.board, this.file, this.image, this.boxes] = [board, file, image, []];
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", `0 0 ${image.naturalWidth} ${image.naturalHeight}`);
    this.svg.setAttribute("class", "marks");
    this.svg.setAttribute("aria-hidden", "true");
    const { add, whole } = board.part.dataset;
    this.list = made("ul", { className: "stack" });
    this.whole = made("input", { type: "checkbox" });
    this.whole.addEventListener("change", () => board.write());
    const frame = made("div", { className: "frame drawing-board" }, image, this.svg);
    const title = made("h3", { className: "name", textContent: file.name, dir: "auto" });
    const button = made("button", { type: "button", className: "quiet", textContent: add });
    button.addEventListener("click", () => this.add([image.naturalWidth / 4, image.naturalHeight / 4, image.naturalWidth / 2, image.naturalHeight / 2]));
    const label = made("label", { className: "inline" }, this.whole, ` ${whole}`);
    this.card = made("li", { className: "card stack" }, title, frame, this.list, made("p", { className: "actions" }, button, label));
    this.drawing(frame);
  }

  drawing(frame) {
    const place = (event) => {
      const box = this.svg.getBoundingClientRect();
      const share = (value, from, size, all) => Math.min(all, Math.max(0, (value - from) / size * all));
      return [share(event.clientX, box.left, box.width, this.image.naturalWidth), share(event.clientY, box.top, box.height, this.image.naturalHeight)];
    };
    let from = null;
    frame.addEventListener("pointerdown", (event) => { event.preventDefault(); from = place(event); frame.setPointerCapture(event.pointerId); });
    frame.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const [[x0, y0], [x1, y1]] = [from, place(event)];
      from = null;
      const [width, height] = [Math.abs(x1 - x0), Math.abs(y1 - y0)];
      if (width >= LEAST_PX && height >= LEAST_PX) this.add([Math.min(x0, x1), Math.min(y0, y1), width, height]);
    });
  }

  add(sides) {
    const box = { sides: sides.map(Math.round), name: this.board.name() };
    this.boxes.push(box);
    this.show();
  }

  show() {
    const { box: title, remove, label, sides } = this.board.part.dataset;
    this.list.replaceChildren(...this.boxes.map((box, at) => {
      const name = made("input", { value: box.name, required: true, maxLength: 255 });
      name.setAttribute("list", "names");
      name.addEventListener("input", () => { box.name = name.value; this.board.write(); });
      const numbers = JSON.parse(sides).map((said, side) => {
        const input = made("input", { type: "number", min: side < 2 ? 0 : 1, value: box.sides[side] });
        input.addEventListener("input", () => { box.sides[side] = Math.max(0, Math.round(Number(input.value))); this.draw(); this.board.write(); });
        return made("label", {}, said, input);
      });
      const gone = made("button", { type: "button", className: "quiet", textContent: remove });
      gone.addEventListener("click", () => { this.boxes.splice(at, 1); this.show(); });
      const group = made("fieldset", { className: "plain" }, made("legend", { textContent: title.replace("{number}", at + 1) }), made("div", { className: "row tight" }, made("label", {}, label, name), ...numbers, gone));
      return made("li", {}, group);
    }));
    this.draw();
    this.board.write();
  }

  draw() {
    this.svg.replaceChildren(...this.boxes.map(({ sides: [x, y, width, height] }, at) => {
      const [group, rect, text] = ["g", "rect", "text"].map((one) => document.createElementNS(SVG, one));
      for (const [key, value] of Object.entries({ x, y, width, height })) rect.setAttribute(key, value);
      const size = Math.max(this.image.naturalWidth, this.image.naturalHeight) / 30;
      for (const [key, value] of Object.entries({ x: x + size / 4, y: y + size, "font-size": size })) text.setAttribute(key, value);
      text.textContent = at + 1;
      group.setAttribute("class", "mark");
      group.append(rect, text);
      return group;
    }));
  }

  line() {
    const [names, about] = [[...new Set(this.boxes.map((box) => box.name))], { "human-annotated": "yes", "creation-date": new Date().toISOString().slice(0, 23), "job-name": "console" }];
    const line = { "source-ref": this.board.source(this.file.name) };
    if (this.boxes.length) {
      line["bounding-box"] = {
        image_size: [{ width: this.image.naturalWidth, height: this.image.naturalHeight, depth: 3 }],
        annotations: this.boxes.map(({ sides: [left, top, width, height], name }) => ({ class_id: names.indexOf(name), left, top, width, height })),
      };
      line["bounding-box-metadata"] = { objects: this.boxes.map(() => ({ confidence: 1 })), "class-map": Object.fromEntries(names.map((name, id) => [id, name])), type: "groundtruth/object-detection", ...about };
    } else if (this.whole.checked) {
      line.label = 0;
      line["label-metadata"] = { "class-name": this.board.name(), confidence: 1, type: "groundtruth/image-classification", ...about };
    } else return null;
    return JSON.stringify(line);
  }
}

class Board {
  constructor(part) {
    [this.part, this.sheets] = [part, []];
    this.lines = document.querySelector("textarea[name=lines]");
    part.querySelector(".drop").addEventListener("chosen", (event) => this.take(event.detail));
    for (const input of part.querySelectorAll("[data-bucket], [data-prefix], [data-name]")) input.addEventListener("input", () => this.write());
  }

  name() { return this.part.querySelector("[data-name]").value.trim(); }

  source(file) { return `s3://${this.part.querySelector("[data-bucket]").value.trim()}/${this.part.querySelector("[data-prefix]").value.trim()}${file}`; }

  async take(files) {
    for (const file of files) {
      const image = new Image();
      image.alt = file.name;
      image.src = URL.createObjectURL(file);
      await image.decode().catch(() => {});
      if (!image.naturalWidth) continue;
      const sheet = new Sheet(this, file, image);
      this.sheets.push(sheet);
      this.part.querySelector("[data-sheets]").append(sheet.card);
    }
  }

  write() { this.lines.value = this.sheets.map((sheet) => sheet.line()).filter((line) => line !== null).join("\n"); }
}

enhancing((root) => {
  for (const part of root.querySelectorAll("[data-draw]:not([data-ready])")) {
    part.dataset.ready = "";
    new Board(part);
  }
});
