-- What is not needed any more. Behind the roles, so that nobody may execute what is not granted here.

-- A stop that is in force or not proved, over what carries these keys or agents: whatever it refers to is kept. Looked up by what they
-- carry: asked of each of hundreds of rows, a thousand stops in force would be tried one after the other for each.
CREATE FUNCTION estop.is_under_open_stop(p_keys text[], p_agents text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM estop.stops s LEFT JOIN estop.stop_progress p ON p.stop_id = s.stop_id
    WHERE s.scope_key = ANY (p_keys || ARRAY(SELECT l.label_key FROM estop.agent_labels l WHERE l.agent_id = ANY (p_agents)))
      AND (s.reset_at IS NULL OR p.proved_at IS NULL) IS TRUE
      AND (s.scope_key = ANY (p_keys) OR p_agents && estop.labelled_agents(s.scope_key, s.epoch)));
END $$;

-- One small batch of each kind of row that nobody needs any more; returns the size of the largest. Never audit, stops, their
-- progress, or the obligations of a stop, which are its proof, or one that a person answers for. Rows that somebody holds are left
-- for the next batch. Not protected: a clock that steps forward by as much as rows are kept.
CREATE FUNCTION estop.prune_rows(p_older_ms bigint, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before timestamptz := clock_timestamp() - make_interval(secs => p_older_ms / 1000.0);
  pruned integer;
  largest integer := 0;
BEGIN
  IF p_older_ms IS NULL OR p_older_ms < 86400000 OR p_limit IS NULL THEN
    RAISE EXCEPTION 'rows are kept for at least a day' USING ERRCODE = 'ES002';
  END IF;
  DELETE FROM estop.calls d WHERE d.call_id IN (
    SELECT c.call_id FROM estop.calls c JOIN estop.tasks t ON t.task_id = c.task_id
    WHERE c.admitted_at < before AND c.settled_at < before AND t.state = 'closed' AND NOT estop.is_under_open_stop(c.keys, t.agents)
    LIMIT p_limit FOR UPDATE OF c SKIP LOCKED);
  GET DIAGNOSTICS pruned = ROW_COUNT;
  largest := greatest(largest, pruned);

  DELETE FROM estop.obligation_phases d WHERE (d.obligation_id, d.phase, d.round) IN (
    SELECT f.obligation_id, f.phase, f.round FROM estop.obligation_phases f JOIN estop.obligations o ON o.obligation_id = f.obligation_id
    WHERE f.begun_at < before AND o.final_at < before AND NOT EXISTS (
      SELECT 1 FROM estop.stops s LEFT JOIN estop.stop_progress p ON p.stop_id = s.stop_id
      WHERE s.stop_id = o.stop_id AND (s.reset_at IS NULL OR p.proved_at IS NULL))
    LIMIT p_limit FOR UPDATE OF f SKIP LOCKED);
  GET DIAGNOSTICS pruned = ROW_COUNT;
  largest := greatest(largest, pruned);

  -- What merely ended goes with its grant.
  WITH old AS (
    SELECT g.grant_id FROM estop.grants g
    WHERE g.state = 'ended' AND g.ended_at < before AND NOT estop.is_under_open_stop(g.keys, g.agents)
      AND NOT EXISTS (SELECT 1 FROM estop.obligations o WHERE o.grant_id = g.grant_id
        AND (o.final_at IS NULL OR o.final_at >= before
          OR EXISTS (SELECT 1 FROM estop.obligation_phases f WHERE f.obligation_id = o.obligation_id)))
    LIMIT p_limit FOR UPDATE OF g SKIP LOCKED),
  ends AS (
    DELETE FROM estop.obligations d USING old WHERE d.grant_id = old.grant_id AND d.stop_id IS NULL AND d.state <> 'accepted-risk')
  DELETE FROM estop.grants d USING old WHERE d.grant_id = old.grant_id;
  GET DIAGNOSTICS pruned = ROW_COUNT;
  largest := greatest(largest, pruned);

  -- The memory of a data flow goes with its tree, and its entries with it.
  WITH old AS MATERIALIZED (
    SELECT f.root_id FROM estop.task_flows f JOIN estop.tasks t ON t.task_id = f.root_id
    WHERE t.state = 'closed' AND t.closed_at < before
      AND NOT EXISTS (SELECT 1 FROM estop.tasks c WHERE c.root_id = f.root_id AND c.state <> 'closed')
    LIMIT p_limit FOR UPDATE OF f SKIP LOCKED),
  entries AS (
    DELETE FROM estop.task_flow_entries e USING old WHERE e.root_id = old.root_id)
  DELETE FROM estop.task_flows d USING old WHERE d.root_id = old.root_id;
  GET DIAGNOSTICS pruned = ROW_COUNT;
  largest := greatest(largest, pruned);

  -- That they were, and who ended them, stays in the audit.
  DELETE FROM estop.sign_ins d WHERE d.sign_in_id IN (
    SELECT s.sign_in_id FROM estop.sign_ins s WHERE least(s.ends_at, s.ended_at) < before LIMIT p_limit FOR UPDATE OF s SKIP LOCKED);
  GET DIAGNOSTICS pruned = ROW_COUNT;
  largest := greatest(largest, pruned);

  DELETE FROM estop.denials d WHERE d.denial_id IN (
    SELECT n.denial_id FROM estop.denials n WHERE n.at < before LIMIT p_limit FOR UPDATE OF n SKIP LOCKED);
  GET DIAGNOSTICS pruned = ROW_COUNT;
  largest := greatest(largest, pruned);

  DELETE FROM estop.refused_attempts d WHERE d.ctid = ANY (ARRAY(SELECT r.ctid FROM estop.refused_attempts r WHERE r.first_at < before LIMIT p_limit));
  GET DIAGNOSTICS pruned = ROW_COUNT;
  largest := greatest(largest, pruned);

  DELETE FROM estop.spent d WHERE d.spent_key IN (
    SELECT s.spent_key FROM estop.spent s JOIN estop.tasks t ON s.spent_key = 'task:' || t.task_id
    WHERE t.state = 'closed' AND t.closed_at < before LIMIT p_limit FOR UPDATE OF s SKIP LOCKED);
  GET DIAGNOSTICS pruned = ROW_COUNT;
  largest := greatest(largest, pruned);

  DELETE FROM estop.gateways d WHERE d.gateway_id IN (
    SELECT g.gateway_id FROM estop.gateways g
    WHERE g.retired_at < before
      AND NOT EXISTS (SELECT 1 FROM estop.calls c WHERE c.gateway_id = g.gateway_id AND c.settled_at IS NULL)
      -- A report that is not made yet counts whoever was there at the latch; one that was made names them.
      AND NOT EXISTS (SELECT 1 FROM estop.stops s LEFT JOIN estop.stop_progress p ON p.stop_id = s.stop_id
        WHERE (p.fenced_at IS NULL AND g.retired_at >= s.latched_at)
          OR ((s.reset_at IS NULL OR p.proved_at IS NULL)
            AND EXISTS (SELECT 1 FROM estop.stop_gateways r WHERE r.stop_id = s.stop_id AND r.gateway_id = g.gateway_id)))
    LIMIT p_limit FOR UPDATE OF g SKIP LOCKED);
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN greatest(largest, pruned);
END $$;

GRANT EXECUTE ON FUNCTION estop.prune_rows(bigint, integer) TO estop_revoker;
