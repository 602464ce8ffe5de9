-- The chassis' tables as the first migrations of every service made them. Never changes.
CREATE TABLE consumer_offset (
  grp TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  next BIGINT NOT NULL,
  first_seen BIGINT NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT pk_consumer_offset PRIMARY KEY (grp, topic, partition)
);
CREATE TABLE field_history (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  object TEXT NOT NULL,
  object_id UUID NOT NULL,
  version BIGINT NOT NULL,
  field TEXT NOT NULL,
  "old" JSONB,
  "new" JSONB,
  actor_type TEXT NOT NULL,
  actor_id TEXT,
  correlation_id TEXT NOT NULL,
  changed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT pk_field_history PRIMARY KEY (id)
);
CREATE INDEX ix_field_history_object_id_id ON field_history (object_id, id);
CREATE TABLE idempotency_keys (
  principal_id TEXT NOT NULL,
  key TEXT NOT NULL,
  request_hash BYTEA NOT NULL,
  status INTEGER,
  headers JSONB,
  body BYTEA,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT pk_idempotency_keys PRIMARY KEY (principal_id, key)
);
CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);
CREATE TABLE inbox (
  seq BIGINT GENERATED ALWAYS AS IDENTITY,
  handler TEXT NOT NULL,
  event_id UUID NOT NULL,
  topic TEXT NOT NULL,
  key TEXT NOT NULL,
  type TEXT NOT NULL,
  headers JSONB NOT NULL,
  payload BYTEA,
  state TEXT DEFAULT 'pending' NOT NULL,
  attempts INTEGER DEFAULT 0 NOT NULL,
  next_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  lease_token UUID,
  lease_until TIMESTAMP WITH TIME ZONE,
  error TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  done_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_inbox PRIMARY KEY (seq),
  CONSTRAINT uq_inbox_handler_event_id UNIQUE (handler, event_id)
);
CREATE INDEX ix_inbox_next_at ON inbox (next_at) WHERE state = 'pending';
CREATE INDEX ix_inbox_unfinished ON inbox (handler, key, seq) WHERE state <> 'done';
CREATE INDEX ix_inbox_done_at ON inbox (done_at) WHERE state = 'done';
CREATE TABLE outbox (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  shard SMALLINT NOT NULL,
  topic TEXT NOT NULL,
  state_topic TEXT,
  tombstone BOOLEAN DEFAULT false NOT NULL,
  aggregate_type TEXT NOT NULL,
  aggregate_id UUID NOT NULL,
  version BIGINT NOT NULL,
  event_id UUID NOT NULL,
  type TEXT NOT NULL,
  headers JSONB NOT NULL,
  payload BYTEA NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT pk_outbox PRIMARY KEY (id),
  CONSTRAINT uq_outbox_event_id UNIQUE (event_id),
  CONSTRAINT uq_outbox_aggregate_type_aggregate_id_version_type UNIQUE (aggregate_type, aggregate_id, version, type)
)
 WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX ix_outbox_shard_id ON outbox (shard, id);
CREATE TABLE outbox_parked (
  id BIGINT NOT NULL,
  shard SMALLINT NOT NULL,
  topic TEXT NOT NULL,
  state_topic TEXT,
  tombstone BOOLEAN DEFAULT false NOT NULL,
  aggregate_type TEXT NOT NULL,
  aggregate_id UUID NOT NULL,
  version BIGINT NOT NULL,
  event_id UUID NOT NULL,
  type TEXT NOT NULL,
  headers JSONB NOT NULL,
  payload BYTEA NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  reason TEXT NOT NULL,
  parked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT pk_outbox_parked PRIMARY KEY (id)
);
CREATE INDEX ix_outbox_parked_aggregate_id ON outbox_parked (aggregate_id);
CREATE TABLE outbox_shard (
  shard SMALLINT NOT NULL,
  owner TEXT,
  term BIGINT DEFAULT 0 NOT NULL,
  lease_until TIMESTAMP WITH TIME ZONE DEFAULT '-infinity' NOT NULL,
  CONSTRAINT pk_outbox_shard PRIMARY KEY (shard)
);
CREATE TABLE quarantine (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  "offset" BIGINT NOT NULL,
  key BYTEA,
  headers JSONB NOT NULL,
  value BYTEA,
  error TEXT NOT NULL,
  quarantined_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT pk_quarantine PRIMARY KEY (id),
  CONSTRAINT uq_quarantine_topic_partition_offset UNIQUE (topic, partition, "offset")
);
CREATE TABLE relay_member (
  owner TEXT NOT NULL,
  seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_relay_member PRIMARY KEY (owner)
);
INSERT INTO outbox_shard (shard) SELECT generate_series(0, 15);
