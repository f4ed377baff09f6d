"""Predicts litres per 100 km: trained, exported to ONNX, served.

Served code uses numpy, onnxruntime and the standard library; training also uses `delivery` of tekton/toolbox.
"""
