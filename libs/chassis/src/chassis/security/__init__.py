"""Who may do what at the servers: access lists for Kafka from the catalogue, rights in PostgreSQL from the models."""
