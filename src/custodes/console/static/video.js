// A video that the reader dropped plays beside the time line of what was found in it; a click on the line jumps there.

export function enhanceTimeline(root) {
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
    };
    input.addEventListener("change", () => play(input.files[0]));
    zone.addEventListener("dragover", (event) => event.preventDefault());
    zone.addEventListener("drop", (event) => { event.preventDefault(); play(event.dataTransfer.files[0]); });
    part.addEventListener("click", (event) => {
      const at = event.target.closest?.("[data-at]")?.dataset.at;
      if (video && at !== undefined) video.currentTime = Number(at) / 1000;
    });
  }
}
