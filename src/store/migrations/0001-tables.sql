-- The ledger. Every word of the glossary that must survive a crash has one table here.
CREATE SCHEMA IF NOT EXISTS estop;

-- By which way something is done: control says it of each request, in its transaction; of any other process it is the process.
CREATE FUNCTION estop.method_now() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT left(coalesce(nullif(current_setting('estop.method', true), ''), CASE session_user WHEN 'estop_gateway' THEN 'gateway'
    WHEN 'estop_revoker' THEN 'relay' WHEN 'estop_trusted' THEN 'worker' WHEN 'estop_control' THEN 'control' ELSE 'store' END), 40)
$$;

-- One row: which environment and which store this is. A gateway remembers store_id, so that a restored or foreign store is refused.
CREATE TABLE estop.installation (
  only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  environment text NOT NULL,
  store_id    uuid NOT NULL DEFAULT gen_random_uuid(),
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The stop row IS the outbox entry and the audit event. No foreign key and no trigger: the latch waits for no allow path.
-- rule: latch-no-foreign-locks
CREATE TABLE estop.stops (
  stop_id      text PRIMARY KEY,
  epoch        bigint NOT NULL UNIQUE,
  scope_key    text NOT NULL,
  category     smallint NOT NULL CHECK (category IN (0, 1)),
  grace_ms     integer NOT NULL CHECK (grace_ms BETWEEN 0 AND 60000),
  reason       text NOT NULL,
  actor        text NOT NULL,
  method       text NOT NULL,
  trace        text, -- W3C traceparent of whoever ordered it, and its tracestate; they decide nothing
  trace_state  text,
  latched_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  reset_epoch  bigint UNIQUE,
  reset_at     timestamptz,
  reset_by     text,
  reset_reason text,
  reset_method text,
  CHECK ((reset_epoch IS NULL) = (reset_at IS NULL))
);
CREATE INDEX stops_by_scope ON estop.stops (scope_key, epoch);
CREATE INDEX stops_not_reset ON estop.stops (epoch) WHERE reset_at IS NULL;
CREATE INDEX stops_by_reset ON estop.stops (reset_at) WHERE reset_at IS NOT NULL;

-- The row whose lock orders stops among themselves. No role may touch this table: only latch and reset lock it, from inside, so
-- that no holder of a mere connection can make a stop wait (an advisory lock could be taken by anyone).
CREATE TABLE estop.latch_order (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row));
INSERT INTO estop.latch_order DEFAULT VALUES;

-- The fleet is reset by two people; this is what each of them said.
CREATE TABLE estop.reset_consents (
  stop_id text NOT NULL,
  actor   text NOT NULL,
  reason  text NOT NULL,
  at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (stop_id, actor)
);

-- One row per stop process: proof that the latch function can commit right now.
CREATE TABLE estop.latch_marks (
  process text PRIMARY KEY,
  beat_at timestamptz NOT NULL
);

-- The stages of a stop as far as they were VERIFIED. Kept apart from stops, so that reporting never locks a stop's row.
CREATE TABLE estop.stop_progress (
  stop_id       text PRIMARY KEY,
  seen_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  fenced_at     timestamptz,
  halted_at     timestamptz,
  revoked_at    timestamptz,
  proved_at     timestamptz,
  evidence      text,
  sweeps_done   integer NOT NULL DEFAULT 0,
  swept_agents  text[], -- that a stop on a label reached when its first sweep began
  possibly_completed integer NOT NULL DEFAULT 0
);
-- Those that are under way, and those that were proved of late.
CREATE INDEX stop_progress_proved ON estop.stop_progress (proved_at);

CREATE TABLE estop.stop_gateways (
  stop_id    text NOT NULL,
  gateway_id text NOT NULL,
  outcome    text NOT NULL CHECK (outcome IN ('confirmed', 'expired')),
  at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (stop_id, gateway_id)
);

CREATE TABLE estop.gateways (
  gateway_id      text PRIMARY KEY,
  address         text NOT NULL,
  registered_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  lease_until     timestamptz NOT NULL DEFAULT clock_timestamp(),
  confirmed_epoch bigint NOT NULL DEFAULT 0,
  drain_wanted_at timestamptz,
  retired_at      timestamptz
);

-- The intake workflow was read in full, every run of it, beginning at begun_at, and every order in it is latched.
CREATE TABLE estop.intake_drains (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  begun_at timestamptz NOT NULL
);

CREATE TABLE estop.agents (
  agent_id      text PRIMARY KEY,
  owner         text NOT NULL,
  stop_holder   text NOT NULL,
  spec          jsonb NOT NULL,
  registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  retired_at    timestamptz
);

