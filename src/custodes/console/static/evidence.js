// Files that prove something, checked in the browser by the verifier that comes with the ledger. Nothing is sent.

import { enhancing, meta } from "./console.js";

const STATES = { PRESENT: "good", ABSENT: "good", UNDETERMINED: "warn", INVALID: "bad" };

const isPem = (text) => text.includes("-----BEGIN CERTIFICATE-----");
const isStamps = (text) => /^\{"digest":"[^"]*","stamps":/.test(text);

// What the files that were given together are: a receipt, growth beside the public log of this server, or a file of evidence,
// with time stamps and pinned certificates where they came along.
async function verdictOn(texts, policy, address) {
  const { verify, verifyGrowth, verifyReceipt } = await import(`${address}verify.mjs`);
  const one = texts.find((text) => !isPem(text) && !isStamps(text)) ?? texts[0];
  if (one.trimStart().startsWith("v1.")) return verifyReceipt(one.trim(), { policy });
  if (one.startsWith('{"head":')) return verifyGrowth(one, { policy, ...(await publicLog()) });
  const file = texts.find((text) => isStamps(text) && text !== one), roots = texts.find(isPem) ?? null;
  return verify(one, { policy, nowMs: Date.now(), stamps: file === undefined ? null : { file, roots } });
}

// The public files of this server's log: its checkpoint, and the bytes of all entries in order.
async function publicLog() {
  const read = async (path) => {
    const answer = await fetch(`/ledger/${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer;
  };
  const checkpoint = await (await read("checkpoint")).text(), size = Number(checkpoint.split("\n")[1]), entries = [];
  for (let tile = 0; entries.length < size; tile++) {
    const groups = [];
    for (let rest = tile; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000)) {
      groups.unshift((groups.length > 0 ? "x" : "") + String(rest % 1000).padStart(3, "0"));
    }
    const width = Math.min(256, size - 256 * tile), part = width < 256 ? `.p/${width}` : "";
    const bytes = new Uint8Array(await (await read(`tile/entries/${groups.join("/")}${part}`)).arrayBuffer());
    for (let at = 0, count = 0; count < width; count++) {
      const length = (bytes[at] << 8) | bytes[at + 1];
      entries.push(bytes.slice(at + 2, (at += 2 + length)));
    }
  }
  return { checkpoint, entries };
}

async function judge(place, texts, policy, address) {
  place.textContent = place.dataset.working;
  const found = await verdictOn(texts, policy, address).catch((error) => ({ verdict: "UNDETERMINED", reasons: [error.message] }));
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

enhancing((root) => {
  const [address, trust] = [meta("verifier"), meta("trust-policy")];
  for (const part of root.querySelectorAll("[data-verify-text]:not([data-ready])")) {
    part.dataset.ready = "";
    judge(part.querySelector(".verdict-place"), [part.querySelector("textarea").value], trust, address);
  }
  for (const part of root.querySelectorAll("[data-verify-file]:not([data-ready])")) {
    part.dataset.ready = "";
    const [zone, input, policy] = [part.querySelector(".drop"), part.querySelector("input"), part.querySelector("textarea")];
    const take = async (files) => {
      const texts = await Promise.all([...files].map((file) => file.text()));
      if (texts.length > 0) await judge(part.querySelector(".verdict-place"), texts, policy.value, address);
    };
    input.addEventListener("change", () => take(input.files));
    zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      take(event.dataTransfer.files);
    });
  }
});
