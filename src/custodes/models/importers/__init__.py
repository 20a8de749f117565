"""Foreign weight files to ONNX: one file per format. Only numpy and onnx, no execution of the model."""