-- Labels are never deleted. removed_epoch is read in a transaction AFTER the tombstone has committed, so that a label counts
-- against every stop that was latched while the agent still carried it: an agent cannot be relabelled out of a stop.
-- rule: label-as-of-mint-or-now
CREATE TABLE estop.agent_labels (
  agent_id      text NOT NULL,
  label_key     text NOT NULL,
  added_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  tombstoned_at timestamptz,
  removed_epoch bigint,
  PRIMARY KEY (agent_id, label_key)
);
CREATE INDEX agent_labels_by_key ON estop.agent_labels (label_key);

CREATE TABLE estop.tasks (
  task_id       text PRIMARY KEY,
  agent_id      text NOT NULL,
  parent_id     text,
  root_id       text NOT NULL,
  ancestors     text[] NOT NULL,
  agents        text[] NOT NULL,
  keys          text[] NOT NULL,
  epoch         bigint NOT NULL,
  depth         integer NOT NULL,
  purpose       text NOT NULL,
  kind          text NOT NULL CHECK (kind IN ('task', 'session', 'drill') AND (kind = 'drill') = (agent_id LIKE 'drill/%')),
  requested_by  text NOT NULL,
  method        text NOT NULL DEFAULT estop.method_now(),
  state         text NOT NULL CHECK (state IN ('registered', 'running', 'closed')),
  held          boolean NOT NULL DEFAULT false,
  outcome       text,
  registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  closed_at     timestamptz
);
CREATE INDEX tasks_by_key ON estop.tasks USING gin (keys) WHERE state <> 'closed';
CREATE INDEX tasks_by_agents ON estop.tasks USING gin (agents) WHERE state <> 'closed';
CREATE INDEX tasks_open_by_agent ON estop.tasks (agent_id) WHERE state <> 'closed';
CREATE INDEX tasks_open ON estop.tasks (registered_at, task_id) WHERE state <> 'closed';
CREATE INDEX tasks_by_parent ON estop.tasks (parent_id);
CREATE INDEX tasks_page ON estop.tasks (registered_at DESC, task_id DESC);
CREATE INDEX tasks_closed ON estop.tasks (closed_at) WHERE state = 'closed';

-- asked_at: the issuer may have been asked from here on, so this row can no longer be closed as never issued.
CREATE TABLE estop.grants (
  grant_id     text PRIMARY KEY,
  name         text NOT NULL,
  task_id      text NOT NULL,
  agent_id     text NOT NULL,
  agents       text[] NOT NULL,
  keys         text[] NOT NULL,
  epoch        bigint NOT NULL,
  connector    text NOT NULL,
  target       text NOT NULL,
  shared       boolean NOT NULL,
  handle       jsonb NOT NULL,
  options      text, -- what the configuration asked of the connector then, as JSON; null: nobody said, and nothing is handed over
  state        text NOT NULL CHECK (state IN ('intended', 'issued', 'ended')),
  sealed       bytea,
  absolute_end timestamptz NOT NULL,
  intended_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  asked_at     timestamptz,
  issued_at    timestamptz,
  ended_at     timestamptz,
  end_reason   text
);
CREATE INDEX grants_by_key ON estop.grants USING gin (keys) WHERE state <> 'ended';
CREATE INDEX grants_by_agents ON estop.grants USING gin (agents) WHERE state <> 'ended';
CREATE INDEX grants_by_task ON estop.grants (task_id);
CREATE INDEX grants_open_target ON estop.grants (agent_id, connector, target) WHERE state <> 'ended';

-- round counts how often a probe found access after the cut: phases are idempotent within a round.
-- cause_id is a stop's id, or `end:<taskId>` where a task merely ended. final_at: passed the last probe of its cause.
CREATE TABLE estop.obligations (
  obligation_id  text PRIMARY KEY,
  cause_id       text NOT NULL,
  stop_id        text,
  cause_epoch    bigint NOT NULL,
  grant_id       text NOT NULL,
  agent_id       text NOT NULL,
  task_id        text NOT NULL,
  connector      text NOT NULL,
  target         text NOT NULL,
  state          text NOT NULL CHECK (state IN ('open', 'proved', 'expired', 'residual', 'accepted-risk')),
  round          integer NOT NULL DEFAULT 0,
  phase          text,
  attempts       integer NOT NULL DEFAULT 0,
  last_error     text,
  next_try_at    timestamptz, asked_pause_ms integer, -- so long its system asked to be left alone, until then; null: the pause is our own
  needs_human    text,
  evidence       text,
  residual_until timestamptz,
  residual_why   text,
  accepted_by    text,
  opened_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  revoked_at     timestamptz,
  proved_at      timestamptz,
  final_probed_at timestamptz,
  final_at       timestamptz,
  unissued       boolean NOT NULL DEFAULT true, -- when it was opened nobody had said that the grant was issued: it may never have been
  UNIQUE (cause_id, grant_id)
);
CREATE INDEX obligations_unfinished ON estop.obligations (cause_id, agent_id) WHERE final_at IS NULL;
CREATE INDEX obligations_open_target ON estop.obligations (agent_id, connector, target) WHERE final_at IS NULL;
-- The last cut of a cause, and whether a lane of it is still to be probed for the last time, without looking at all its lanes.
CREATE INDEX obligations_by_cut ON estop.obligations (cause_id, revoked_at);
CREATE INDEX obligations_to_probe ON estop.obligations (cause_id, final_probed_at) WHERE final_at IS NULL AND state <> 'residual';
CREATE INDEX obligations_by_grant ON estop.obligations (grant_id);

