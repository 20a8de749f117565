// Files that prove something, checked in the browser by the verifier that comes with the ledger. Nothing is sent.

const STATES = { PRESENT: "good", ABSENT: "good", UNDETERMINED: "warn", INVALID: "bad" };

async function judge(place, content, policy, address) {
  place.textContent = place.dataset.working;
  const { verify, verifyReceipt } = await import(`${address}verify.mjs`);
  const text = content.trimStart().startsWith("v1.") ? content.trim() : null;
  const found = text === null ? await verify(content, { policy, nowMs: Date.now() }) : await verifyReceipt(text, { policy });
  const box = document.createElement("section");
  box.className = `notice ${STATES[found.verdict] ?? "bad"}`;
  box.dataset.verdict = found.verdict;
  const title = document.createElement("h3");
  title.textContent = document.getElementById(`verdict-${found.verdict}`)?.content.textContent.trim() ?? found.verdict;
  const list = document.createElement("ul");
  list.lang = "en";
  for (const reason of found.reasons ?? []) {
    const item = document.createElement("li");
    item.textContent = reason;
    item.dir = "auto";
    list.append(item);
  }
  box.append(title, list);
  place.replaceChildren(box);
}

export function enhanceEvidence(root, address, trust) {
  for (const part of root.querySelectorAll("[data-verify-text]:not([data-ready])")) {
    part.dataset.ready = "";
    judge(part.querySelector(".verdict-place"), part.querySelector("textarea").value, trust, address);
  }
  for (const part of root.querySelectorAll("[data-verify-file]:not([data-ready])")) {
    part.dataset.ready = "";
    const [zone, input, policy] = [part.querySelector(".drop"), part.querySelector("input"), part.querySelector("textarea")];
    const take = async (file) => {
      if (file) await judge(part.querySelector(".verdict-place"), await file.text(), policy.value, address);
    };
    input.addEventListener("change", () => take(input.files[0]));
    zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      take(event.dataTransfer.files[0]);
    });
  }
}
