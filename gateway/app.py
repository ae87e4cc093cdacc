"""The one composition root: everything the gateway is made of is put together here, and nowhere else."""
