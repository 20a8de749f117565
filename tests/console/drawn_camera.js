// A camera that is drawn: a square, or pictures of a face, that comes closer when the page says so, and that reflects, a tenth
// of a second late, what the page shows on the screen. For tests: nothing of the page is replaced but the camera.
(() => {
  const LAG_MS = 100, SHARE = 0.08, APPROACH_MS = 3500, WIDTH = 640, HEIGHT = 480;
  const given = window.drawnCamera;
  const probe = Object.assign(document.createElement("canvas"), { width: 4, height: 16 }).getContext("2d", { willReadFrequently: true });
  let reads = 0, colour = [0, 0, 0];

  function screenColour() {
    const shown = document.querySelector(".booth canvas");
    if (!shown?.width || document.querySelector(".booth .say").textContent !== "Hold still") return [0, 0, 0];
    if (reads++ % 2) return colour;
    probe.clearRect(0, 0, 4, 16);
    probe.drawImage(shown, 0, 0, 4, 16);
    const data = probe.getImageData(0, 0, 4, 16).data;
    let count = 0;
    const sum = [0, 0, 0];
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] < 250) continue;
      count++;
      for (let c = 0; c < 3; c++) sum[c] += data[i + c];
    }
    return (colour = sum.map((value) => value / Math.max(1, count)));
  }

  async function camera() {
    const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
    const pen = canvas.getContext("2d");
    const frames = await Promise.all((given.frames ?? []).map(async (data) => createImageBitmap(new Blob([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))]))));
    const seen = [];
    let closer = null;
    const draw = () => {
      const now = performance.now();
      if (closer === null && document.querySelector(".booth .say")?.textContent.startsWith("Come closer")) closer = now;
      const share = closer === null ? 0 : Math.min(1, (now - closer) / APPROACH_MS);
      if (frames.length) pen.drawImage(frames[Math.round(share * (frames.length - 1))], 0, 0, WIDTH, HEIGHT);
      else {
        pen.fillStyle = "#000000";
        pen.fillRect(0, 0, WIDTH, HEIGHT);
        const side = 110 + 170 * share;
        pen.fillStyle = given.square;
        pen.fillRect(WIDTH / 2 - side / 2, HEIGHT / 2 - side / 2, side, side);
      }
      seen.push([now, screenColour()]);
      while (seen.length > 1 && seen[1][0] <= now - LAG_MS) seen.shift();
      if (given.reflects) {
        pen.globalCompositeOperation = "lighter";
        pen.fillStyle = `rgb(${seen[0][1].map((value) => Math.round(value * SHARE)).join(" ")})`;
        pen.beginPath();
        pen.ellipse(WIDTH / 2, HEIGHT / 2, WIDTH * 0.2, HEIGHT * 0.44, 0, 0, 7);
        pen.fill();
        pen.globalCompositeOperation = "source-over";
      }
    };
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
  navigator.mediaDevices.getUserMedia = async () => {
    if (given.refused) throw new DOMException("no", "NotAllowedError");
    return camera();
  };
})();
