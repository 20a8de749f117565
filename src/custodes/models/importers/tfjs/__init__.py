"""TensorFlow.js weights and graphs to ONNX: one file per step."""
