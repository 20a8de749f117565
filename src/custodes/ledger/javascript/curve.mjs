// The curve edwards25519 (RFC 8032), and signatures over it: by WebCrypto, or here where a browser's has no Ed25519.
// In: points and numbers as bytes. Out: the same, or null for what is no point. Not in constant time: nothing here is secret.

import { same, sha512 } from "./encoding.mjs";

const P = (1n << 255n) - 19n;
export const ORDER = (1n << 252n) + 27742317777372353535851937790883648493n;
const mod = (value) => ((value % P) + P) % P;
function power(base, exponent) {
  let result = 1n;
  for (base = mod(base); exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % P;
    base = (base * base) % P;
  }
  return result;
}
const inverse = (value) => power(value, P - 2n);
const D = mod(-121665n * inverse(121666n));
const ROOT = power(2n, (P - 1n) / 4n);
export const ZERO = [0n, 1n, 1n, 0n];
export const little = (bytes) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
export function plus([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2)), b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * t1 * t2 * D), d = mod(2n * z1 * z2);
  const e = b - a, f = d - c, g = d + c, h = b + a;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}
export function times(scalar, point) {
  let result = ZERO;
  for (; scalar > 0n; scalar >>= 1n) {
    if (scalar & 1n) result = plus(result, point);
    point = plus(point, point);
  }
  return result;
}
export const minus = ([x, y, z, t]) => [mod(-x), y, z, mod(-t)];
export function encodePoint([x, y, z]) {
  const i = inverse(z), u = mod(x * i);
  let value = mod(y * i) | ((u & 1n) << 255n);
  return Uint8Array.from({ length: 32 }, () => { const byte = Number(value & 255n); value >>= 8n; return byte; });
}
export function decodePoint(bytes) {
  const value = little(bytes), sign = value >> 255n, y = value & ((1n << 255n) - 1n);
  if (y >= P) return null;
  const xx = mod((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(xx, (P + 3n) / 8n);
  if (mod(x * x - xx) !== 0n) x = mod(x * ROOT);
  if (mod(x * x - xx) !== 0n || (x === 0n && sign)) return null;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}
export const BASE = decodePoint(Uint8Array.from([0x58, ...Array(31).fill(0x66)]));

/** Whether `signature` (64 bytes) is that of `key` (32 bytes) over `message`. */
export async function ed25519(key, message, signature) {
  try {
    const { subtle } = globalThis.crypto;
    const imported = await subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await subtle.verify({ name: "Ed25519" }, imported, signature, message);
  } catch (error) {
    if (error?.name !== "NotSupportedError") throw error;
    return ed25519Here(key, message, signature);
  }
}
/** The same without WebCrypto's Ed25519: RFC 8032, 5.1.7, without cofactor. */
export async function ed25519Here(key, message, signature) {
  if (signature.length !== 64 || key.length !== 32) return false;
  const point = decodePoint(key), s = little(signature.slice(32));
  if (point === null || s >= ORDER) return false;
  const h = little(await sha512(signature.slice(0, 32), key, message)) % ORDER;
  const found = encodePoint(plus(times(s, BASE), minus(times(h, point))));
  return same(found, signature.slice(0, 32));
}
