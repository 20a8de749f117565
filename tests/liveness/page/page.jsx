// The real component of Amplify on a page, before a camera that is drawn.
//
// The camera shows pictures of a face: the far one until the component asks to come closer, then the approach. In the mode
// "reflect" it adds, a tenth of a second late, the colour that the component shows on the screen; in "wrong" one of a
// choice of its own; in "none" nothing. Nothing of the component is replaced, and the page holds it as the documented
// example does.
import React from "react";
import { createRoot } from "react-dom/client";
import { Check } from "./example.jsx"; // the example of docs/liveness.md, with this test's address

const LAG_MS = 100, SHARE = 0.08, APPROACH_MS = 2500;
const told = window.told = { state: "begun", error: "" };

async function pictures(film, count) {
  const load = async (i) => createImageBitmap(await (await fetch(`/${film}/${i}.jpg`)).blob());
  return Promise.all(Array.from({ length: count }, (_, i) => load(i)));
}

// The mean colour of what the component shows over the whole screen.
const probe = Object.assign(document.createElement("canvas"), { width: 4, height: 16 });
const look = probe.getContext("2d", { willReadFrequently: true });
function screenColour() {
  const shown = document.querySelector(".amplify-liveness-freshness-canvas");
  if (!shown || shown.style.display !== "block" || !shown.width) return [0, 0, 0];
  look.clearRect(0, 0, 4, 16);
  look.drawImage(shown, 0, 0, 4, 16);
  const data = look.getImageData(0, 0, 4, 16).data;
  const sum = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) for (let c = 0; c < 3; c++) sum[c] += data[i + c];
  return sum.map((value) => value / (data.length / 4));
}

const HUES = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 255, 255], [255, 0, 255], [255, 255, 0]];
function otherColour(now, seed) {
  const step = Math.floor(now / 300);
  const noise = Math.sin(step * 12.9898 + seed * 78.233) * 43758.5453;
  return HUES[Math.floor((noise - Math.floor(noise)) * 6)];
}

function camera(frames, mode, width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  const seen = [];
  let closer = null;
  const draw = () => {
    const now = performance.now();
    if (closer === null && document.body.innerText.includes("Move closer")) closer = now;
    const share = closer === null ? 0 : Math.min(1, (now - closer) / APPROACH_MS);
    context.drawImage(frames[Math.round(share * (frames.length - 1))], 0, 0, width, height);
    const colour = screenColour();
    seen.push([now, mode === "wrong" && colour.some((v) => v) ? otherColour(now, 7) : colour]);
    while (seen.length > 1 && seen[1][0] <= now - LAG_MS) seen.shift();
    if (mode !== "none") {
      const [red, green, blue] = seen[0][1].map((value) => Math.round(value * SHARE));
      context.globalCompositeOperation = "lighter";
      context.fillStyle = `rgb(${red},${green},${blue})`;
      context.beginPath();
      context.ellipse(width / 2, height / 2, width * 0.2, height * 0.44, 0, 0, 7);
      context.fill();
      context.globalCompositeOperation = "source-over";
    }
  };
  // Frames are made, not captured: a page that is not painted in time would leave them out.
  const track = new MediaStreamTrackGenerator({ kind: "video" });
  const writer = track.writable.getWriter();
  setInterval(() => {
    draw();
    const frame = new VideoFrame(canvas, { timestamp: performance.now() * 1000, alpha: "discard" });
    if (writer.desiredSize > 0) writer.write(frame).catch(() => {});
    else frame.close();
  }, 66);
  return new MediaStream([track]);
}

function replaceCamera(frames, mode) {
  const devices = navigator.mediaDevices;
  const real = devices.getUserMedia.bind(devices);
  let drawn = null;
  devices.getUserMedia = async (wanted) => {
    const [track] = (await real(wanted)).getVideoTracks();
    const settings = { ...track.getSettings(), width: 640, height: 480, frameRate: 30 };
    drawn = drawn ?? camera(frames, mode, 640, 480);
    const [ours] = drawn.getVideoTracks();
    ours.getSettings = () => settings;
    return drawn;
  };
}

async function begin() {
  const given = JSON.parse(document.getElementById("given").textContent);
  replaceCamera(await pictures(given.film, given.frames), given.mode);
  const credentials = { accessKeyId: given.key, secretAccessKey: given.secret };
  const onDone = async () => { told.state = "complete"; told.at = Date.now(); };
  createRoot(document.getElementById("root")).render(<Check session={given.session} credentials={credentials} onDone={onDone} />);
}

begin().catch((error) => { told.state = "error"; told.error = String(error); });
