-- Minting a grant: intended (with its kill handle and absolute end) -> re-read -> issue -> re-read -> hand over.
-- Reviewed against test/model (b1_mint). Each function is one autocommit call: its commit IS the step.

-- A shared target, where generations cannot be told apart, while a killed grant, one of a closed task, or an obligation is open there.
-- rule: target-block, open-until-final
CREATE FUNCTION estop.target_is_busy(p_agent_id text, p_connector text, p_target text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM estop.obligations o
      WHERE o.agent_id = p_agent_id AND o.connector = p_connector AND o.target = p_target AND o.final_at IS NULL)
    OR EXISTS (SELECT 1 FROM estop.grants g JOIN estop.tasks owner ON owner.task_id = g.task_id
      WHERE g.agent_id = p_agent_id AND g.connector = p_connector AND g.target = p_target AND g.state <> 'ended'
        AND (owner.state = 'closed' OR estop.dead_by(g.keys, g.agents, g.epoch) IS NOT NULL)
        -- Whoever accepted that it may live has accepted it beside the next one, too; not so under a stop that came later and has not
        -- got round to it.
        AND (NOT EXISTS (SELECT 1 FROM estop.obligations o WHERE o.grant_id = g.grant_id AND o.state = 'accepted-risk')
          OR EXISTS (SELECT 1 FROM estop.stops s LEFT JOIN estop.stop_progress p ON p.stop_id = s.stop_id
            WHERE (s.reset_at IS NULL OR (p.proved_at IS NULL AND g.epoch < s.epoch))
              AND (g.keys @> ARRAY[s.scope_key] OR g.agents && estop.labelled_agents(s.scope_key, s.epoch))
              AND NOT EXISTS (SELECT 1 FROM estop.obligations o WHERE o.cause_id = s.stop_id AND o.grant_id = g.grant_id))));
END $$;

-- One mint after the other looks at a shared target. Taken in a statement BEFORE the one that reads what is open there.
-- rule: target-lock
CREATE FUNCTION estop.lock_target(p_agent_id text, p_connector text, p_target text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1163088976, hashtext(p_agent_id || E'\n' || p_connector || E'\n' || p_target));
END $$;

