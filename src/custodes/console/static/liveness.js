// A liveness check before this browser's camera: what the component of Amplify does, without its face detector. It asks to come
// closer, shows the oval and the colours that the server drew, and streams the video; the server alone judges, by the video.

import { enhancing } from "./console.js";
import { LivenessStream } from "./liveness_stream.js";

const FAR_MS = 2000, NEAR_MS = 4500, HOLD_MS = 1800, SLICE_MS = 500;
const VIDEO = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 }, facingMode: "user" };
const KINDS = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];
const WIDEST_PX = 640, FRAME_MS = 33; // what is painted here must not slow down what is recorded
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// The oval where it is seen: videos of cameras are shown like a mirror, and letterboxed.
function placed(oval, video, canvas) {
  const scale = Math.min(canvas.width / video.videoWidth, canvas.height / video.videoHeight);
  const [left, top] = [(canvas.width - video.videoWidth * scale) / 2, (canvas.height - video.videoHeight * scale) / 2];
  return {
    x: left + (video.videoWidth - oval.CenterX) * scale, y: top + oval.CenterY * scale,
    rx: oval.Width * scale / 2, ry: oval.Height * scale / 2,
  };
}

class Booth {
  constructor(box) {
    this.box = box;
    [this.video, this.canvas] = [box.querySelector("video"), box.querySelector("canvas")];
    [this.words, this.bar] = [box.querySelector(".say"), box.querySelector("progress")];
    this.pen = this.canvas.getContext("2d");
  }

  async open() {
    this.media = await navigator.mediaDevices.getUserMedia({ video: VIDEO, audio: false });
    this.video.srcObject = this.media;
    this.box.hidden = false;
    this.box.focus();
    await this.video.play();
    await this.box.requestFullscreen?.().catch(() => {});
  }

  close() {
    for (const track of this.media?.getTracks() ?? []) track.stop();
    this.box.hidden = true;
    if (document.fullscreenElement) document.exitFullscreen();
  }

  say(text) { this.words.textContent = text; }

  clear() {
    const scale = Math.min(1, WIDEST_PX / this.canvas.clientWidth);
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight].map((side) => Math.round(side * scale));
    if (this.canvas.width !== width || this.canvas.height !== height) [this.canvas.width, this.canvas.height] = [width, height];
    else this.pen.clearRect(0, 0, width, height);
  }

  // The place of the face at `share` of its full size, all around it dimmed or in what `paint` paints.
  around(oval, share, paint) {
    this.clear();
    const { x, y, rx, ry } = placed(oval, this.video, this.canvas);
    paint();
    const path = new Path2D();
    path.ellipse(x, y, rx * share, ry * share, 0, 0, 7);
    this.pen.globalCompositeOperation = "destination-out";
    this.pen.fill(path);
    this.pen.globalCompositeOperation = "source-over";
    [this.pen.lineWidth, this.pen.strokeStyle] = [this.canvas.width / 320, "#ffffff"];
    this.pen.stroke(path);
  }

  dim = () => {
    this.pen.fillStyle = "rgb(10 12 14 / 70%)";
    this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
  };

  async guide(oval, ms, from, to) {
    const begun = performance.now();
    for (let passed = 0; passed < ms; passed = performance.now() - begun) {
      this.around(oval, from + (to - from) * passed / ms, this.dim);
      this.bar.value = passed / ms;
      await pause(FRAME_MS);
    }
  }

  // Each colour wipes from above over the one before; the first is there at once. Tells when each began.
  async colours(oval, sequence, begins) {
    let before = null;
    for (const [number, one] of sequence.entries()) {
      const colour = `rgb(${one.FreshnessColor.RGB.join(" ")})`;
      const [scroll, flat] = number === 0 ? [0, one.FlatDisplayDuration] : [one.DownscrollDuration, one.FlatDisplayDuration];
      const begun = performance.now();
      begins(number, one, sequence[number - 1]);
      for (let passed = 0; passed < scroll + flat; passed = performance.now() - begun) {
        const edge = scroll === 0 ? 1 : Math.min(1, passed / scroll);
        this.around(oval, 1, () => {
          this.pen.fillStyle = before ?? colour;
          this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
          this.pen.fillStyle = colour;
          this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height * edge);
        });
        this.bar.value = (number + passed / (scroll + flat)) / sequence.length;
        await pause(FRAME_MS);
      }
      before = colour;
    }
  }
}

async function check(part, booth, stopped) {
  const say = (name) => booth.say(part.dataset[name]);
  await booth.open();
  const { videoWidth: width, videoHeight: height } = booth.video;
  const { region, key, secret, token } = part.dataset;
  const stream = new LivenessStream({ region, key, secret, token });
  stopped.then(() => stream.close());
  const { kind, asked } = await stream.open(part.dataset.liveness, width, height);
  const told = (members) => stream.tell(kind, members);
  say("sayFar");
  const recorder = new MediaRecorder(booth.media, { mimeType: KINDS.find((one) => MediaRecorder.isTypeSupported(one)), videoBitsPerSecond: 1e6 });
  recorder.addEventListener("dataavailable", (event) => stream.video(event.data));
  const started = new Promise((done) => recorder.addEventListener("start", () => done(Date.now()), { once: true }));
  recorder.start(SLICE_MS);
  told({ VideoStartTimestamp: await started });
  const oval = asked.OvalParameters;
  await booth.guide(oval, FAR_MS, 0.5, 0.5);
  say("sayNear");
  await booth.guide(oval, NEAR_MS, 0.5, 1);
  say("sayStill");
  if (asked.ColorSequences?.length) {
    await booth.colours(oval, asked.ColorSequences, (number, one, before) => told({
      ColorDisplayed: {
        CurrentColor: one.FreshnessColor, PreviousColor: before?.FreshnessColor ?? one.FreshnessColor,
        SequenceNumber: number, CurrentColorStartTimestamp: Date.now(),
      },
    }));
    await pause(SLICE_MS);
  } else await booth.guide(oval, HOLD_MS, 1, 1);
  const ended = new Promise((done) => recorder.addEventListener("stop", done, { once: true }));
  recorder.stop();
  await ended;
  told({ VideoEndTimestamp: Date.now() });
  say("sayWait");
  booth.bar.removeAttribute("value");
  await stream.end();
}

enhancing((root) => {
  for (const part of root.querySelectorAll("[data-liveness]:not([data-ready])")) {
    part.dataset.ready = "";
    const [begin, problem] = [part.querySelector("[data-begin]"), part.querySelector("[data-problem]")];
    const booth = new Booth(part.querySelector("[data-booth]"));
    begin.addEventListener("click", async () => {
      begin.disabled = true;
      const stopped = new Promise((stop) => {
        part.querySelector("[data-stop]").addEventListener("click", stop, { once: true });
        booth.box.addEventListener("keydown", (event) => event.key === "Escape" && stop());
      });
      try {
        const ended = stopped.then(() => { throw new Error(part.querySelector("[data-stop]").textContent); });
        await Promise.race([check(part, booth, stopped), ended]);
        location.assign(part.dataset.done);
      } catch (error) {
        const camera = error instanceof DOMException || navigator.mediaDevices === undefined;
        problem.textContent = camera ? part.dataset.sayCamera : `${part.dataset.sayBroken} ${error.message}`;
        problem.hidden = false;
      } finally {
        booth.close();
        problem.focus?.();
      }
    });
  }
});
