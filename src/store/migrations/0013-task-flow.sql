-- What the gate remembers of a task tree: keyed hashes and labels, never a value in the clear. Grants stand here, behind the roles.

-- One for each tree, made where a person's request comes in: what an agent asks of a child task adds nothing to what the person said.
CREATE TABLE estop.task_flows (
  root_id   text PRIMARY KEY,
  key_id    text NOT NULL,
  seq       bigint NOT NULL DEFAULT 0,
  opened_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Appended and never changed; all of them in order are the memory, which whoever appends holds locked: no foreign key is asked again.
CREATE TABLE estop.task_flow_entries (
  root_id    text NOT NULL,
  seq        bigint NOT NULL,
  gateway_id text,
  call_id    text,
  deltas     jsonb NOT NULL,
  PRIMARY KEY (root_id, seq)
);

-- A call whose answer may have reached its agent, and is not in the memory yet.
ALTER TABLE estop.calls ADD COLUMN root_id text, ADD COLUMN observed boolean NOT NULL DEFAULT true;
CREATE INDEX calls_unobserved ON estop.calls (root_id, gateway_id) WHERE NOT observed AND outcome IS DISTINCT FROM 'denied';

-- The first opening stands. False: it was opened before, or is no open task that a person started.
CREATE FUNCTION estop.open_flow(p_task_id text, p_key_id text, p_delta jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO estop.task_flows (root_id, key_id, seq)
    SELECT t.task_id, p_key_id, 1 FROM estop.tasks t WHERE t.task_id = p_task_id AND t.parent_id IS NULL AND t.state <> 'closed'
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO estop.task_flow_entries (root_id, seq, deltas) VALUES (p_task_id, 1, jsonb_build_array(p_delta));
  RETURN true;
END $$;

-- Answers, and what people approved, in the order in which they are given. The row of the memory is locked, so that numbers come in
-- the order of the commits and nobody reads past one that is still to come. Several gateways take several rows in one order. What is
-- known of how these calls ended is written with them: a row that is written once costs half of one that is written twice, and so does
-- the commit. Locks: the memories, then those of settle_calls; nobody waits for a memory with a call or a budget in hand.
CREATE FUNCTION estop.append_flow(
  p_entries jsonb, p_ids text[] DEFAULT '{}', p_outcomes text[] DEFAULT '{}', p_calls bigint[] DEFAULT '{}', p_tokens bigint[] DEFAULT '{}',
  p_microcents bigint[] DEFAULT '{}'
) RETURNS TABLE (root_id text, seq bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  roots text[];
  seqs bigint[];
  remembered text[];
  answered text[];
  settled integer := 0;
BEGIN
  PERFORM 1 FROM estop.task_flows f WHERE f.root_id IN (SELECT x ->> 'rootId' FROM jsonb_array_elements(p_entries) x)
    ORDER BY f.root_id FOR NO KEY UPDATE;
  WITH given AS MATERIALIZED (
    SELECT x.value ->> 'rootId' AS root_id, x.value ->> 'gatewayId' AS gateway_id, x.value ->> 'callId' AS call_id, x.value -> 'deltas' AS deltas,
      row_number() OVER (PARTITION BY x.value ->> 'rootId' ORDER BY x.ordinality) AS nth
    FROM jsonb_array_elements(p_entries) WITH ORDINALITY x),
  moved AS (
    UPDATE estop.task_flows f SET seq = f.seq + g.n FROM (SELECT i.root_id, count(*) AS n FROM given i GROUP BY 1) g
    WHERE f.root_id = g.root_id RETURNING f.root_id, f.seq - g.n AS before),
  added AS (
    INSERT INTO estop.task_flow_entries (root_id, seq, gateway_id, call_id, deltas)
    SELECT g.root_id, m.before + g.nth, g.gateway_id, g.call_id, g.deltas FROM given g JOIN moved m USING (root_id)
    RETURNING root_id, seq, call_id, gateway_id)
  SELECT array_agg(a.root_id), array_agg(a.seq), array_agg(a.call_id) FILTER (WHERE a.call_id IS NOT NULL),
      array_agg(a.gateway_id || ' ' || a.call_id) FILTER (WHERE a.call_id IS NOT NULL)
    INTO roots, seqs, remembered, answered FROM added a;
  IF cardinality(p_ids) > 0 THEN
    settled := estop.settle_calls(p_ids, p_outcomes, p_calls, p_tokens, p_microcents, coalesce(answered, '{}'));
  END IF;
  -- Those of which nobody said how they ended, or somebody had said it before.
  IF (remembered <@ p_ids AND settled = cardinality(p_ids)) IS NOT TRUE THEN
    UPDATE estop.calls c SET observed = true
      WHERE c.call_id = ANY (remembered) AND NOT c.observed AND c.gateway_id || ' ' || c.call_id = ANY (answered);
  END IF;
  RETURN QUERY SELECT a.root_id, a.seq FROM unnest(roots, seqs) AS a(root_id, seq) ORDER BY 1, 2;
END $$;

-- The memory behind an entry, for whichever task of its tree; and the calls whose answers it does not have yet.
CREATE FUNCTION estop.read_flow(p_task_id text, p_after bigint)
RETURNS TABLE (root_id text, key_id text, unobserved text[], seq bigint, deltas jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT f.root_id, f.key_id,
      ARRAY(SELECT c.call_id FROM estop.calls c
        WHERE c.root_id = f.root_id AND NOT c.observed AND c.outcome IS DISTINCT FROM 'denied' LIMIT 1000),
      e.seq, e.deltas
    FROM estop.tasks t JOIN estop.task_flows f ON f.root_id = t.root_id
    LEFT JOIN estop.task_flow_entries e ON e.root_id = f.root_id AND e.seq > p_after
    WHERE t.task_id = p_task_id ORDER BY e.seq;
END $$;

GRANT EXECUTE ON FUNCTION estop.open_flow(text, text, jsonb) TO estop_control;
GRANT EXECUTE ON FUNCTION estop.append_flow(jsonb, text[], text[], bigint[], bigint[], bigint[]), estop.read_flow(text, bigint) TO estop_gateway;
