"""Semantic image synthesis of faces: CA2-SIS and adversarial identity injection."""
