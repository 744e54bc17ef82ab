"""Training: what the CRM's own past says of who converts, as rows of their time; the model that comes of them."""
