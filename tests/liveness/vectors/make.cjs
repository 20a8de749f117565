// Writes chunks.json: node make.cjs NODE_MODULES. The reference is the signer and the codec of the JavaScript SDK itself.
const { createHash, createHmac } = require("node:crypto");
const base = process.argv[2];
const { EventStreamCodec } = require(base + "/@smithy/core/dist-cjs/submodules/event-streams/index.js");
const { SignatureV4 } = require(base + "/@smithy/signature-v4/dist-cjs/index.js");
class Sha { constructor(key){ this.h = key ? createHmac("sha256", typeof key==="string"?key:Buffer.from(key)) : createHash("sha256"); }
  update(d){ this.h.update(typeof d==="string"?d:Buffer.from(d)); } async digest(){ return new Uint8Array(this.h.digest()); } }
const utf8 = { to: (b)=>Buffer.from(b).toString("utf8"), from: (s)=>new Uint8Array(Buffer.from(s,"utf8")) };
const codec = new EventStreamCodec(utf8.to, utf8.from);
(async () => {
  const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
  const signer = new SignatureV4({ credentials, region: "eu-central-1", service: "rekognition", sha256: Sha, applyChecksum: true });
  const date = new Date(Date.UTC(2026, 4, 9, 23, 59, 58, 123));
  const url = await signer.presign({ method: "GET", protocol: "wss:", hostname: "localhost", port: 8443, path: "/start-face-liveness-session-websocket",
    query: { "session-id": "00000000-0000-4000-8000-00000000000a", "challenge-versions": "FaceMovementAndLightChallenge_2.0.0,FaceMovementChallenge_1.0.0", "video-width": "640", "video-height": "480" },
    headers: { host: "localhost" } }, { signingDate: date, expiresIn: 299, unsignableHeaders: new Set() });
  const text = (v) => ({ type: "string", value: v });
  const kinds = { ":message-type": text("event"), ":event-type": text("VideoEvent"), ":content-type": text("application/json") };
  const inners = [ codec.encode({ headers: kinds, body: utf8.from('{"VideoChunk":"AAEC","TimestampMillis":1}') }),
                   codec.encode({ headers: { ...kinds, flag: {type:"boolean", value:true}, small: {type:"byte",value:-3}, n: {type:"integer",value:77}, raw: {type:"binary", value: new Uint8Array([1,2,3])}, when: {type:"timestamp", value: date} }, body: utf8.from('{"VideoChunk":"","TimestampMillis":2}') }),
                   codec.encode({ headers: kinds, body: utf8.from("") }) ];
  let prior = url.query["X-Amz-Signature"]; const chunks = []; let step = 0;
  for (const inner of inners) {
    const now = new Date(date.getTime() + 1000 * step++);   // the second chunk is of the next day
    const signed = await signer.signMessage({ message: { headers: { ":date": { type: "timestamp", value: now } }, body: inner }, priorSignature: prior }, { signingDate: now }).catch(e => { throw e; });
    prior = signed.signature;
    const outer = codec.encode({ headers: { ":date": { type: "timestamp", value: now }, ":chunk-signature": { type: "binary", value: new Uint8Array(Buffer.from(signed.signature, "hex")) } }, body: inner });
    chunks.push(Buffer.from(outer).toString("hex"));
  }
  console.log(JSON.stringify({ secret: credentials.secretAccessKey, region: "eu-central-1", ts_ms: date.getTime(), query: url.query, empty: Buffer.from(codec.encode({headers:{},body:new Uint8Array()})).toString("hex"), inners: inners.map(i=>Buffer.from(i).toString("hex")), chunks }, null, 1));
})();
