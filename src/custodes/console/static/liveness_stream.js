// StartFaceLivenessSession as its clients speak it: a presigned WebSocket, messages of AWS event streams, each signed behind the
// one before. WebCrypto alone. Sources: AWS, "Event stream encoding" and "Signature Version 4 for event streams".

const PATH = "/start-face-liveness-session-websocket";
const OFFERED = "FaceMovementAndLightChallenge_2.0.0,FaceMovementChallenge_1.0.0";
const CLIENT = "custodes-console-liveness/1";
const text = new TextEncoder();
const hex = (bytes) => [...new Uint8Array(bytes)].map((one) => one.toString(16).padStart(2, "0")).join("");
const sha256 = async (bytes) => hex(await crypto.subtle.digest("SHA-256", bytes));
const stamp = (ms) => new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, "");
const escaped = (value) => encodeURIComponent(value).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

async function hmac(key, message) {
  const made = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", made, text.encode(message)));
}

async function signingKey(secret, day, region) {
  let key = text.encode(`AWS4${secret}`);
  for (const part of [day, region, "rekognition", "aws4_request"]) key = await hmac(key, part);
  return key;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of parts) { all.set(one, at); at += one.length; }
  return all;
}
const number = (value, bytes) => Uint8Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * (bytes - 1 - i))) & 0xff);
const named = (name, kind, value) => joined(number(name.length, 1), text.encode(name), number(kind, 1), value);
const said = (name, value) => named(name, 7, joined(number(value.length, 2), text.encode(value)));

function message(headers, payload) {
  const lengths = joined(number(16 + headers.length + payload.length, 4), number(headers.length, 4));
  const body = joined(lengths, number(crc32(lengths), 4), headers, payload);
  return joined(body, number(crc32(body), 4));
}

// The server's messages have headers of text only.
function opened(buffer) {
  const [view, bytes] = [new DataView(buffer), new Uint8Array(buffer)];
  const end = 12 + view.getUint32(4);
  const headers = {};
  for (let at = 12; at < end;) {
    const name = new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + bytes[at]));
    at += 2 + bytes[at];
    const length = view.getUint16(at);
    headers[name] = new TextDecoder().decode(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  const body = JSON.parse(new TextDecoder().decode(bytes.subarray(end, bytes.length - 4)));
  return { kind: headers[":event-type"] ?? headers[":exception-type"], failed: headers[":message-type"] === "exception", body };
}

const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

export class LivenessStream {
  #who; #socket; #prior; #sent = Promise.resolve(); #came = []; #waiting = null; #over = null;

  constructor(who) { this.#who = who; }

  // What the server asks for.
  async open(session, width, height) {
    this.#socket = new WebSocket(await this.#address(session, width, height));
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("message", (event) => this.#take(opened(event.data)));
    this.#socket.addEventListener("close", (event) => this.#fail(new Error(`${event.code}`)));
    const { body: told } = await this.#next("ChallengeEvent");
    const { body } = await this.#next("ServerSessionInformationEvent");
    return { kind: told.Type, asked: body.SessionInformation.Challenge[told.Type] };
  }

  tell(kind, members) { return this.#send("ClientSessionInformationEvent", { Challenge: { [kind]: { ChallengeId: "console", ...members } } }); }

  video(blob) {
    return this.#queue(async () => {
      if (blob.size) await this.#post("VideoEvent", { VideoChunk: base64(new Uint8Array(await blob.arrayBuffer())), TimestampMillis: Date.now() });
    });
  }

  // The end of the video; until the server has judged it.
  async end() {
    await this.#send("VideoEvent", { VideoChunk: "", TimestampMillis: Date.now() });
    await this.#next("DisconnectionEvent");
    this.#socket.close(1000);
  }

  close() { this.#socket?.close(4003); }

  async #address(session, width, height) {
    const { region, key, secret, token } = this.#who;
    const now = stamp(Date.now());
    const scope = `${now.slice(0, 8)}/${region}/rekognition/aws4_request`;
    const fields = {
      "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": `${key}/${scope}`, "X-Amz-Date": now, "X-Amz-Expires": "299",
      "X-Amz-Security-Token": token, "X-Amz-SignedHeaders": "host", "challenge-versions": OFFERED, "session-id": session,
      "video-height": `${height}`, "video-width": `${width}`, "x-amz-user-agent": CLIENT,
    };
    const query = Object.keys(fields).sort().map((name) => `${escaped(name)}=${escaped(fields[name])}`).join("&");
    const canonical = ["GET", PATH, query, `host:${location.host}\n`, "host", await sha256(new Uint8Array())].join("\n");
    const toSign = ["AWS4-HMAC-SHA256", now, scope, await sha256(text.encode(canonical))].join("\n");
    this.#prior = hex(await hmac(await signingKey(secret, now.slice(0, 8), region), toSign));
    return `${location.protocol.replace("http", "ws")}//${location.host}${PATH}?${query}&X-Amz-Signature=${this.#prior}`;
  }

  async #signed(payload) {
    const { region, secret } = this.#who;
    const now = Math.floor(Date.now() / 1000) * 1000;
    const [date, day] = [named(":date", 8, number(now, 8)), stamp(now).slice(0, 8)];
    const toSign = [
      "AWS4-HMAC-SHA256-PAYLOAD", stamp(now), `${day}/${region}/rekognition/aws4_request`, this.#prior, await sha256(date), await sha256(payload),
    ].join("\n");
    const signature = await hmac(await signingKey(secret, day, region), toSign);
    this.#prior = hex(signature);
    return message(joined(date, named(":chunk-signature", 6, joined(number(signature.length, 2), signature))), payload);
  }

  #send(kind, body) { return this.#queue(() => this.#post(kind, body)); }

  // One after the other: each signature covers the one before.
  #queue(work) { return (this.#sent = this.#sent.then(work).catch((error) => this.#fail(error))); }

  async #post(kind, body) {
    const headers = joined(said(":message-type", "event"), said(":event-type", kind), said(":content-type", "application/json"));
    const payload = message(headers, text.encode(JSON.stringify(body)));
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(await this.#signed(payload));
  }

  #take(event) {
    if (event.failed) this.#fail(new Error(event.body.Message ?? event.kind));
    else { this.#came.push(event); this.#waiting?.(); }
  }

  #fail(error) { this.#over ??= error; this.#waiting?.(); }

  async #next(kind) {
    for (;;) {
      const found = this.#came.find((event) => event.kind === kind);
      if (found) return found;
      if (this.#over) throw this.#over;
      await new Promise((done) => { this.#waiting = done; });
    }
  }
}
