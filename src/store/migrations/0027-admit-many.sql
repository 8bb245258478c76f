-- ADMIT for calls that wait at the same time: one round trip and one commit, each decided for itself. Locks: the budgets of all of
-- them first, in the order of their keys, so that two batches never wait for each other; then those of 0005-admit.sql (a call that redeems an approval
-- had better come alone: its lock comes before budgets). The stops are read once for all of them, after the last lock: for whatever any of
-- them can be killed by. Where there is none all may go; else each is decided by itself. What one of those gives back others may have been
-- refused for: that undoes the batch (ES003), as does any error in it, and each is asked about again by itself.
-- rule: admit-checks-stops, admit-stops-last
CREATE FUNCTION estop.admit_many(p_gateway_id text, p_calls jsonb)
RETURNS TABLE (call_id text, decision text, stop_id text, approval_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g record;
  c record;
  d record;
  asked text[] := '{}';
  refused text[] := '{}';
  redeemed text[] := '{}';
  killers text[] := '{}';
  tasks text[] := '{}';
  keys text[] := '{}';
  agents text[] := '{}';
  lines text[] := '{}';
  oldest bigint;
BEGIN
  PERFORM estop.commit_durably();
  PERFORM estop.lock_budgets(ARRAY(SELECT DISTINCT x.task FROM jsonb_to_recordset(p_calls) AS x(task text)));
  FOR g IN
    SELECT * FROM jsonb_to_recordset(p_calls) AS x(call text, task text, epoch bigint, keys text[], tool text, worst bigint[], digest text,
      approval boolean, version text, approvers integer, flow bigint, policies text[])
  LOOP
    c := estop.record_call(g.call, p_gateway_id, g.task, g.epoch, g.keys, g.tool, g.worst, decode(g.digest, 'hex'),
      coalesce(g.approval, true), g.version, g.approvers, g.flow, g.policies);
    asked := asked || g.call;
    refused := refused || c.refused;
    redeemed := redeemed || c.redeemed;
    killers := killers || NULL::text;
    CONTINUE WHEN c.refused IS NOT NULL;
    tasks := tasks || g.task;
    keys := keys || c.call_keys;
    agents := agents || c.agents;
    lines := lines || c.line;
    oldest := least(oldest, c.epoch);
  END LOOP;
  -- Any key with any epoch: what finds nothing here finds nothing for any of them.
  IF estop.dead_by(keys, agents, oldest) IS NOT NULL OR estop.is_held(NULL, lines)
      OR (SELECT count(*) FROM estop.tasks n WHERE n.task_id = ANY (tasks) AND n.state <> 'closed') <> (SELECT count(DISTINCT n) FROM unnest(tasks) n)
      OR EXISTS (SELECT 1 FROM unnest(redeemed) r WHERE r IS NOT NULL AND NOT estop.is_still_approved(r)) THEN
    FOR i IN 1 .. cardinality(asked) LOOP
      CONTINUE WHEN refused[i] IS NOT NULL;
      SELECT * INTO g FROM estop.calls r WHERE r.call_id = asked[i];
      d := estop.decide_call(g.call_id, g.task_id, g.epoch, g.keys, ARRAY[g.cost_calls, g.cost_tokens, g.cost_microcents], g.approval_id, g.budget_keys);
      CONTINUE WHEN d.decision = 'allow';
      IF g.budget_keys IS NOT NULL AND 'over-budget' = ANY (SELECT split_part(w, ' ', 1) FROM unnest(refused) w) THEN
        RAISE EXCEPTION 'one of these calls was refused for the budget of one that died' USING ERRCODE = 'ES003';
      END IF;
      refused[i] := d.decision;
      killers[i] := d.killer;
    END LOOP;
  END IF;
  FOR i IN 1 .. cardinality(asked) LOOP
    call_id := asked[i];
    decision := coalesce(refused[i], 'allow');
    stop_id := killers[i];
    approval_id := CASE WHEN refused[i] IS NULL THEN redeemed[i] END;
    RETURN NEXT;
  END LOOP;
END $$;

GRANT EXECUTE ON FUNCTION estop.admit_many(text, jsonb) TO estop_gateway;
