"""The Seldon controller: SeldonDeployments become running model servers behind the gateway."""
