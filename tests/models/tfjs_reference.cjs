// Runs one TensorFlow.js graph model on the pure JavaScript backend and writes its outputs.
// usage: node tfjs_reference.cjs MODEL.json INPUT.f32 SHAPE OUT.json NODE...   (INPUT: float32, little-endian, SHAPE like 1,64,64,3)
const fs = require('fs');
const path = require('path');
const tf = require('@tensorflow/tfjs-core');
require('@tensorflow/tfjs-backend-cpu');
const { loadGraphModel } = require('@tensorflow/tfjs-converter');

async function main() {
  const [modelPath, inputPath, shape, outPath, ...nodes] = process.argv.slice(2);
  const model = JSON.parse(fs.readFileSync(modelPath));
  const folder = path.dirname(modelPath);
  const shards = model.weightsManifest.flatMap((group) => group.paths).map((name) => fs.readFileSync(path.join(folder, name)));
  const joined = Buffer.concat(shards);
  const handler = {
    load: async () => ({
      modelTopology: model.modelTopology,
      signature: model.signature,
      format: model.format,
      weightSpecs: model.weightsManifest.flatMap((group) => group.weights),
      weightData: joined.buffer.slice(joined.byteOffset, joined.byteOffset + joined.byteLength),
    }),
  };
  await tf.setBackend('cpu');
  const network = await loadGraphModel(handler);
  const bytes = fs.readFileSync(inputPath);
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const input = tf.cast(tf.tensor(values, shape.split(',').map(Number)), network.inputs[0].dtype);
  const results = network.execute({ [network.inputNodes[0]]: input }, nodes);
  const list = Array.isArray(results) ? results : [results];
  const out = {};
  list.forEach((tensor, i) => { out[nodes[i]] = { shape: tensor.shape, values: Array.from(tensor.dataSync()) }; });
  fs.writeFileSync(outPath, JSON.stringify(out));
}
main().catch((error) => { console.error(error); process.exit(1); });
