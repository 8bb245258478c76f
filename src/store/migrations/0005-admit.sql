-- ADMIT: one round trip that decides a tool call, records its intent, and looks at the stops LAST.

-- Locks, in this order: the approval's row (if one is redeemed), the new call's row. The stop check is a statement of its own
-- AFTER every lock was won, so its snapshot is younger than any wait: no ADMIT whose check begins after a stop's
-- acknowledgement admits a covered call. Budgets and breakers belong between the approval and the intent. A gateway that is not
-- registered, or retired, is not counted by a fence report, so nothing is admitted in its name.
-- rule: admit-checks-stops, admit-stops-last
CREATE FUNCTION estop.admit(
  p_call_id text, p_gateway_id text, p_task_id text, p_token_epoch bigint, p_keys text[], p_tool_key text,
  p_digest bytea, p_needs_approval boolean
) RETURNS TABLE (decision text, stop_id text, approval_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  t estop.tasks%ROWTYPE;
  redeemed text;
  killer text;
  task_open boolean;
  task_held boolean;
  call_keys text[];
BEGIN
  PERFORM estop.commit_durably();
  IF NOT EXISTS (SELECT 1 FROM estop.gateways g WHERE g.gateway_id = p_gateway_id AND g.retired_at IS NULL) THEN
    RETURN QUERY SELECT 'unknown-gateway'::text, NULL::text, NULL::text; RETURN;
  END IF;
  SELECT * INTO t FROM estop.tasks WHERE task_id = p_task_id;
  IF t.task_id IS NULL THEN RETURN QUERY SELECT 'unknown-task'::text, NULL::text, NULL::text; RETURN; END IF;
  call_keys := ARRAY(SELECT DISTINCT k FROM unnest(t.keys || p_keys || p_tool_key) k);
  IF p_needs_approval THEN
    UPDATE estop.approvals a SET state = 'redeemed', call_id = p_call_id
      WHERE a.task_id = p_task_id AND a.digest = p_digest AND a.tool_key = p_tool_key AND a.state = 'approved'
        AND a.expires_at > clock_timestamp()
      RETURNING a.approval_id INTO redeemed;
    IF redeemed IS NULL THEN RETURN QUERY SELECT 'needs-approval'::text, NULL::text, NULL::text; RETURN; END IF;
  END IF;
  INSERT INTO estop.calls (call_id, gateway_id, task_id, agent_id, keys, epoch, tool_key, digest, approval_id)
    VALUES (p_call_id, p_gateway_id, p_task_id, t.agent_id, call_keys, p_token_epoch, p_tool_key, p_digest, redeemed);
  -- The last statement that decides. Both the token and its task must be alive.
  SELECT estop.dead_by(call_keys, n.agents, least(p_token_epoch, n.epoch)), n.state <> 'closed', estop.is_held(n.task_id, n.ancestors)
    INTO killer, task_open, task_held FROM estop.tasks n WHERE n.task_id = p_task_id;
  IF killer IS NULL AND task_open AND NOT task_held THEN
    RETURN QUERY SELECT 'allow'::text, NULL::text, redeemed; RETURN;
  END IF;
  UPDATE estop.calls c SET settled_at = clock_timestamp(), outcome = 'denied' WHERE c.call_id = p_call_id;
  -- A hold gives the approval back; a stop or a closed task ends it.
  UPDATE estop.approvals a SET state = CASE WHEN killer IS NULL AND task_open THEN 'approved' ELSE 'closed' END, call_id = NULL
    WHERE a.approval_id = redeemed;
  RETURN QUERY SELECT CASE WHEN killer IS NOT NULL THEN 'stopped' WHEN NOT task_open THEN 'task-closed' ELSE 'held' END, killer, NULL::text;
END $$;

-- The end of an approval is stamped here, whoever writes it: history and events are built on it. An expired one ended when its time
-- was over, not when somebody noticed; one that a hold gave back has not ended.
CREATE FUNCTION estop.stamp_approval_end() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.state IN ('pending', 'approved') THEN
    NEW.ended_at := NULL;
    NEW.ended_by := NULL;
  ELSIF NEW.state <> OLD.state THEN
    NEW.ended_at := CASE WHEN NEW.state = 'expired' THEN NEW.expires_at ELSE clock_timestamp() END;
    NEW.ended_by := CASE WHEN NEW.state = 'closed' THEN estop.dead_by(NEW.keys, NEW.agents, NEW.epoch) END;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER approvals_stamp_end BEFORE UPDATE OF state ON estop.approvals
  FOR EACH ROW EXECUTE FUNCTION estop.stamp_approval_end();

-- Settled once; what a fence report has already called possibly-completed stays so.
CREATE FUNCTION estop.settle(p_call_id text, p_outcome text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE estop.calls c SET settled_at = clock_timestamp(), outcome = p_outcome WHERE c.call_id = p_call_id AND c.settled_at IS NULL;
  RETURN FOUND;
END $$;

-- One open approval for one call of one task, however often it is asked for. Refused for what is dead.
CREATE FUNCTION estop.request_approval(
  p_approval_id text, p_task_id text, p_token_epoch bigint, p_tool_key text, p_digest bytea, p_shown text, p_ttl_ms bigint
) RETURNS TABLE (decision text, approval_id text, state text, expires_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  t estop.tasks%ROWTYPE;
BEGIN
  SELECT * INTO t FROM estop.tasks WHERE task_id = p_task_id;
  IF t.task_id IS NULL OR t.state = 'closed' THEN RETURN QUERY SELECT 'refused'::text, NULL::text, NULL::text, NULL::timestamptz; RETURN; END IF;
  UPDATE estop.approvals a SET state = 'expired'
    WHERE a.task_id = p_task_id AND a.digest = p_digest AND a.state IN ('pending', 'approved') AND a.expires_at <= clock_timestamp();
  INSERT INTO estop.approvals (approval_id, task_id, agent_id, agents, keys, epoch, tool_key, digest, shown, requested_by, state, expires_at)
    VALUES (p_approval_id, p_task_id, t.agent_id, t.agents, ARRAY(SELECT DISTINCT k FROM unnest(t.keys || p_tool_key) k),
      least(p_token_epoch, t.epoch), p_tool_key, p_digest, p_shown, t.requested_by, 'pending',
      clock_timestamp() + make_interval(secs => p_ttl_ms / 1000.0))
    ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT CASE WHEN estop.dead_by(a.keys, a.agents, a.epoch) IS NULL THEN 'open' ELSE 'refused' END,
    a.approval_id, a.state, a.expires_at
    FROM estop.approvals a WHERE a.task_id = p_task_id AND a.digest = p_digest AND a.state IN ('pending', 'approved');
  UPDATE estop.approvals a SET state = 'closed'
    WHERE a.task_id = p_task_id AND a.digest = p_digest AND a.state IN ('pending', 'approved')
      AND estop.dead_by(a.keys, a.agents, a.epoch) IS NOT NULL;
END $$;

-- One decision by one eligible person: whoever asked for the task may deny its calls, never approve them.
-- The stop check is the last statement: an approval never outlives a stop.
CREATE FUNCTION estop.decide_approval(p_approval_id text, p_decision text, p_actor text, p_reason text)
RETURNS TABLE (outcome text, task_id text, state text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  a estop.approvals%ROWTYPE;
  killer text;
BEGIN
  IF p_decision IS NULL OR p_decision NOT IN ('approved', 'denied') OR coalesce(p_actor, '') = '' THEN
    RAISE EXCEPTION 'a decision is approved or denied, by somebody' USING ERRCODE = 'ES002';
  END IF;
  SELECT * INTO a FROM estop.approvals x WHERE x.approval_id = p_approval_id FOR UPDATE;
  IF a.approval_id IS NULL THEN RETURN QUERY SELECT 'unknown'::text, NULL::text, NULL::text; RETURN; END IF;
  IF a.state <> 'pending' THEN RETURN QUERY SELECT 'closed'::text, a.task_id, a.state; RETURN; END IF;
  IF a.expires_at <= clock_timestamp() THEN
    UPDATE estop.approvals x SET state = 'expired' WHERE x.approval_id = p_approval_id;
    RETURN QUERY SELECT 'closed'::text, a.task_id, 'expired'::text; RETURN;
  END IF;
  IF p_decision = 'approved' AND p_actor = a.requested_by THEN RETURN QUERY SELECT 'not-eligible'::text, a.task_id, a.state; RETURN; END IF;
  UPDATE estop.approvals x SET state = p_decision, decided_by = p_actor, decided_at = clock_timestamp(), decision_reason = p_reason
    WHERE x.approval_id = p_approval_id;
  SELECT estop.dead_by(x.keys, x.agents, x.epoch) INTO killer FROM estop.approvals x WHERE x.approval_id = p_approval_id;
  IF killer IS NOT NULL THEN
    -- The decision does not stand, so nobody made it.
    UPDATE estop.approvals x SET state = 'closed', decided_by = NULL, decided_at = NULL, decision_reason = NULL
      WHERE x.approval_id = p_approval_id;
    RETURN QUERY SELECT 'closed'::text, a.task_id, 'closed'::text; RETURN;
  END IF;
  RETURN QUERY SELECT 'decided'::text, a.task_id, p_decision;
END $$;
