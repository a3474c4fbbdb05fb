"""flowlab on a Dask cluster."""
