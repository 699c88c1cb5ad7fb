"""How one request passes through the edge to the application and back."""
