"""A loopback CRM that speaks the vendors' wire, for trying the product and for its tests."""
