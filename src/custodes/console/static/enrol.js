// Many photos into a collection, two at a time, with a progress bar; each answer is shown with its faces cut out here.

import { enhance, enhancing } from "./console.js";
import { cutOut, shrink } from "./pictures.js";

const AT_ONCE = 2;

enhancing((root) => {
  const form = root.querySelector("form[data-enrol]:not([data-ready])");
  if (!form) return;
  form.dataset.ready = "";
  form.addEventListener("submit", (event) => {
    const files = [...form.querySelector("input[type=file]").files];
    if (files.length === 0) return;
    event.preventDefault();
    enrol(form, files);
  });
});

async function enrol(form, files) {
  const [button, box] = [form.querySelector("button.go"), form.querySelector(".enrolment")];
  const [bar, status] = [box.querySelector("progress"), box.querySelector("[role=status]")];
  const list = document.getElementById("added");
  button.disabled = true;
  box.hidden = false;
  bar.max = files.length;
  let [next, done] = [0, 0];
  const work = async () => {
    while (next < files.length) {
      const file = files[next++];
      list.prepend(await one(form, file).catch((error) => said(`${file.name}: ${error.message}`)));
      enhance(list.firstElementChild);
      bar.value = ++done;
      status.textContent = `${form.dataset.now} ${done} / ${files.length}`;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  status.textContent = form.dataset.done;
  button.disabled = false;
}

async function one(form, file) {
  const data = new FormData(form);
  data.set("photo", await shrink(file));
  data.set("file", file.name);
  const answer = await fetch(form.action, { method: "POST", body: data, headers: { "HX-Request": "true" } });
  const shown = document.createElement("div");
  shown.className = "stack";
  shown.append(...new DOMParser().parseFromString(await answer.text(), "text/html").body.children);
  for (const place of shown.querySelectorAll("[data-cut]"))
    place.replaceWith(await cutOut(file, JSON.parse(place.dataset.cut)).catch(() => said("")));
  return shown;
}

function said(text) {
  const made = document.createElement("p");
  made.textContent = text;
  return made;
}
