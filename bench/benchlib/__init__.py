"""What bench/run is made of: servers, load, figures, the table."""
