"""How much fuel a car of 1970 to 1982 consumes: trained, exported to ONNX, served.

Served code uses numpy, onnxruntime and the standard library; training also uses pandas, scikit-learn and `delivery` of
tekton/toolbox.
"""
