// Runs face-api.js's own expression network on its bundled tfjs (plain JavaScript backend) and writes its probabilities.
// usage: node faceapi_reference.cjs FACE_API.js MANIFEST.json WEIGHTS.bin INPUT.f32 SIDE OUT.json   (INPUT: float32, SIDE x SIDE x 3)
const fs = require('fs');
const vm = require('vm');

async function main() {
  const [library, manifestPath, weightsPath, inputPath, side, outPath] = globalThis.process.argv.slice(2);
  // The bundle leaves out Node's modules that tfjs looks for under Node, so it is loaded as if elsewhere.
  const node = globalThis.process;
  globalThis.process = undefined;
  vm.runInThisContext(fs.readFileSync(library, 'utf8'));
  globalThis.process = node;
  const faceapi = globalThis.faceapi;
  faceapi.tf.env().setPlatform('plain', { now: () => performance.now(), isTypedArray: ArrayBuffer.isView });
  await faceapi.tf.setBackend('cpu');
  await faceapi.tf.ready();
  const manifest = JSON.parse(fs.readFileSync(manifestPath));
  const bytes = (path) => { const file = fs.readFileSync(path); return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength); };
  const weights = faceapi.tf.io.decodeWeights(bytes(weightsPath), manifest[0].weights);
  const network = new faceapi.FaceExpressionNet();
  network.loadFromWeightMap(weights);
  const picture = faceapi.tf.tensor3d(new Float32Array(bytes(inputPath)), [Number(side), Number(side), 3]);
  const chances = network.forwardInput(new faceapi.NetInput([picture]));
  fs.writeFileSync(outPath, JSON.stringify({ shape: chances.shape, values: Array.from(chances.dataSync()) }));
}
main().catch((error) => { console.error(error); globalThis.process?.exit(1); });
