-- Registering, starting, holding and closing tasks. A task is a credential too: it is registered under the same stop check as a mint.

-- Keys are computed by the caller (core/scope-key.ts); what must be among them is added here again (fleet, agent, task, the
-- agent's labels, every key of the parent), so that no caller can leave an ancestor out. Epoch and stops are read in ONE statement.
-- Locks, in this order: the agent's row (a true count of open tasks; order against the agent's removal), the parent's row (a true
-- count of children; order against its closing). rule: register-before-start, keys-of-every-ancestor, mint-epoch-and-stops-one-statement
CREATE FUNCTION estop.register_task(
  p_task_id text, p_agent_id text, p_parent_id text, p_keys text[], p_purpose text, p_requested_by text,
  p_max_depth integer, p_max_fan_out integer, p_max_open integer, p_kind text DEFAULT 'task'
) RETURNS TABLE (decision text, stop_id text, epoch bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  parent estop.tasks%ROWTYPE;
  known estop.tasks%ROWTYPE;
  all_keys text[];
  all_agents text[];
  now_epoch bigint;
  killer text;
BEGIN
  PERFORM 1 FROM estop.agents a WHERE a.agent_id = p_agent_id AND a.retired_at IS NULL FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'unknown-agent'::text, NULL::text, NULL::bigint; RETURN; END IF;
  IF p_parent_id IS NOT NULL THEN
    SELECT * INTO parent FROM estop.tasks t WHERE t.task_id = p_parent_id FOR UPDATE;
    IF parent.task_id IS NULL THEN RETURN QUERY SELECT 'unknown-parent'::text, NULL::text, NULL::bigint; RETURN; END IF;
  END IF;
  SELECT * INTO known FROM estop.tasks t WHERE t.task_id = p_task_id;
  IF known.task_id IS NOT NULL THEN
    RETURN QUERY SELECT CASE WHEN known.agent_id = p_agent_id AND known.parent_id IS NOT DISTINCT FROM p_parent_id
      THEN 'exists' ELSE 'id-taken' END, NULL::text, known.epoch;
    RETURN;
  END IF;
  all_keys := p_keys || ARRAY['fleet', 'agent:' || p_agent_id, 'task:' || p_task_id] || ARRAY(
    SELECT l.label_key FROM estop.agent_labels l WHERE l.agent_id = p_agent_id AND l.tombstoned_at IS NULL);
  all_agents := ARRAY[p_agent_id];
  IF parent.task_id IS NOT NULL THEN
    IF parent.state = 'closed' THEN RETURN QUERY SELECT 'parent-closed'::text, NULL::text, NULL::bigint; RETURN; END IF;
    IF parent.depth + 1 > p_max_depth THEN RETURN QUERY SELECT 'too-deep'::text, NULL::text, NULL::bigint; RETURN; END IF;
    IF (SELECT count(*) FROM estop.tasks t WHERE t.parent_id = p_parent_id) >= p_max_fan_out THEN
      RETURN QUERY SELECT 'too-many-children'::text, NULL::text, NULL::bigint; RETURN;
    END IF;
    all_keys := all_keys || parent.keys;
    all_agents := all_agents || parent.agents;
  END IF;
  IF p_max_open IS NOT NULL AND (SELECT count(*) FROM estop.tasks t WHERE t.agent_id = p_agent_id AND t.state <> 'closed') >= p_max_open THEN
    RETURN QUERY SELECT 'too-many-open'::text, NULL::text, NULL::bigint; RETURN;
  END IF;
  all_keys := ARRAY(SELECT DISTINCT k FROM unnest(all_keys) k WHERE k IS NOT NULL ORDER BY k);
  all_agents := ARRAY(SELECT DISTINCT a FROM unnest(all_agents) a ORDER BY a);
  -- A child is as old as its oldest ancestor: a stop that killed the parent and was reset must kill the child as well.
  SELECT least(e.epoch, parent.epoch), estop.dead_by(all_keys, all_agents, least(e.epoch, parent.epoch))
    INTO now_epoch, killer FROM (SELECT estop.current_epoch() AS epoch) e;
  IF killer IS NOT NULL THEN RETURN QUERY SELECT 'stopped'::text, killer, now_epoch; RETURN; END IF;
  -- A child is answered for by whoever asked for the root: an agent cannot become a requester and so an approver's "other person".
  INSERT INTO estop.tasks (task_id, agent_id, parent_id, root_id, ancestors, agents, keys, epoch, depth, purpose, kind, requested_by, state)
    VALUES (p_task_id, p_agent_id, p_parent_id, coalesce(parent.root_id, p_task_id),
      CASE WHEN parent.task_id IS NULL THEN '{}' ELSE parent.ancestors || parent.task_id END,
      all_agents, all_keys, now_epoch, coalesce(parent.depth + 1, 0), p_purpose, p_kind, coalesce(parent.requested_by, p_requested_by), 'registered');
  RETURN QUERY SELECT 'registered'::text, NULL::text, now_epoch;
END $$;

-- A hold covers the whole tree below it, as a stop does. A breaker holds the tasks of its agent in the same way.
CREATE FUNCTION estop.is_held(p_task_id text, p_ancestors text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM estop.tasks h WHERE h.task_id = ANY (p_ancestors || p_task_id) AND h.held)
    OR (EXISTS (SELECT 1 FROM estop.breaker_trips b WHERE b.cleared_at IS NULL) AND estop.is_held_by_breaker(p_task_id, p_ancestors));
END $$;

-- The second look, after the registration has COMMITTED and before the workflow starts (and again as the workflow's first act).
-- Also what a watcher asks about any task. rule: mint-reread
CREATE FUNCTION estop.check_task(p_task_id text) RETURNS TABLE (state text, stop_id text, held boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT t.state, estop.dead_by(t.keys, t.agents, t.epoch), estop.is_held(t.task_id, t.ancestors)
    FROM estop.tasks t WHERE t.task_id = p_task_id;
END $$;

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

-- Category 2: power stays on, nothing new is admitted. Never an emergency stop; a stop beats it in any state.
CREATE FUNCTION estop.hold_task(p_task_id text, p_held boolean, p_actor text, p_reason text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  was boolean;
BEGIN
  SELECT t.held INTO was FROM estop.tasks t WHERE t.task_id = p_task_id AND t.state <> 'closed' FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE estop.tasks t SET held = p_held WHERE t.task_id = p_task_id;
  INSERT INTO estop.audit (kind, actor, subject, reason, before, after)
    VALUES (CASE WHEN p_held THEN 'task.held' ELSE 'task.released' END, left(p_actor, 200), p_task_id, left(p_reason, 2000),
      jsonb_build_object('held', was), jsonb_build_object('held', p_held));
  RETURN true;
END $$;

-- Closed once, for good: a closed task's token, grants and approvals are refused by ADMIT and mint. Rows are locked in one order.
CREATE FUNCTION estop.close_tasks(p_task_ids text[], p_outcome text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  closed integer;
BEGIN
  PERFORM 1 FROM estop.tasks t WHERE t.task_id = ANY (p_task_ids) AND t.state <> 'closed' ORDER BY t.task_id FOR UPDATE;
  UPDATE estop.tasks t SET state = 'closed', outcome = p_outcome, closed_at = clock_timestamp()
    WHERE t.task_id = ANY (p_task_ids) AND t.state <> 'closed';
  GET DIAGNOSTICS closed = ROW_COUNT;
  UPDATE estop.approvals a SET state = 'closed' WHERE a.approval_id IN (
    SELECT x.approval_id FROM estop.approvals x WHERE x.task_id = ANY (p_task_ids) AND x.state IN ('pending', 'approved') FOR UPDATE SKIP LOCKED);
  RETURN closed;
END $$;

-- Everything a stop covers and nobody has seen closed yet. Once it is reset, tasks younger than it are not covered.
CREATE FUNCTION estop.covered_open_tasks(p_stop_id text, p_limit integer) RETURNS TABLE (task_id text, state text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  s estop.stops%ROWTYPE;
  labelled text[];
BEGIN
  SELECT * INTO s FROM estop.stops x WHERE x.stop_id = p_stop_id;
  labelled := estop.labelled_agents(s.scope_key, s.epoch);
  RETURN QUERY SELECT t.task_id, t.state FROM estop.tasks t
    WHERE t.state <> 'closed' AND (t.keys @> ARRAY[s.scope_key] OR t.agents && labelled) AND (s.reset_at IS NULL OR t.epoch < s.epoch)
    ORDER BY t.registered_at, t.task_id LIMIT p_limit;
END $$;

-- covered: open now, or closed since the latch.
CREATE FUNCTION estop.count_covered_tasks(p_stop_id text) RETURNS TABLE (covered integer, halted integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  s estop.stops%ROWTYPE;
  labelled text[];
BEGIN
  SELECT * INTO s FROM estop.stops x WHERE x.stop_id = p_stop_id;
  labelled := estop.labelled_agents(s.scope_key, s.epoch);
  RETURN QUERY WITH c AS (
    SELECT t.state FROM estop.tasks t
      WHERE t.state <> 'closed' AND (t.keys @> ARRAY[s.scope_key] OR t.agents && labelled) AND (s.reset_at IS NULL OR t.epoch < s.epoch)
    UNION ALL
    SELECT t.state FROM estop.tasks t
      WHERE t.state = 'closed' AND t.closed_at >= s.latched_at AND (t.keys @> ARRAY[s.scope_key] OR t.agents && labelled)
        AND (s.reset_at IS NULL OR t.epoch < s.epoch))
    SELECT count(*)::integer, (count(*) FILTER (WHERE c.state = 'closed'))::integer FROM c;
END $$;