-- p_epoch is the task's own: what the names in the handle carry is what the ledger says. A retry finds its own row: `exists`.
-- rule: mint-epoch-and-stops-one-statement, mint-intended-first, mint-kill-handle, mint-absolute-end, target-lock, target-block, open-until-final
CREATE FUNCTION estop.mint_intend(
  p_grant_id text, p_name text, p_task_id text, p_connector text, p_target text, p_shared boolean, p_handle jsonb,
  p_epoch bigint, p_life_ms bigint, p_options text DEFAULT NULL
) RETURNS TABLE (decision text, stop_id text, absolute_end timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  t estop.tasks%ROWTYPE;
  known estop.grants%ROWTYPE;
  grant_keys text[];
  killer text;
  ends timestamptz;
BEGIN
  PERFORM estop.commit_durably();
  SELECT * INTO t FROM estop.tasks WHERE task_id = p_task_id;
  IF t.task_id IS NULL THEN RETURN QUERY SELECT 'unknown-task'::text, NULL::text, NULL::timestamptz; RETURN; END IF;
  IF p_epoch IS DISTINCT FROM t.epoch THEN RETURN QUERY SELECT 'epoch-from-elsewhere'::text, NULL::text, NULL::timestamptz; RETURN; END IF;
  grant_keys := ARRAY(SELECT DISTINCT k FROM unnest(t.keys || ('connector:' || p_connector)) k);
  IF p_shared THEN
    PERFORM estop.lock_target(t.agent_id, p_connector, p_target);
  END IF;
  SELECT * INTO known FROM estop.grants g WHERE g.grant_id = p_grant_id;
  IF known.grant_id IS NOT NULL THEN
    RETURN QUERY SELECT CASE WHEN known.task_id = p_task_id AND known.connector = p_connector AND known.target = p_target AND known.name = p_name
      AND known.handle = p_handle THEN 'exists' ELSE 'id-taken' END, NULL::text, known.absolute_end;
    RETURN;
  END IF;
  IF p_shared AND estop.target_is_busy(t.agent_id, p_connector, p_target) THEN
    RETURN QUERY SELECT 'target-busy'::text, NULL::text, NULL::timestamptz; RETURN;
  END IF;
  -- One statement: the task's epoch (fixed at registration), the stops and the task's state.
  SELECT estop.dead_by(grant_keys, x.agents, x.epoch) INTO killer FROM estop.tasks x WHERE x.task_id = p_task_id AND x.state <> 'closed';
  IF NOT FOUND THEN RETURN QUERY SELECT 'task-closed'::text, NULL::text, NULL::timestamptz; RETURN; END IF;
  IF killer IS NOT NULL THEN RETURN QUERY SELECT 'stopped'::text, killer, NULL::timestamptz; RETURN; END IF;
  ends := clock_timestamp() + make_interval(secs => p_life_ms / 1000.0);
  INSERT INTO estop.grants (grant_id, name, task_id, agent_id, agents, keys, epoch, connector, target, shared, handle, options, state, absolute_end)
    VALUES (p_grant_id, p_name, p_task_id, t.agent_id, t.agents, grant_keys, t.epoch, p_connector, p_target, p_shared, p_handle, p_options,
      'intended', ends);
  RETURN QUERY SELECT 'intended'::text, NULL::text, ends;
END $$;

-- After `intended` has committed, before the issuer is asked. The first `issue` marks the row as asked; dead before that mark means
-- never issued, and the row is ended. Dead after it proves nothing (an earlier attempt may have reached the issuer): the row stays
-- intended, and an obligation finds out. The same for a shared target on which something has been killed since the intent. Locks: the
-- grant's row, then that of a shared target, then, in later statements, the stops. rule: mint-reread, target-block
CREATE FUNCTION estop.mint_recheck(p_grant_id text) RETURNS TABLE (decision text, stop_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  mine estop.grants%ROWTYPE;
  killer text;
  closed boolean;
  busy boolean := false;
BEGIN
  PERFORM estop.commit_durably();
  SELECT * INTO mine FROM estop.grants g WHERE g.grant_id = p_grant_id AND g.state = 'intended' FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not-intended'::text, NULL::text; RETURN; END IF;
  IF mine.shared THEN
    PERFORM estop.lock_target(mine.agent_id, mine.connector, mine.target);
    busy := estop.target_is_busy(mine.agent_id, mine.connector, mine.target);
  END IF;
  SELECT estop.dead_by(g.keys, g.agents, g.epoch), t.state = 'closed' INTO killer, closed
    FROM estop.grants g JOIN estop.tasks t ON t.task_id = g.task_id WHERE g.grant_id = p_grant_id;
  IF killer IS NULL AND NOT closed AND NOT busy THEN
    UPDATE estop.grants g SET asked_at = clock_timestamp() WHERE g.grant_id = p_grant_id AND g.asked_at IS NULL;
    RETURN QUERY SELECT 'issue'::text, NULL::text; RETURN;
  END IF;
  IF mine.asked_at IS NULL THEN
    UPDATE estop.grants g SET state = 'ended', ended_at = clock_timestamp(), end_reason = 'never-issued' WHERE g.grant_id = p_grant_id;
  END IF;
  RETURN QUERY SELECT CASE WHEN killer IS NOT NULL THEN 'stopped' WHEN closed THEN 'task-closed' ELSE 'target-busy' END, killer;
END $$;

-- Records what was issued, sealed, and reads the stops once more in a later statement. `ended`: somebody closed the row meanwhile,
-- so the caller holds a credential that the ledger does not know and must cut it off itself.
-- rule: mint-reread-before-hand-over
CREATE FUNCTION estop.mint_issued(p_grant_id text, p_sealed bytea) RETURNS TABLE (decision text, stop_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  killer text;
  closed boolean;
BEGIN
  PERFORM estop.commit_durably();
  UPDATE estop.grants g SET state = 'issued', sealed = p_sealed, issued_at = clock_timestamp()
    WHERE g.grant_id = p_grant_id AND g.state = 'intended';
  SELECT estop.dead_by(g.keys, g.agents, g.epoch), t.state = 'closed' INTO killer, closed
    FROM estop.grants g JOIN estop.tasks t ON t.task_id = g.task_id WHERE g.grant_id = p_grant_id AND g.state = 'issued';
  IF NOT FOUND THEN RETURN QUERY SELECT 'ended'::text, NULL::text; RETURN; END IF;
  RETURN QUERY SELECT CASE WHEN killer IS NOT NULL THEN 'stopped' WHEN closed THEN 'task-closed' ELSE 'issued' END, killer;
END $$;

-- The one way a sealed credential leaves the store towards an agent; the stop check and the read are one statement. What somebody has
-- begun to end is handed over no more, though a clock may have gone back behind its end.
-- rule: mint-reread-before-hand-over
CREATE FUNCTION estop.hand_over(p_task_id text, p_name text, p_token_epoch bigint)
RETURNS TABLE (decision text, stop_id text, grant_id text, connector text, target text, sealed bytea, handle jsonb, options text, absolute_end timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH found AS (
      SELECT g.grant_id, g.connector, g.target, g.sealed, g.handle, g.options, g.absolute_end, t.state AS task_state,
        estop.is_held(t.task_id, t.ancestors) AS held, estop.dead_by(g.keys, g.agents, least(g.epoch, p_token_epoch)) AS killer,
        EXISTS (SELECT 1 FROM estop.obligations o WHERE o.grant_id = g.grant_id) AS ending
      FROM estop.grants g JOIN estop.tasks t ON t.task_id = g.task_id
      WHERE g.task_id = p_task_id AND g.name = p_name AND g.state = 'issued' AND g.absolute_end > clock_timestamp()
      ORDER BY ending, g.issued_at DESC LIMIT 1),
    decided AS (
      SELECT f.*, CASE WHEN f.killer IS NOT NULL THEN 'stopped' WHEN f.task_state = 'closed' THEN 'task-closed'
        WHEN f.held THEN 'held' WHEN f.ending THEN 'ending' ELSE 'handed-over' END AS decision FROM found f)
    SELECT d.decision, d.killer, d.grant_id, d.connector, d.target, CASE WHEN d.decision = 'handed-over' THEN d.sealed END, d.handle, d.options, d.absolute_end
    FROM decided d WHERE d.decision <> 'ending';
END $$;
