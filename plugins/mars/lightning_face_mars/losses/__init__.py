"""The terms that MARS, RaSa and ALBEF are trained with."""
