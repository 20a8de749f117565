// A video that the reader dropped plays beside the time line of what was found in it; a click on the line jumps there.

import { enhancing } from "./console.js";

// The surest sighting of each line, cut out of the reader's own copy; by a second player, so that the first is left alone.
async function bestShots(part, address) {
  const player = document.createElement("video");
  [player.muted, player.preload, player.src] = [true, "auto", address];
  const happened = (name) => new Promise((done, failed) => {
    player.addEventListener(name, done, { once: true });
    player.addEventListener("error", failed, { once: true });
  });
  try {
    await happened("loadeddata");
    for (const line of part.querySelectorAll("[data-best]")) {
      const { at, box: [left, top, width, height] } = JSON.parse(line.dataset.best);
      const there = happened("seeked");
      player.currentTime = at / 1000 + 0.001;
      await there;
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 96;
      const span = Math.max(width * player.videoWidth, height * player.videoHeight) * 1.3;
      const [x, y] = [(left + width / 2) * player.videoWidth, (top + height / 2) * player.videoHeight];
      canvas.getContext("2d").drawImage(player, x - span / 2, y - span / 2, span, span, 0, 0, 96, 96);
      line.querySelector("canvas")?.remove();
      line.prepend(canvas);
    }
  } catch { /* this browser does not play such videos; the time line says the same */ }
}

enhancing((root) => {
  for (const part of root.querySelectorAll("[data-timeline]:not([data-ready])")) {
    part.dataset.ready = "";
    const [zone, input] = [part.querySelector(".drop"), part.querySelector("input[type=file]")];
    let video = null;
    const play = (file) => {
      if (!file) return;
      video?.remove();
      video = document.createElement("video");
      video.controls = true;
      video.src = URL.createObjectURL(file);
      zone.after(video);
      bestShots(part, video.src);
    };
    input.addEventListener("change", () => play(input.files[0]));
    zone.addEventListener("dragover", (event) => event.preventDefault());
    zone.addEventListener("drop", (event) => { event.preventDefault(); play(event.dataTransfer.files[0]); });
    part.addEventListener("click", (event) => {
      const at = event.target.closest?.("[data-at]")?.dataset.at;
      if (video && at !== undefined) video.currentTime = Number(at) / 1000;
    });
  }
});
