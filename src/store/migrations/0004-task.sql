-- Registering, starting and closing tasks. A task is a credential too: it is registered under the same stop check as a mint.

-- Keys are computed by the caller (core/scope-key.ts) from the agent and the parent's keys; the parent's row is re-read here so
-- that a caller cannot leave an ancestor out. Epoch and stops are read in ONE statement. rule: mint-epoch-and-stops-one-statement
CREATE FUNCTION estop.register_task(
  p_task_id text, p_agent_id text, p_parent_id text, p_keys text[], p_purpose text, p_requested_by text,
  p_max_depth integer, p_max_fan_out integer, p_max_open integer
) RETURNS TABLE (decision text, stop_id text, epoch bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  parent estop.tasks%ROWTYPE;
  all_keys text[];
  all_agents text[];
  now_epoch bigint;
  killer text;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM estop.agents a WHERE a.agent_id = p_agent_id AND a.retired_at IS NULL) THEN
    RETURN QUERY SELECT 'unknown-agent'::text, NULL::text, NULL::bigint; RETURN;
  END IF;
  IF EXISTS (SELECT 1 FROM estop.tasks t WHERE t.task_id = p_task_id) THEN
    RETURN QUERY SELECT 'exists'::text, NULL::text, t.epoch FROM estop.tasks t WHERE t.task_id = p_task_id; RETURN;
  END IF;
  all_keys := p_keys;
  all_agents := ARRAY[p_agent_id];
  IF p_parent_id IS NOT NULL THEN
    -- The parent's row lock makes fan-out a true count and orders a child against the closing of its parent.
    SELECT * INTO parent FROM estop.tasks t WHERE t.task_id = p_parent_id FOR UPDATE;
    IF parent.task_id IS NULL THEN RETURN QUERY SELECT 'unknown-parent'::text, NULL::text, NULL::bigint; RETURN; END IF;
    IF parent.state = 'closed' THEN RETURN QUERY SELECT 'parent-closed'::text, NULL::text, NULL::bigint; RETURN; END IF;
    IF parent.depth + 1 > p_max_depth THEN RETURN QUERY SELECT 'too-deep'::text, NULL::text, NULL::bigint; RETURN; END IF;
    IF (SELECT count(*) FROM estop.tasks t WHERE t.parent_id = p_parent_id) >= p_max_fan_out THEN
      RETURN QUERY SELECT 'too-many-children'::text, NULL::text, NULL::bigint; RETURN;
    END IF;
    all_keys := ARRAY(SELECT DISTINCT k FROM unnest(p_keys || parent.keys) k ORDER BY k);
    all_agents := ARRAY(SELECT DISTINCT a FROM unnest(ARRAY[p_agent_id] || parent.agents) a ORDER BY a);
  END IF;
  IF p_max_open IS NOT NULL AND (SELECT count(*) FROM estop.tasks t WHERE t.agent_id = p_agent_id AND t.state <> 'closed') >= p_max_open THEN
    RETURN QUERY SELECT 'too-many-open'::text, NULL::text, NULL::bigint; RETURN;
  END IF;
  -- A child is as old as its oldest ancestor: a stop that killed the parent and was reset must kill the child as well.
  SELECT e.epoch, estop.dead_by(all_keys, all_agents, least(e.epoch, coalesce(parent.epoch, e.epoch)))
    INTO now_epoch, killer FROM (SELECT estop.current_epoch() AS epoch) e;
  IF killer IS NOT NULL THEN RETURN QUERY SELECT 'stopped'::text, killer, now_epoch; RETURN; END IF;
  now_epoch := least(now_epoch, coalesce(parent.epoch, now_epoch));
  INSERT INTO estop.tasks (task_id, agent_id, parent_id, root_id, ancestors, agents, keys, epoch, depth, purpose, requested_by, state)
    VALUES (p_task_id, p_agent_id, p_parent_id, coalesce(parent.root_id, p_task_id),
      CASE WHEN parent.task_id IS NULL THEN '{}' ELSE parent.ancestors || parent.task_id END,
      all_agents, all_keys, now_epoch, coalesce(parent.depth + 1, 0), p_purpose, p_requested_by, 'registered');
  RETURN QUERY SELECT 'registered'::text, NULL::text, now_epoch;
END $$;

-- The second look, after the registration has COMMITTED and before the workflow starts (and again as the workflow's first act).
-- Also what a watcher asks about any task. rule: mint-reread
CREATE FUNCTION estop.check_task(p_task_id text) RETURNS TABLE (state text, stop_id text, held boolean)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.state, estop.dead_by(t.keys, t.agents, t.epoch), t.held FROM estop.tasks t WHERE t.task_id = p_task_id
$$;

CREATE FUNCTION estop.begin_task(p_task_id text) RETURNS TABLE (decision text, stop_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  killer text;
BEGIN
  UPDATE estop.tasks t SET state = 'running' WHERE t.task_id = p_task_id AND t.state = 'registered';
  SELECT estop.dead_by(t.keys, t.agents, t.epoch) INTO killer FROM estop.tasks t WHERE t.task_id = p_task_id AND t.state = 'running';
  IF NOT FOUND THEN RETURN QUERY SELECT 'closed'::text, NULL::text; RETURN; END IF;
  RETURN QUERY SELECT CASE WHEN killer IS NULL THEN 'running' ELSE 'stopped' END, killer;
END $$;

-- Closed once, for good: a closed task's token, grants and approvals are refused by ADMIT and mint.
CREATE FUNCTION estop.close_tasks(p_task_ids text[], p_outcome text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  closed integer;
BEGIN
  UPDATE estop.tasks t SET state = 'closed', outcome = p_outcome, closed_at = clock_timestamp()
    WHERE t.task_id = ANY (p_task_ids) AND t.state <> 'closed';
  GET DIAGNOSTICS closed = ROW_COUNT;
  UPDATE estop.approvals a SET state = 'closed' WHERE a.task_id = ANY (p_task_ids) AND a.state IN ('pending', 'approved');
  RETURN closed;
END $$;

-- Everything a stop covers and nobody has seen closed yet. Tasks younger than the stop (after a reset) are not covered.
CREATE FUNCTION estop.covered_open_tasks(p_stop_id text, p_limit integer)
RETURNS TABLE (task_id text, state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.task_id, t.state FROM estop.tasks t, estop.stops s
  WHERE s.stop_id = p_stop_id AND t.state <> 'closed' AND t.epoch < s.epoch
    AND (t.keys @> ARRAY[s.scope_key] OR EXISTS (
      SELECT 1 FROM estop.agent_labels l WHERE l.label_key = s.scope_key AND l.agent_id = ANY (t.agents)
        AND (l.removed_epoch IS NULL OR l.removed_epoch >= s.epoch)))
  ORDER BY t.registered_at LIMIT p_limit
$$;

CREATE FUNCTION estop.count_covered_tasks(p_stop_id text) RETURNS TABLE (covered integer, halted integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT count(*)::integer, (count(*) FILTER (WHERE t.state = 'closed'))::integer FROM estop.tasks t, estop.stops s
  WHERE s.stop_id = p_stop_id AND t.epoch < s.epoch AND (t.closed_at IS NULL OR t.closed_at >= s.latched_at)
    AND (t.keys @> ARRAY[s.scope_key] OR EXISTS (
      SELECT 1 FROM estop.agent_labels l WHERE l.label_key = s.scope_key AND l.agent_id = ANY (t.agents)
        AND (l.removed_epoch IS NULL OR l.removed_epoch >= s.epoch)))
$$;
