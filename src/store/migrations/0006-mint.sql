-- Minting a grant: intended (with its kill handle and absolute end) -> re-read -> issue -> re-read -> hand over.
-- Reviewed against test/model (b1_mint). Each function is one autocommit call: its commit IS the step.

-- `shared` targets, where generations cannot be told apart, take a lock per (agent, connector, target) and are refused while a
-- killed grant or an obligation is open there. The lock is taken in a statement BEFORE the reads.
-- rule: mint-epoch-and-stops-one-statement, mint-intended-first, mint-absolute-end, target-lock
CREATE FUNCTION estop.mint_intend(
  p_grant_id text, p_name text, p_task_id text, p_connector text, p_target text, p_shared boolean, p_handle jsonb,
  p_epoch bigint, p_life_ms bigint
) RETURNS TABLE (decision text, stop_id text, absolute_end timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  t estop.tasks%ROWTYPE;
  grant_keys text[];
  killer text;
  now_epoch bigint;
  ends timestamptz;
BEGIN
  SELECT * INTO t FROM estop.tasks WHERE task_id = p_task_id;
  IF t.task_id IS NULL THEN RETURN QUERY SELECT 'unknown-task'::text, NULL::text, NULL::timestamptz; RETURN; END IF;
  grant_keys := ARRAY(SELECT DISTINCT k FROM unnest(t.keys || ('connector:' || p_connector)) k);
  IF p_shared THEN
    PERFORM pg_advisory_xact_lock(1163088976, hashtext(t.agent_id || E'\n' || p_connector || E'\n' || p_target));
    IF EXISTS (SELECT 1 FROM estop.obligations o WHERE o.agent_id = t.agent_id AND o.connector = p_connector AND o.target = p_target AND o.final_at IS NULL)
      OR EXISTS (SELECT 1 FROM estop.grants g WHERE g.agent_id = t.agent_id AND g.connector = p_connector AND g.target = p_target
        AND g.state <> 'ended' AND estop.dead_by(g.keys, g.agents, g.epoch) IS NOT NULL) THEN
      RETURN QUERY SELECT 'target-busy'::text, NULL::text, NULL::timestamptz; RETURN;
    END IF;
  END IF;
  -- One statement: epoch, stops and the task's state. p_epoch is what the handle's names carry; it may be older, never newer.
  SELECT e.epoch, estop.dead_by(grant_keys, x.agents, least(x.epoch, p_epoch)) INTO now_epoch, killer
    FROM (SELECT estop.current_epoch() AS epoch) e, estop.tasks x WHERE x.task_id = p_task_id AND x.state <> 'closed';
  IF NOT FOUND THEN RETURN QUERY SELECT 'task-closed'::text, NULL::text, NULL::timestamptz; RETURN; END IF;
  IF killer IS NOT NULL THEN RETURN QUERY SELECT 'stopped'::text, killer, NULL::timestamptz; RETURN; END IF;
  IF p_epoch > now_epoch THEN RETURN QUERY SELECT 'epoch-from-elsewhere'::text, NULL::text, NULL::timestamptz; RETURN; END IF;
  ends := clock_timestamp() + make_interval(secs => p_life_ms / 1000.0);
  INSERT INTO estop.grants (grant_id, name, task_id, agent_id, agents, keys, epoch, connector, target, shared, handle, state, absolute_end)
    VALUES (p_grant_id, p_name, p_task_id, t.agent_id, t.agents, grant_keys, p_epoch, p_connector, p_target, p_shared, p_handle, 'intended', ends);
  RETURN QUERY SELECT 'intended'::text, NULL::text, ends;
END $$;

-- After `intended` has committed, before the issuer is asked: dead now means ended, because nobody has issued.
-- rule: mint-reread
CREATE FUNCTION estop.mint_recheck(p_grant_id text) RETURNS TABLE (decision text, stop_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  killer text;
  closed boolean;
BEGIN
  SELECT estop.dead_by(g.keys, g.agents, g.epoch), t.state = 'closed' INTO killer, closed
    FROM estop.grants g JOIN estop.tasks t ON t.task_id = g.task_id WHERE g.grant_id = p_grant_id AND g.state = 'intended';
  IF NOT FOUND THEN RETURN QUERY SELECT 'not-intended'::text, NULL::text; RETURN; END IF;
  IF killer IS NULL AND NOT closed THEN RETURN QUERY SELECT 'issue'::text, NULL::text; RETURN; END IF;
  UPDATE estop.grants g SET state = 'ended', ended_at = clock_timestamp(), end_reason = 'never-issued'
    WHERE g.grant_id = p_grant_id AND g.state = 'intended';
  RETURN QUERY SELECT CASE WHEN killer IS NULL THEN 'task-closed' ELSE 'stopped' END, killer;
END $$;

-- Records what was issued, sealed, and reads the stops once more in a later statement. A grant that was ended meanwhile stays ended.
-- rule: mint-reread-before-hand-over
CREATE FUNCTION estop.mint_issued(p_grant_id text, p_sealed bytea) RETURNS TABLE (decision text, stop_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  killer text;
BEGIN
  UPDATE estop.grants g SET state = 'issued', sealed = p_sealed, issued_at = clock_timestamp()
    WHERE g.grant_id = p_grant_id AND g.state = 'intended';
  SELECT estop.dead_by(g.keys, g.agents, g.epoch) INTO killer FROM estop.grants g WHERE g.grant_id = p_grant_id AND g.state = 'issued';
  IF NOT FOUND THEN RETURN QUERY SELECT 'ended'::text, NULL::text; RETURN; END IF;
  RETURN QUERY SELECT CASE WHEN killer IS NULL THEN 'issued' ELSE 'stopped' END, killer;
END $$;

-- The one way a sealed credential leaves the store towards an agent; the stop check and the read are one statement.
CREATE FUNCTION estop.hand_over(p_task_id text, p_name text, p_token_epoch bigint)
RETURNS TABLE (decision text, grant_id text, connector text, target text, sealed bytea, handle jsonb, absolute_end timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN d.killer IS NOT NULL THEN 'stopped' WHEN d.state = 'closed' THEN 'task-closed' ELSE 'handed-over' END, d.grant_id, d.connector, d.target,
    CASE WHEN d.killer IS NULL AND d.state <> 'closed' THEN d.sealed END, d.handle, d.absolute_end
  FROM (SELECT g.*, t.state AS task_state, estop.dead_by(g.keys, g.agents, least(g.epoch, p_token_epoch)) AS killer
    FROM estop.grants g JOIN estop.tasks t ON t.task_id = g.task_id
    WHERE g.task_id = p_task_id AND g.name = p_name AND g.state = 'issued' AND g.absolute_end > clock_timestamp()
    ORDER BY g.issued_at DESC LIMIT 1) d(grant_id, name, task_id, agent_id, agents, keys, epoch, connector, target, shared, handle, grant_state,
      sealed, absolute_end, intended_at, issued_at, ended_at, end_reason, state, killer)
$$;
