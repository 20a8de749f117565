// Photos that the reader chose: dropped, picked or taken; shown, shrunk where they are too large to send, drawn over.
// They stay in this page: what is drawn over is the browser's own copy, never one that came back from the server.

import { enhancing } from "./console.js";

const MAX_BYTES = 5 * 1024 * 1024 - 64 * 1024; // the API takes 5 MiB
const MAX_SIDE_PX = 4096;
const chosen = new Map(); // name of a field -> the address of its photo
const SVG = "http://www.w3.org/2000/svg";

export async function shrink(file) {
  if (file.size <= MAX_BYTES && /^image\/(jpeg|png|webp)$/.test(file.type)) return file;
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, MAX_SIDE_PX / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
  return new File([blob], `${file.name.replace(/\.[^.]*$/, "")}.jpg`, { type: "image/jpeg" });
}

function put(input, files) {
  const list = new DataTransfer();
  for (const file of files) list.items.add(file);
  input.files = list.files;
}

function show(zone, name, file) {
  if (chosen.has(name)) URL.revokeObjectURL(chosen.get(name));
  const address = URL.createObjectURL(file);
  chosen.set(name, address);
  const preview = zone.querySelector(".drop-preview");
  const image = new Image();
  image.alt = file.name;
  image.src = address;
  const caption = document.createElement("p");
  caption.textContent = `${file.name} (${Math.ceil(file.size / 1024)} kB)`;
  caption.dir = "auto";
  preview.replaceChildren(image, caption);
  preview.hidden = false;
  zone.classList.add("filled");
}

async function take(zone, input, files) {
  const pictures = [...files].filter((file) => file.type.startsWith("image/"));
  if (pictures.length === 0) return;
  if (input.multiple) { put(input, pictures); zone.dispatchEvent(new CustomEvent("chosen", { detail: pictures })); return; }
  // Two photos dropped on one place fill the empty places of the form in order.
  const form = zone.closest("form");
  const rest = form === null ? [] : [...form.querySelectorAll("[data-drop]")].filter((other) => other !== zone && !other.querySelector("input").files.length);
  for (const [target, file] of [[zone, pictures[0]], ...rest.map((other, i) => [other, pictures[i + 1]])]) {
    if (file === undefined) continue;
    const small = await shrink(file).catch(() => file);
    put(target.querySelector("input"), [small]);
    show(target, target.dataset.drop, small);
  }
}

function enhanceDrops(root) {
  for (const zone of root.querySelectorAll("[data-drop]:not([data-ready])")) {
    zone.dataset.ready = "";
    const input = zone.querySelector("input[type=file]");
    input.addEventListener("change", () => take(zone, input, input.files));
    for (const kind of ["dragenter", "dragover"])
      zone.addEventListener(kind, (event) => { event.preventDefault(); zone.classList.add("over"); });
    for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => { event.preventDefault(); take(zone, input, event.dataTransfer.files); });
    const button = zone.querySelector("[data-camera]");
    if (button && navigator.mediaDevices?.getUserMedia) {
      button.hidden = false;
      button.addEventListener("click", () => camera(zone, input, button));
    }
  }
}

async function camera(zone, input, button) {
  const running = zone.querySelector("video");
  if (running) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [running.videoWidth, running.videoHeight];
    canvas.getContext("2d").drawImage(running, 0, 0);
    for (const track of running.srcObject.getTracks()) track.stop();
    running.remove();
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
    await take(zone, input, [new File([blob], "camera.jpg", { type: "image/jpeg" })]);
    return;
  }
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    const video = document.createElement("video");
    [video.srcObject, video.autoplay, video.muted, video.playsInline] = [stream, true, true, true];
    button.before(video);
  } catch { button.disabled = true; }
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function overlay(marks, width, height) {
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", class: "marks" });
  const size = Math.max(width, height);
  for (const mark of marks) {
    const group = element("g", { class: `mark ${mark.kind}`, "data-mark": mark.number });
    if (mark.outline.length)
      group.append(element("polygon", { points: mark.outline.map(([x, y]) => `${x * width},${y * height}`).join(" ") }));
    const [left, top, w, h] = mark.box.length ? mark.box : [...(mark.outline[0] ?? [0, 0]), 0, 0];
    if (mark.box.length)
      group.append(element("rect", { x: left * width, y: top * height, width: w * width, height: h * height, rx: size / 250 }));
    for (const [x, y] of mark.points)
      group.append(element("circle", { cx: x * width, cy: y * height, r: size / (mark.points.length > 12 ? 350 : 220) }));
    const label = element("text", { x: left * width + size / 130, y: Math.max(size / 32, top * height - size / 110), "font-size": size / 34 });
    label.textContent = mark.number;
    group.append(label);
    svg.append(group);
  }
  return svg;
}

function drawFindings(root) {
  for (const figure of root.querySelectorAll("[data-picture]:not([data-ready])")) {
    const address = chosen.get(figure.dataset.picture);
    if (address === undefined) continue;
    figure.dataset.ready = "";
    const image = new Image();
    image.alt = "";
    image.addEventListener("load", () => {
      const frame = document.createElement("div");
      frame.className = "frame";
      frame.append(image, overlay(JSON.parse(figure.dataset.marks), image.naturalWidth, image.naturalHeight));
      figure.prepend(frame);
    });
    image.src = address;
    const table = figure.parentElement.querySelector("table");
    table?.addEventListener("pointerover", (event) => light(figure, event.target.closest("tr")?.dataset.row));
    table?.addEventListener("pointerleave", () => light(figure, null));
  }
}

function light(figure, row) {
  for (const mark of figure.querySelectorAll("[data-mark]")) mark.classList.toggle("lit", mark.dataset.mark === row);
}

// A face that was cut out of a photo of the reader's, as a small picture.
export async function cutOut(file, [left, top, width, height], side = 96) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const span = Math.max(width * bitmap.width, height * bitmap.height) * 1.3;
  const [x, y] = [(left + width / 2) * bitmap.width, (top + height / 2) * bitmap.height];
  canvas.getContext("2d").drawImage(bitmap, x - span / 2, y - span / 2, span, span, 0, 0, side, side);
  return canvas;
}

enhancing(enhanceDrops);
enhancing(drawFindings);
