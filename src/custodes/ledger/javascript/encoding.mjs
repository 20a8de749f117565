// Bytes, base64 and canonical JSON (RFC 8785 without fractions), hashes, and the two ways in which a file is no answer.
// In: texts and bytes. Out: values of one spelling, or Invalid. It knows no kind of file.

const subtle = globalThis.crypto?.subtle;

/** The file contradicts itself, a signature or a rule of FORMAT.md. */
export class Invalid extends Error {}
/** Nothing is wrong, but the file does not answer the question. */
export class Undetermined extends Error {}
export const need = (condition, why) => { if (!condition) throw new Invalid(why); };

export const utf8 = (text) => new TextEncoder().encode(text);
export const join = (...parts) => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { out.set(part, at); at += part.length; }
  return out;
};
export const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);
export const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
async function digest(name, data) {
  if (subtle === undefined) throw new Undetermined("this page cannot compute: open it over HTTPS, or on the machine itself");
  return new Uint8Array(await subtle.digest(name, data));
}
export const sha256 = (...parts) => digest("SHA-256", join(...parts));
export const sha512 = (...parts) => digest("SHA-512", join(...parts));
/** A number from 0 to 2^64-1 in eight bytes, big end first. */
export const eight = (value) => {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value));
  return out;
};
export const big = (bytes, at = 0) => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at);

export function b64(text) {
  let raw;
  try { raw = atob(text); } catch { throw new Invalid("malformed base64"); }
  need(btoa(raw) === text, "base64 is not in canonical form");
  return Uint8Array.from(raw, (char) => char.charCodeAt(0));
}
export function b64url(text) {
  need(typeof text === "string" && /^[A-Za-z0-9_-]*$/.test(text), "malformed base64url");
  const standard = text.replaceAll("-", "+").replaceAll("_", "/");
  return b64(standard + "=".repeat((4 - (standard.length % 4)) % 4));
}
export function unhex(text) {
  need(typeof text === "string" && /^(?:[0-9a-f]{2})*$/.test(text), "malformed hexadecimal");
  return Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16));
}

/** The one spelling of a value as text. */
export function canonical(value, depth = 0) {
  need(depth <= 12, "the file is nested too deeply");
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one, depth + 1)).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const names = Object.keys(value).sort();
    need(names.every((name) => /^[\x00-\x7f]*$/.test(name)), "a name in the file is not ASCII");
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name], depth + 1)}`).join(",")}}`;
  }
  if (typeof value === "number") need(Number.isSafeInteger(value), "a number in the file is no integer or too large");
  if (typeof value === "string") need(!/[\ud800-\udfff]/u.test(value), "a text holds half a character");
  return JSON.stringify(value);
}
export const canonicalBytes = (value) => utf8(canonical(value));
export function parseCanonical(file) {
  let text = file, value;
  try {
    if (typeof file !== "string") text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(file);
    value = JSON.parse(text);
  } catch { throw new Invalid("the file is not JSON of the kind that statements are made of"); }
  need(canonical(value) === text, "the file is not in canonical form");
  return value;
}

/** The object itself, if it has all members of `must` and others only from `may`. */
export function members(value, must, may = []) {
  need(value !== null && typeof value === "object" && !Array.isArray(value), "an object is missing");
  const names = Object.keys(value);
  for (const name of must) need(names.includes(name), `'${name}' is missing`);
  for (const name of names) need(must.includes(name) || may.includes(name), `'${name}' has no place here`);
  return value;
}
export const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
export const count = (value) => { need(Number.isInteger(value) && value >= 0, "a count is missing"); return value; };
export const time = (value) => (value === null ? null : count(value));
export const list = (value) => { need(Array.isArray(value), "a list is missing"); return value; };
export const text = (value) => { need(typeof value === "string", "a text is missing"); return value; };
export function hashes(value) {
  const packed = b64url(value);
  need(packed.length % 32 === 0, "the proof is not a row of hashes");
  return Array.from({ length: packed.length / 32 }, (_, i) => packed.slice(32 * i, 32 * i + 32));
}
/** Text without characters that could move a cursor or end a line. */
export const clean = (value) => String(value).slice(0, 200).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\ufffd");
/** Milliseconds since the epoch as date and time, UTC. */
export function moment(t) {
  const whole = new Date(Math.floor(t / 1000) * 1000);
  if (Number.isNaN(whole.getTime()) || t > 253402300799999) return `${t} ms after 1970`;
  return `${whole.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