-- Idempotency of every lane step: key = obligation/phase/round. begun_at is that of the newest attempt. A phase that is done is not done again, whoever retries it.
CREATE TABLE estop.obligation_phases (
  obligation_id text NOT NULL,
  phase         text NOT NULL,
  round         integer NOT NULL DEFAULT 0,
  result        jsonb,
  attempts      integer NOT NULL DEFAULT 0,
  begun_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  done_at       timestamptz,
  PRIMARY KEY (obligation_id, phase, round)
);

CREATE TABLE estop.approvals (
  approval_id  text PRIMARY KEY,
  task_id      text NOT NULL,
  agent_id     text NOT NULL,
  agents       text[] NOT NULL,
  keys         text[] NOT NULL,
  epoch        bigint NOT NULL,
  tool_key     text NOT NULL,
  digest       bytea NOT NULL,
  shown        text NOT NULL,
  reasons      jsonb NOT NULL DEFAULT '[]', -- why a person was asked, by which policies, when it was first asked
  policy_version text NOT NULL, -- under which the call had to ask; under another one it asks anew
  approvers    smallint NOT NULL CHECK (approvers IN (1, 2)),
  requested_by text NOT NULL,
  barred       text[] NOT NULL DEFAULT '{}', -- who answered for its agents when it was asked for, and may not approve; lower case
  state        text NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'closed', 'redeemed')),
  requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at   timestamptz NOT NULL,
  first_by     text, -- the first of two who approved it
  first_at     timestamptz,
  decided_by   text,
  decided_at   timestamptz,
  first_ground jsonb, decided_ground jsonb, -- what each yes rests on: 0026-approver-lists.sql
  decision_reason text, decision_method text,
  call_id      text,
  ended_at     timestamptz, -- when it was no longer open: denied, redeemed, closed, or its time over
  ended_by     text -- the stop that closed it; null where its task merely ended
);
CREATE UNIQUE INDEX approvals_one_pending ON estop.approvals (task_id, digest) WHERE state IN ('pending', 'approved');
CREATE INDEX approvals_pending ON estop.approvals (requested_at, approval_id) WHERE state = 'pending';
CREATE INDEX approvals_by_task ON estop.approvals (task_id);
CREATE INDEX approvals_by_agent ON estop.approvals (agent_id, requested_at);
CREATE INDEX approvals_newest ON estop.approvals (requested_at, approval_id);
CREATE INDEX approvals_ended ON estop.approvals (ended_at);

-- The audit of the intent: a row exists before anything is sent upstream.
CREATE TABLE estop.calls (
  call_id     text PRIMARY KEY,
  gateway_id  text NOT NULL,
  task_id     text NOT NULL,
  agent_id    text NOT NULL,
  keys        text[] NOT NULL,
  epoch       bigint NOT NULL,
  tool_key    text NOT NULL,
  digest      bytea NOT NULL,
  approval_id text,
  admitted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  settled_at  timestamptz,
  outcome     text
);
CREATE INDEX calls_unsettled ON estop.calls (gateway_id) WHERE settled_at IS NULL;
CREATE INDEX calls_unknown ON estop.calls (settled_at) WHERE outcome = 'possibly-completed';
CREATE INDEX calls_by_task ON estop.calls (task_id, admitted_at);
CREATE INDEX calls_by_age ON estop.calls USING brin (admitted_at); -- for retention; next to nothing to write

CREATE TABLE estop.audit (
  seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind    text NOT NULL,
  actor   text NOT NULL,
  subject text NOT NULL,
  method  text NOT NULL DEFAULT estop.method_now(),
  reason  text, -- null: nobody was asked for one, or none was given
  before  jsonb, -- what it was before and what it is since, in the words of its kind; both null: nothing was changed. Never a secret
  after   jsonb,
  detail  jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_by_subject ON estop.audit (subject, seq);
CREATE INDEX audit_by_time ON estop.audit (at);
