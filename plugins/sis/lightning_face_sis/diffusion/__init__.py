"""Noise schedules, samplers and inversion of latent diffusion."""
