"""Work that spans services: orders and answers over Kafka, one row that knows where it stands (docs/sagas.md).

`definition` says what a saga is, `owner` runs it, `participant` does its steps, `status` shows it.
"""
