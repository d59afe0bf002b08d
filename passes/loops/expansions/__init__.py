"""Math functions on f32 as scalar bodies of additions, products and bits: they vectorize like any body."""
